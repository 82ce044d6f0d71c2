//! Deploys to a Kubernetes cluster from outside it: no controller, no CRD, no agent.
//!
//! | what | type |
//! | --- | --- |
//! | a connection: kubeconfig, context, bytes, in-cluster | [`Cluster`] |
//! | kubectl-style rollout target: server-side apply, followed, rolled back | [`Apply`] |
//! | a lock on a Lease | [`LeaseLock`] |
//! | a journal in a Secret | [`SecretJournal`] |
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
//! The objects applied, with the annotations `deploy-core/deployment-id` and `deploy-core/git-revision` on those that were written.
//! While a named run goes on: the Lease `deploy.NAME` and the Secret `deploy-journal.NAME` (of a large run also its parts). Both are gone when
//! it ended well; a run that was killed leaves them for the next one of that name.
//!
//! # Rights
//! On the kinds applied: get, list, watch, create, patch, delete (for the way back). On pods, events, replicasets, controllerrevisions: list, watch; on
//! pods/log: get; on pods: delete (a StatefulSet's broken pod). With a name, on leases: get, create, update, delete; on secrets: get, list,
//! create, patch, delete. A workload that cannot be followed is refused before anything is written; without Events the reasons are less exact.

mod api;
mod apply;
mod connect;
mod journal;
mod kinds;
mod lease;
mod set_image;
mod workload;

pub use api::Cluster;
pub use apply::{Apply, ApplySet, ConflictRule, Conflicts, FIELD_MANAGER, FieldConflict, FieldConflicts};
pub use connect::ClusterBuilder;
pub use journal::SecretJournal;
pub use kinds::{Kind, KindName};
pub use lease::LeaseLock;
pub use set_image::SetImages;
pub use workload::{RolloutVerb, WorkloadRevision};
