//! The way back of a target that records revisions: a rollout of the newest good one, recorded like any other.

use super::attempt::cause;
use super::back::too_slow;
use super::{Rollout, lost_or_cancelled};
use crate::error::{ErrorKind, Result};
use crate::event::EventKind;
use crate::outcome::{Cause, RollbackReport};
use crate::plan::Plan;
use crate::run::{Cancel, Run};

impl Rollout {
    /// Rolls out the newest good revision within the policy's bound. Once begun, only losing the lock stops it.
    ///
    /// # Errors
    /// [`LockLost`](crate::error::ErrorKind::LockLost); the next run takes the revision up.
    pub(super) async fn go_back_by_revision(&self, run: &Run, lost: &Cancel) -> Result<RollbackReport> {
        let run = run.clone().cancelled_by(lost.clone()).within(run.rules().rollback_timeout);
        let mut report = RollbackReport::default();
        let gone_back = async {
            let plan = tokio::select! {
                plan = self.target.plan_revision(None, &run) => plan?,
                () = run.clock().sleep_until(run.deadline()) => return Err(too_slow(&run)),
            };
            self.target.begin(&plan, &run).await?;
            Ok(plan)
        };
        report.unhealthy = match gone_back.await {
            Err(error) => Some(Cause::Error { error }),
            Ok(plan) => {
                report.notes.clone_from(&plan.notes);
                let unhealthy = self.roll_out_again(&plan, &run).await;
                if let Some(cause) = unhealthy.as_ref().filter(|_| !lost.is_cancelled()) {
                    self.record_failure(&plan, cause, &run).await;
                }
                unhealthy
            }
        };
        if lost.is_cancelled() {
            return Err(lost_or_cancelled(lost));
        }
        run.emit(match &report.unhealthy {
            None => EventKind::RolledBack,
            Some(cause) => EventKind::RollbackFailed { error: cause.to_string() },
        });
        Ok(report)
    }

    async fn roll_out_again(&self, plan: &Plan, run: &Run) -> Option<Cause> {
        let attempt = self.forward(plan, run).await;
        if attempt.cause.is_some() {
            return attempt.cause;
        }
        match self.target.finish(plan, run).await {
            Ok(observation) => cause(observation).0,
            Err(error) => Some(error.into()),
        }
    }

    /// Has the target note why `plan` failed. Whether what it wrote is ours to undo: not if somebody went on from it.
    pub(super) async fn record_failure(&self, plan: &Plan, cause: &Cause, run: &Run) -> bool {
        let Err(error) = self.target.fail(plan, &cause.to_string(), run).await else { return true };
        let theirs = error.kind() == ErrorKind::Stale;
        let what = if theirs { "nothing is undone" } else { "that it failed was not recorded" };
        run.emit(EventKind::Warning { message: format!("{what}: {error}") });
        !theirs
    }
}
