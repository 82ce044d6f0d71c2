//! What people approved.
//!
//! An [`Approval`] is a record: who, when, and for what, as a digest over environment, images and git revision ([`subject_digest`]): that of
//! v1 never counts for v2. Name images by digest, or what a tag stands for can change after it was approved. [`Approvers`] decides, purely,
//! whether the records are enough; [`Approved`] is the gate, which takes them from an [`ApprovalSource`].
//!
//! | source | holds |
//! | --- | --- |
//! | [`Approvals`] | records under a key of a [`ConfigStore`](crate::config::ConfigStore): a file, Git |
//! | [`ApprovalVariable`] | names in an environment variable, which is handed in |
//! | [`GivenApprovals`] | records that are given |
//!
//! `deploy-verify` has a file of records, and the question at a terminal.
//!
//! ```
//! use std::sync::Arc;
//! use deploy_core::clock::{Clock, SystemClock};
//! use deploy_core::gate::approval::{Approval, Approvals, Approved, Approvers};
//! use deploy_core::guard::{Answer, Gate, Subject};
//! use deploy_core::memory::MemoryConfigStore;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let clock = Arc::new(SystemClock::new());
//! let approvals = Approvals::new(Arc::new(MemoryConfigStore::new()), "approvals");
//! let gate = Approved::new(Approvers::quorum(2, ["ann", "bob", "eve"])?, Arc::new(approvals.clone()), clock.clone());
//! let mut subject = Subject::new("production");
//! subject.images = vec!["shop/api:v1".into()];
//!
//! approvals.add(Approval::new("ann", &subject, clock.now())).await?;
//! assert!(!gate.ask(&subject).await?.is_yes());
//! approvals.add(Approval::new("eve", &subject, clock.now())).await?;
//! assert!(gate.ask(&subject).await?.is_yes());
//!
//! subject.images = vec!["shop/api:v2".into()];
//! assert!(!gate.ask(&subject).await?.is_yes());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod approvers;
mod given;
mod record;
mod stored;
#[cfg(test)]
mod tests;
mod variable;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::{Clock, Timestamp};
use crate::error::Result;
use crate::guard::{Answer, Gate, Subject};

pub use approvers::Approvers;
pub use given::GivenApprovals;
pub use record::{Approval, MAX_NAME_LENGTH, subject_digest};
pub use stored::Approvals;
pub use variable::ApprovalVariable;

/// Where records of approvals come from.
#[async_trait]
pub trait ApprovalSource: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// The records that may count for `subject`; those of others are passed over by [`Approvers::judge`].
    ///
    /// # Errors
    /// If they cannot be read whole.
    async fn approvals(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Approval>>;
}

/// Says no to what not enough people approved.
#[derive(Clone)]
pub struct Approved {
    approvers: Approvers,
    source: Arc<dyn ApprovalSource>,
    clock: Arc<dyn Clock>,
}

impl Approved {
    /// By these people, whose records are there.
    pub fn new(approvers: Approvers, source: Arc<dyn ApprovalSource>, clock: Arc<dyn Clock>) -> Self {
        Self { approvers, source, clock }
    }
}

#[async_trait]
impl Gate for Approved {
    fn describe(&self) -> String {
        format!("approved by {} ({})", self.approvers, self.source.describe())
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        let now = self.clock.now();
        let approvals = self.source.approvals(subject, now).await?;
        Ok(self.approvers.judge(&approvals, subject, now))
    }
}

impl fmt::Debug for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
