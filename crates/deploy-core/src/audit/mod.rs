//! Who did what, when and why, for the record: one [`AuditRecord`] for each deed, kept by an [`AuditSink`].
//!
//! | module | holds |
//! | --- | --- |
//! | [`action`], [`fact`] | the words that this workspace writes into records |
//! | [`chain`] | lines that tell whether one of them was changed, removed or put in between |
//! | [`figures`] | how often, how fast, how many failed: read from records |
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

pub mod action;
pub mod chain;
pub mod fact;
pub mod figures;
mod sinks;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

pub use sinks::AllSinks;

/// One line of the record. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// Did what: a word of [`action`], or another.
    pub action: String,
    /// To what: the name of a promotion, of a run, of a workload.
    pub subject: String,
    /// Where, if it was done in one environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Why.
    pub why: String,
    /// From what state.
    pub from: Option<String>,
    /// To what state.
    pub to: Option<String>,
    /// More facts, as name and value; names are those of [`fact`], or others.
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
            environment: None,
            why: String::new(),
            from: None,
            to: None,
            facts: Vec::new(),
        }
    }

    /// Says where.
    #[must_use]
    pub fn in_environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
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

    /// The value of the first fact called `name`.
    pub fn fact_of(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether it tells of the same deed as `other`: the same [run](fact::RUN) did the same to the same subject in the same environment.
    ///
    /// A run that was killed after it recorded, and before it knew, records again when it is taken up, at another time and maybe in other
    /// words. Records without a run never repeat each other.
    pub fn repeats(&self, other: &Self) -> bool {
        self.deed().is_some_and(|deed| other.deed() == Some(deed))
    }

    fn deed(&self) -> Option<(&str, &str, &str, Option<&str>)> {
        Some((self.fact_of(fact::RUN)?, &self.action, &self.subject, self.environment.as_deref()))
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
