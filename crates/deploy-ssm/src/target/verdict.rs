//! What a node's report means to the driver. Pure.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::health::Failure;
use deploy_core::outcome::{Cause, RollbackReport};
use deploy_core::target::{Left, Observation, Waiting};

use crate::node::{self, Report, RunStatus};

/// One node's report as what was observed.
///
/// # Errors
/// What kept the node from beginning, or stopped it without anything being undone.
pub(super) fn observation(report: &Report, instance: &str) -> Result<Observation> {
    let cause = report.cause.as_ref().map(|cause| outcome_cause(cause, instance));
    match (report.status, cause) {
        (RunStatus::Healthy, _) => Ok(Observation::Healthy),
        (RunStatus::Undone | RunStatus::UndoFailed, cause) => {
            let cause = cause.unwrap_or_else(|| Cause::Error { error: silent(instance) });
            Ok(Observation::Undone { cause: Box::new(cause), back: back(report, instance) })
        }
        (_, Some(Cause::Failed { failures })) => Ok(Observation::Failed { failures }),
        (_, Some(Cause::TimedOut { waiting })) => Ok(Observation::TimedOut { waiting }),
        (_, Some(Cause::Cancelled)) => Ok(Observation::Cancelled),
        (_, Some(Cause::Error { error })) => Err(error),
        _ => Err(silent(instance)),
    }
}

/// The reports of several nodes as what was observed of all: each has kept or undone what it had by itself.
///
/// # Errors
/// The first node's that cannot say how it is.
pub(super) fn of_all(reports: &[(String, Result<Report>)]) -> Result<Observation> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    let (mut cancelled, mut first) = (false, None);
    for (instance, report) in reports {
        let observed = match report {
            Ok(report) => observation(report, instance),
            Err(error) => Err(again(error)),
        };
        let cause = match observed {
            Ok(Observation::Healthy) => continue,
            Ok(Observation::Undone { cause, .. }) => *cause,
            Ok(Observation::Failed { failures }) => Cause::Failed { failures },
            Ok(Observation::TimedOut { waiting }) => Cause::TimedOut { waiting },
            Ok(_) => Cause::Cancelled,
            // Cancelled before it began is cancelled.
            Err(error) => Cause::from(error),
        };
        match cause {
            Cause::Failed { failures: more } => {
                failures.extend(more.into_iter().map(|failure| at(failure, instance)));
            }
            Cause::TimedOut { waiting: more } => waiting.extend(more),
            Cause::Cancelled => cancelled = true,
            Cause::Error { error } => first = first.or(Some(error)),
            other => {
                let told = || Some(Error::new(ErrorKind::Internal, other.to_string()).on(instance));
                first = first.or_else(told);
            }
        }
    }
    match (failures.is_empty(), waiting.is_empty(), first) {
        (false, ..) => Ok(Observation::Failed { failures }),
        (true, _, Some(error)) => Err(error),
        (true, false, None) => Ok(Observation::TimedOut { waiting }),
        (true, true, None) if cancelled => Ok(Observation::Cancelled),
        (true, true, None) => Ok(Observation::Healthy),
    }
}

/// An error once more: errors are not cloned.
pub(super) fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message()).with_retry(error.retry());
    let copy = error.object().map(str::to_owned).into_iter().fold(copy, Error::on);
    error.advice().map(str::to_owned).into_iter().fold(copy, Error::help)
}

fn at(mut failure: Failure, instance: &str) -> Failure {
    failure.message = if failure.message.is_empty() {
        format!("on {instance}")
    } else {
        format!("on {instance}: {}", failure.message)
    };
    failure
}

fn back(report: &Report, instance: &str) -> RollbackReport {
    let mut back = RollbackReport::default();
    if let Some(undo) = &report.undo {
        let left = |left: &node::Left| Left {
            object: left.object.clone(),
            error: Error::new(ErrorKind::Internal, left.error.clone()),
        };
        back.left = undo.left.iter().map(left).collect();
        back.unhealthy = undo.unhealthy.as_ref().map(|cause| outcome_cause(cause, instance));
        back.notes.clone_from(&undo.notes);
    }
    if report.status == RunStatus::UndoFailed && back.left.is_empty() && back.unhealthy.is_none() {
        back.unhealthy = Some(Cause::Error { error: silent(instance) });
    }
    back
}

fn outcome_cause(cause: &node::Cause, instance: &str) -> Cause {
    match cause {
        node::Cause::Failed { failures } => Cause::Failed { failures: failures.clone() },
        node::Cause::TimedOut { waiting } => Cause::TimedOut { waiting: waiting.clone() },
        node::Cause::Cancelled => Cause::Cancelled,
        node::Cause::Error(error) => Cause::Error { error: at_node(error.clone().into(), instance) },
    }
}

/// An error of the node's names an object of the cluster, or else the node.
fn at_node(error: Error, instance: &str) -> Error {
    if error.object().is_some() { error.inside(instance) } else { error.on(instance) }
}

fn silent(instance: &str) -> Error {
    Error::new(ErrorKind::Internal, "the node says that it did not go well, and not why")
        .on(instance)
        .help("the deployment's log has the rest")
}
