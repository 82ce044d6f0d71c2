//! Deploys to a Kubernetes cluster from outside it: no controller, no CRD, no agent.
//!
//! | what | type |
//! | --- | --- |
//! | a connection: kubeconfig, context, bytes, in-cluster | [`Cluster`] |
//! | its version and APIs, as a chart's templates ask for them | [`Capabilities`] |
//! | kubectl-style rollout target: server-side apply, followed, rolled back | [`Apply`] |
//! | where others write too: fail, force, yield | [`Conflicts`], [`ConflictRule`], [`FieldConflicts`] |
//! | what is deleted when it is wanted no more | [`ApplySet`] |
//! | kubectl's rollout verbs; its `set image` | [`RolloutVerb`], [`WorkloadRevision`]; [`SetImages`] |
//! | Helm-style rollout target, whose records Helm reads; and what helm released | [`Release`], [`ReleaseRevision`], [`ReleaseContent`] |
//! | what runs, and what a way back needs: [`Inventory`](deploy_core::inventory::Inventory) | [`Cluster`] |
//! | what images must be there for, and are pulled with | [`Cluster::node_platforms`], [`PullSecrets`] |
//! | a lock on a Lease | [`LeaseLock`] |
//! | a journal in a Secret | [`SecretJournal`] |
//! | what should run, in a ConfigMap | [`ConfigMapStore`] |
//! | a local address that leads to a pod, Service or workload: [`Connect`](deploy_core::connect::Connect) | [`PortForward`] |
//! | who did what, as Events | [`EventSink`] |
//! | `KIND/NAME` as kubectl takes it | [`KindName`] |
//!
//! ```no_run
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::{rollout::Rollout, run::Run};
//! use deploy_k8s::{Apply, Cluster, LeaseLock, SecretJournal};
//! use std::sync::Arc;
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let cluster = Cluster::builder().context("dev").build().await?;
//! let bundle = Bundle::builder().objects(read("app.yaml", b"...")?).namespace("shop").build()?;
//! let outcome = Rollout::new(Arc::new(Apply::new(cluster.clone())))
//!     .lock(Arc::new(LeaseLock::new(cluster.clone(), "shop")))
//!     .journal(Arc::new(SecretJournal::new(cluster, "shop")))
//!     .run(&bundle, Run::new().named("shop"))
//!     .await?;
//! println!("{outcome}");
//! # Ok(())
//! # }
//! ```
//!
//! # What it leaves in the cluster
//! The objects applied, with the annotations `deploy-core/deployment-id` and `deploy-core/git-revision` on those that were written; what a
//! restart, pause or resume set belongs to a second field manager, `NAME-rollout`. Where pruning is asked for, the label
//! `applyset.kubernetes.io/part-of` on the members of the set, and its parent, the Secret `deploy-set.NAME`.
//!
//! While a named run goes on: the Lease `deploy.NAME` and the Secret `deploy-journal.NAME` (of a large run also its parts). Both are gone when
//! it ended well; a run that was killed leaves them for the next one of that name.
//!
//! Of a release the Secrets `sh.helm.release.v1.NAME.vN`, and on its objects the label and the annotations that Helm marks them with instead
//! of ours; the Lease while it is worked on; the Secret `deploy-adopted.NAME` only while objects are taken over.
//!
//! # Rights
//! | for | on | verbs |
//! | --- | --- | --- |
//! | every run | the kinds applied | get, list, watch, create, patch, delete (for the way back) |
//! | | pods, events, replicasets, controllerrevisions | list, watch; on pods delete (a StatefulSet's broken pod); on pods/log get |
//! | | horizontalpodautoscalers | list: without it replicas are not left to autoscalers, and a note says so |
//! | a way back that cannot be patched, the diff of a takeover | the kinds applied | update |
//! | a run with a name | leases | get, create, update, delete |
//! | | secrets | get, list, create, patch, delete |
//! | the [`Capabilities`] that a chart asks for | `/version`, `/api`, `/apis` | get: every user may, by `system:discovery` |
//! | reading releases | secrets | list, get |
//! | what runs | deployments, statefulsets, daemonsets, replicasets, cronjobs, jobs, pods; secrets, for the revisions of releases | list |
//! | what images must be there for, and are pulled with | nodes | list |
//! | | secrets | get |
//! | what a way back needs | replicasets, controllerrevisions, secrets | list |
//! | releasing | secrets | get, list, create, update, delete; a whole Role is in the documentation of [`Release`] |
//! | what should run, in a ConfigMap | configmaps | get, create, patch |
//! | a port forwarded | pods, and the kind forwarded to: services, deployments, statefulsets, … | get; on pods list, and on replicasets for a Deployment |
//! | | pods/portforward | get, create |
//! | who did what, as Events | events | get, create |
//! | | the kind they are about | get |
//! | pruning | all kinds of the set | list, delete |
//! | | secrets, where the set's parent is | get, create, patch |
//!
//! A workload that cannot be followed, and a member that could not be deleted, are refused before anything is written; without Events the
//! reasons are less exact.

mod api;
mod apply;
mod config_map;
mod connect;
mod event_sink;
mod inventory;
mod journal;
mod kinds;
mod lease;
mod nodes;
mod port_forward;
mod pull_secrets;
mod release;
mod set_image;
mod workload;

pub use api::{Capabilities, Cluster};
pub use apply::{Apply, ApplySet, ConflictRule, Conflicts, FIELD_MANAGER, FieldConflict, FieldConflicts};
pub use config_map::ConfigMapStore;
pub use connect::ClusterBuilder;
pub use event_sink::{AUDIT_RECORD, EventSink};
pub use journal::SecretJournal;
pub use kinds::{Kind, KindName};
pub use lease::LeaseLock;
pub use port_forward::PortForward;
pub use pull_secrets::PullSecrets;
#[cfg(fuzzing)]
pub use release::fuzz_record;
pub use release::{Release, ReleaseContent, ReleaseRevision, ReleaseStatus};
pub use set_image::SetImages;
pub use workload::{RolloutVerb, WorkloadRevision};
