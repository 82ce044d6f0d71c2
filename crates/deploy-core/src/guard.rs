//! Yes or no, before a deployment ([`Gate`]) and after it ([`Check`]).
//!
//! ```
//! use deploy_core::guard::{Answer, Gate, Subject};
//! use deploy_core::memory::FixedGate;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let gate = FixedGate::new("change window", Answer::No { why: "frozen until Monday".into() });
//! let subject = Subject::new("production");
//! assert!(!gate.ask(&subject).await?.is_yes());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use serde::Serialize;

use crate::error::Result;

/// What a gate or a check is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subject {
    /// The environment.
    pub environment: String,
    /// The run's name.
    pub name: Option<String>,
    /// The images, as references.
    pub images: Vec<String>,
    /// What each image takes the place of, in the order of `images`: a reference, or `None` for a new one. Empty where it is not known, as in
    /// a rollout without a promotion.
    pub before: Vec<Option<String>>,
    /// The git revision.
    pub git_revision: Option<String>,
}

impl Subject {
    /// A deployment to `environment`.
    pub fn new(environment: impl Into<String>) -> Self {
        Self { environment: environment.into(), ..Self::default() }
    }
}

/// A gate's or a check's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Answer {
    /// Go on.
    Yes {
        /// On what grounds, for the record: who approved, what was found.
        grounds: String,
    },
    /// Stop.
    No {
        /// Why.
        why: String,
    },
}

impl Answer {
    /// Whether it is a yes.
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }
}

/// Says before a deployment whether it may be. An error counts as no: gates fail closed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Gate: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// Asks. Cancel safe.
    ///
    /// # Errors
    /// If it cannot be decided; the caller must not go on.
    async fn ask(&self, subject: &Subject) -> Result<Answer>;
}

/// Says after a deployment whether it works. An error counts as no.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Check: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// Checks once. Cancel safe.
    ///
    /// # Errors
    /// If it cannot be decided.
    async fn check(&self, subject: &Subject) -> Result<Answer>;
}
