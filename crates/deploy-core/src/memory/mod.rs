//! Every trait in memory: what the doc examples run on, and what a tool's own tests can run on.
//!
//! They keep the traits' contracts whole (the [conformance suites](crate#features) run over them), so that a test against them means
//! something. [`Faults`] lets calls fail, and lets a run die in the middle of one.
//!
//! ```
//! use deploy_core::health::{Assessment, Failure, Reason};
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::memory::MemoryTarget;
//! use deploy_core::outcome::Status;
//! use deploy_core::{rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let target = Arc::new(MemoryTarget::new().judged_by(|object| match object.name() {
//!     "broken" => Assessment::failed(Failure::new(Reason::Stalled, object.id(), "it never works")),
//!     _ => Assessment::healthy("it stands"),
//! }));
//! let bundle = Bundle::builder().objects(read("app.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: broken}}")?).build()?;
//! let outcome = Rollout::new(target.clone()).run(&bundle, Run::new()).await?;
//! assert_eq!(outcome.status, Status::RolledBack);
//! assert!(target.objects().is_empty());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod ancestry;
mod audit;
mod config;
mod connect;
mod faults;
mod faulty;
mod guard;
mod inventory;
mod journal;
mod lock;
mod registry;
mod secrets;
mod source;
mod target;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use ancestry::MemoryAncestry;
pub use audit::MemoryAudit;
pub use config::MemoryConfigStore;
pub use connect::MemoryConnect;
pub use faults::Faults;
pub use faulty::Faulty;
pub use guard::{FixedCheck, FixedGate};
pub use inventory::MemoryInventory;
pub use journal::MemoryJournal;
pub use lock::MemoryLock;
pub use registry::MemoryRegistry;
pub use secrets::MemorySecrets;
pub use source::MemorySource;
pub use target::MemoryTarget;

/// Whatever panicked while it held the lock, the data behind it is whole: nothing here panics half way.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
