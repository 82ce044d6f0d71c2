//! What a deployment keeps in files, for the [`deploy_core`] engine: the [`FileJournal`].
//!
//! A journal in files is for a machine that stays: an operator's, or a runner with a disk of its own. Where the next run may start on
//! another machine, the journal belongs where that machine can see it, which is what `deploy-k8s` keeps in the cluster.
//!
//! ```
//! use deploy_config::FileJournal;
//! use deploy_core::{manifest::Bundle, memory::{MemoryLock, MemoryTarget}, outcome::Status, rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # let folder = std::env::temp_dir().join(format!("deploy-config-tour-{}", std::process::id()));
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let outcome = Rollout::new(Arc::new(MemoryTarget::new()))
//!     .lock(Arc::new(MemoryLock::new()))
//!     .journal(Arc::new(FileJournal::new(folder)))
//!     .run(&Bundle::builder().build()?, Run::new().named("shop"))
//!     .await?;
//! assert_eq!(outcome.status, Status::Healthy);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

pub mod edit;
mod file;
mod journal;
pub mod store;

pub use journal::{FileJournal, MAX_RECORD_BYTES};
