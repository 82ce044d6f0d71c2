//! What the judge says: a [`Verdict`], and with it when to look again and what it waits for.

use serde::Serialize;

use super::Failure;
use crate::clock::Timestamp;

/// Whether an object is healthy.
///
/// Written as JSON it is `{"state": "failed", "failure": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "there are few of them, and they are matched on")]
#[non_exhaustive]
pub enum Verdict {
    /// Not yet, and it may still become so.
    Progressing,
    /// It is what was asked for, and stays so as far as can be seen.
    Healthy,
    /// Hopeless.
    Failed {
        /// Why, with the evidence.
        failure: Failure,
    },
    /// Nothing can be said.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// A verdict, and what is worth knowing beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assessment {
    /// Whether it is healthy.
    pub verdict: Verdict,
    /// The earliest moment at which the verdict can change although nothing new is seen: a settling time ends,
    /// patience runs out.
    pub look_again: Option<Timestamp>,
    /// How far it is, for a person: `1 of 2 updated replicas are available`.
    pub progress: String,
    /// What it most likely waits for: the reason to give should the caller's time run out. It may still pass.
    pub suspect: Option<Failure>,
}

impl Assessment {
    /// Healthy; `progress` says in what state.
    pub fn healthy(progress: impl Into<String>) -> Self {
        Self::new(Verdict::Healthy, progress)
    }

    /// Not yet; `progress` says how far it is.
    pub fn progressing(progress: impl Into<String>) -> Self {
        Self::new(Verdict::Progressing, progress)
    }

    /// Hopeless.
    pub fn failed(failure: Failure) -> Self {
        let progress = failure.to_string();
        Self::new(Verdict::Failed { failure }, progress)
    }

    /// Nothing can be said, and why not.
    pub fn unknown(why: impl Into<String>) -> Self {
        let why = why.into();
        Self::new(Verdict::Unknown { why: why.clone() }, why)
    }

    /// The same, to be judged again at `moment` at the latest.
    #[must_use]
    pub fn look_again_at(mut self, moment: Timestamp) -> Self {
        self.look_again = Some(self.look_again.map_or(moment, |earlier| earlier.min(moment)));
        self
    }

    /// The same, with what it most likely waits for.
    #[must_use]
    pub fn suspecting(mut self, suspect: impl Into<Option<Failure>>) -> Self {
        self.suspect = suspect.into();
        self
    }

    /// Whether it is healthy.
    pub fn is_healthy(&self) -> bool {
        self.verdict == Verdict::Healthy
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            Verdict::Failed { failure } => Some(failure),
            _ => None,
        }
    }

    fn new(verdict: Verdict, progress: impl Into<String>) -> Self {
        Self { verdict, look_again: None, progress: progress.into(), suspect: None }
    }
}
