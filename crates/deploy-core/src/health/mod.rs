//! What is healthy, what is hopeless, and why (stage *observe*).
//!
//! [`World`] takes everything that watches deliver and remembers since when it is so; [`Judge`] decides. Both are
//! pure: the caller brings the time, and calls again when something new was seen or at [`Assessment::look_again`].
//!
//! # When is it healthy
//! | kind | healthy |
//! | --- | --- |
//! | Deployment | complete by the rule of `kubectl rollout status`, and all pods of the new ReplicaSet settled; a paused one waits, as there |
//! | StatefulSet | updated down to the partition, ready, settled; with `OnDelete` once all pods are ready |
//! | DaemonSet | updated and available on every node it is for, settled; with `OnDelete` once all pods are available |
//! | ReplicaSet, ReplicationController | available and settled |
//! | Pod | settled; one that is not always restarted once it succeeded |
//! | Job | complete, or suspended |
//! | Service | at once; one of type `LoadBalancer` once it has an address |
//! | PersistentVolumeClaim | bound; or if it is bound at its first use and nothing uses it |
//! | CustomResourceDefinition, APIService, Namespace | `Established`, `Available`, `Active` |
//! | PodDisruptionBudget | once its controller has observed it |
//! | HorizontalPodAutoscaler, Ingress, CronJob | at once; an autoscaler that cannot scale its target waits |
//! | what else Kubernetes has | at once |
//! | custom resources | by `Ready`, `Reconciling`, `Stalled` and `observedGeneration`, as kstatus does; without those at once |
//!
//! Settled is a container that passes its readiness probe, or that has none and was seen running for
//! [`Patience::settling`] without a restart. Nothing is concluded from a status that is older than the object
//! (`observedGeneration`), and nothing from pods of an older revision, or that are being deleted.
//!
//! # When is it hopeless
//! A controller says so (a Job failed, `ProgressDeadlineExceeded` of *this* rollout), or pods are beyond
//! [`Patience`]. Where some new pods are and others are not, the rollout is hopeless
//!
//! 1. at once if what is wrong lies in the template (no such image, a missing ConfigMap), unless the same container
//!    has started in another new pod;
//! 2. when all new pods are;
//! 3. when as many are as block the rest: one of a StatefulSet that goes in order, `maxUnavailable` of a DaemonSet;
//! 4. when the others made no progress (no new pod, none more ready) for [`Patience::stalled`].
//!
//! A readiness probe that does not pass is never hopeless: [`Assessment::suspect`] has its words for when the caller's
//! time runs out.
//!
//! # Example
//! ```
//! use deploy_core::clock::Timestamp;
//! use deploy_core::health::{Judge, Patience, Verdict, World};
//! use deploy_core::manifest::Object;
//! use serde_json::json;
//!
//! let now = Timestamp::UNIX_EPOCH;
//! let job = Object::new(json!({
//!     "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"},
//!     "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
//! }))?;
//! let mut world = World::new();
//! world.upsert(job.clone(), now);
//!
//! let judge = Judge::new(Patience::default());
//! let assessment = judge.judge(&job.id(), &world, now);
//! assert!(matches!(assessment.verdict, Verdict::Failed { .. }));
//! assert_eq!(assessment.progress, "Job shop/migrate failed (BackoffLimitExceeded)");
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod custom;
mod events;
mod failure;
mod judge;
mod patience;
mod phase;
mod pods;
mod read;
mod rest;
pub mod signs;
mod simple;
#[cfg(test)]
mod tests;
mod track;
mod verdict;
mod workload;
mod world;

pub use events::KubeEvent;
pub use failure::{Failure, Reason};
pub use judge::{HealthRule, Judge};
pub use patience::Patience;
pub use phase::{PodPhase, PodPhases};
pub use verdict::{Assessment, Verdict};
pub use world::World;
