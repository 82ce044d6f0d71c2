//! Approvals as people give them: typed at a terminal ([`Terminal`]), or lines of a file ([`ApprovalFile`]).
//!
//! What counts as an approval, and of what, is decided by [`deploy_core::gate::approval`].
//!
//! ```
//! use std::sync::Arc;
//! use deploy_core::clock::{Clock, SystemClock};
//! use deploy_core::gate::approval::{Approval, Approved, Approvers};
//! use deploy_core::guard::{Gate, Subject};
//! use deploy_verify::approval::ApprovalFile;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("approvals.jsonl");
//! let clock = Arc::new(SystemClock::new());
//! let file = Arc::new(ApprovalFile::new(&path));
//! let gate = Approved::new(Approvers::quorum(2, ["ann", "bob", "eve"])?, file.clone(), clock.clone());
//! let mut subject = Subject::new("production");
//! subject.images = vec!["shop/api:v1".into()];
//! for who in ["ann", "eve"] {
//!     assert!(!gate.ask(&subject).await?.is_yes());
//!     file.add(&Approval::new(who, &subject, clock.now())).await?;
//! }
//! assert!(gate.ask(&subject).await?.is_yes());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod file;
mod lines;
mod prompt;
mod terminal;
#[cfg(test)]
mod tests;

pub use file::{ApprovalFile, MAX_APPROVALS_BYTES};
pub use terminal::Terminal;
