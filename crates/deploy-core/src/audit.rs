//! Who did what, when and why, for the record.
//!
//! ```
//! use deploy_core::audit::{AuditRecord, AuditSink};
//! use deploy_core::{clock::Timestamp, memory::MemoryAudit};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let audit = MemoryAudit::default();
//! audit.record(&AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop").because("v2 is out")).await?;
//! assert_eq!(audit.records()[0].why, "v2 is out");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

/// One line of the record. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// Did what: `deploy`, `rollback`, `approve`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub why: String,
    /// From what state.
    pub from: Option<String>,
    /// To what state.
    pub to: Option<String>,
    /// More facts, as name and value: digest, commit, run.
    pub facts: Vec<(String, String)>,
}

impl AuditRecord {
    /// A record without reasons or facts yet.
    pub fn new(
        at: Timestamp,
        who: impl Into<String>,
        action: impl Into<String>,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            at,
            who: who.into(),
            action: action.into(),
            subject: subject.into(),
            why: String::new(),
            from: None,
            to: None,
            facts: Vec::new(),
        }
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Says from what state to what state.
    #[must_use]
    pub fn change(mut self, from: Option<String>, to: Option<String>) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }
}

/// Keeps the record.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Adds a line. When it returns the line is durable.
    ///
    /// # Errors
    /// What the adapter meets.
    async fn record(&self, record: &AuditRecord) -> Result<()>;
}
