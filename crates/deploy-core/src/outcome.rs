//! How a run ended, as data (stage *outcome*).
//!
//! ```
//! use deploy_core::outcome::Status;
//!
//! assert!(Status::Healthy.is_success());
//! assert!(!Status::RolledBack.is_success());
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::health::Failure;
use crate::manifest::ObjectId;
use crate::plan::{Action, FieldChange, Plan, Yielded, unified};
use crate::run::DeploymentId;
use crate::target::{Left, Waiting};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Status {
    /// Only planned, as asked.
    Planned,
    /// Everything is healthy.
    Healthy,
    /// Everything wanted is healthy and verified, but not everything unwanted is gone: the next run tries again.
    Incomplete,
    /// It failed, and the old state is back and healthy.
    RolledBack,
    /// It failed and was left as it is, as asked.
    Failed,
    /// It failed, and not everything could be brought back.
    RollbackFailed,
}

impl Status {
    /// Whether the caller got what it asked for.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Planned | Self::Healthy)
    }
}

/// Why a run did not end healthy.
#[derive(Debug, Serialize)]
#[serde(tag = "cause", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Cause {
    /// It was hopeless.
    Failed {
        /// Why; at least one.
        failures: Vec<Failure>,
    },
    /// Time ran out.
    TimedOut {
        /// What was waited for, and how far it had come.
        waiting: Vec<Waiting>,
    },
    /// All was healthy, and a check said no.
    Refuted {
        /// The check.
        check: String,
        /// Why it said no.
        why: String,
    },
    /// The caller cancelled.
    Cancelled,
    /// A write failed, or a check could not say.
    Error {
        /// How.
        error: Error,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { failures } => {
                for (i, failure) in failures.iter().enumerate() {
                    write!(f, "{}{}: {failure}", if i == 0 { "" } else { "; " }, failure.object)?;
                }
                Ok(())
            }
            Self::TimedOut { waiting } => {
                f.write_str("timed out")?;
                for (i, Waiting { object, progress, suspect }) in waiting.iter().enumerate() {
                    write!(f, "{} {object}: {progress}", if i == 0 { ":" } else { ";" })?;
                    if let Some(suspect) = suspect {
                        write!(f, " ({suspect})")?;
                    }
                }
                Ok(())
            }
            Self::Refuted { check, why } => write!(f, "check {check}: {why}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Error { error } => error.fmt(f),
        }
    }
}

/// One object of an outcome.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectOutcome {
    /// The object.
    pub object: ObjectId,
    /// What was done, or would be.
    pub action: Action,
    /// Set where the target could not be asked beforehand: the diff is a guess.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The fields that changed; Secrets' values masked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<FieldChange>,
    /// The fields of the manifest that were left to others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub yielded: Vec<Yielded>,
    /// The change as a unified diff, where only planning was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unified: Option<String>,
}

/// What a rollback came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReport {
    /// What could not be brought back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// Why the old state is not healthy, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy: Option<Cause>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How a run ended, why, and what led there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The run.
    pub deployment: DeploymentId,
    /// The run's name.
    pub name: Option<String>,
    /// The git revision deployed.
    pub git_revision: Option<String>,
    /// The digest of the bundle.
    pub bundle: String,
    /// The revision that was recorded of it, where the target records any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Where to.
    pub target: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// The objects, in the order of the plan.
    pub objects: Vec<ObjectOutcome>,
    /// Why it did not end healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What explains the cause.
    #[serde(skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
    /// The way back, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackReport>,
    /// What a person should know of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What happened, in order.
    pub timeline: Vec<Event>,
}

impl Outcome {
    pub(crate) fn of(plan: &Plan, status: Status, target: String) -> Self {
        let objects = plan.changes.iter().map(|change| ObjectOutcome {
            object: change.id.clone(),
            action: change.action,
            simulated: change.simulated,
            diff: change.diff.clone(),
            yielded: change.yielded.clone(),
            unified: None,
        });
        Self {
            status,
            deployment: plan.deployment.clone(),
            name: None,
            git_revision: None,
            bundle: plan.bundle.clone(),
            revision: plan.revision,
            target,
            started: Timestamp::UNIX_EPOCH,
            took: Duration::ZERO,
            objects: objects.collect(),
            cause: None,
            evidence: Evidence::default(),
            rollback: None,
            notes: plan.notes.clone(),
            timeline: Vec::new(),
        }
    }
}

impl Outcome {
    /// The same with each change as a text that a person reads.
    pub(crate) fn with_unified(mut self, plan: &Plan) -> Self {
        for (object, change) in self.objects.iter_mut().zip(&plan.changes) {
            if change.action != Action::Unchanged {
                object.unified = Some(unified(change.before.as_ref(), change.predicted.as_ref()));
            }
        }
        self
    }
}

pub(crate) fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// One paragraph: how it ended and why.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = format!("{:.1} s", self.took.as_secs_f64());
        match self.status {
            Status::Planned => f.write_str("planned; nothing was written")?,
            Status::Healthy => write!(f, "healthy after {took}")?,
            Status::Incomplete => write!(f, "healthy after {took}, but not completed")?,
            Status::RolledBack => write!(f, "rolled back after {took}")?,
            Status::Failed => write!(f, "failed after {took} and left as it is")?,
            Status::RollbackFailed => write!(f, "failed after {took}, and the way back failed")?,
        }
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        if let Some(rollback) = &self.rollback {
            for Left { object, error } in &rollback.left {
                write!(f, "\nleft as it is: {object}: {error}")?;
            }
            if let Some(cause) = &rollback.unhealthy {
                write!(f, "\nthe old state is not healthy: {cause}")?;
            }
        }
        Ok(())
    }
}
