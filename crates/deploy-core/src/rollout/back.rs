//! The way back: restore what stood there, and wait until it is healthy.

use super::attempt::cause;
use super::{Rollout, lost_or_cancelled};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::journal::{Intent, Phase};
use crate::outcome::{Cause, RollbackReport};
use crate::run::{Cancel, Run};
use crate::target::Left;

impl Rollout {
    /// Brings back what `intent` saw, within the policy's bound. Once begun, only losing the lock stops it: a cancelled run comes here too.
    ///
    /// The intent is forgotten once every object stands as before, healthy or not; otherwise it stays for the next run.
    ///
    /// # Errors
    /// [`LockLost`](ErrorKind::LockLost); then the intent stays.
    pub(super) async fn go_back(
        &self,
        mut intent: Intent,
        run: &Run,
        lost: &Cancel,
    ) -> Result<RollbackReport> {
        let run = run.clone().cancelled_by(lost.clone()).within(run.rules().rollback_timeout);
        intent.phase = Phase::RollingBack;
        if let Err(error) = self.save(&intent, &run).await {
            // What the journal says already is enough to come here again.
            run.emit(EventKind::Warning { message: format!("the journal still says \"applying\": {error}") });
        }
        let before = std::mem::take(&mut intent.before);
        let restored = tokio::select! {
            restored = self.target.rollback(&before, &intent.deployments, &run) => restored,
            () = run.clock().sleep_until(run.deadline()) => Err(too_slow(&run)),
        };
        let restored = match restored {
            _ if lost.is_cancelled() => return Err(lost_or_cancelled(lost)),
            Ok(restored) => restored,
            Err(error) => {
                run.emit(EventKind::RollbackFailed { error: error.to_string() });
                let report =
                    RollbackReport { unhealthy: Some(Cause::Error { error }), ..RollbackReport::default() };
                return Ok(report);
            }
        };
        let observed = self.target.observe(&restored.applied, &run).await;
        if lost.is_cancelled() {
            return Err(lost_or_cancelled(lost));
        }
        let unhealthy = match observed {
            Ok(observation) => cause(observation).0,
            Err(error) => Some(error.into()),
        };
        if restored.left.is_empty() {
            self.forget(intent, &run).await;
        }
        run.emit(match (&unhealthy, restored.left.first()) {
            (None, None) => EventKind::RolledBack,
            (_, Some(Left { object, error })) => {
                EventKind::RollbackFailed { error: format!("{object}: {error}") }
            }
            (Some(cause), None) => EventKind::RollbackFailed { error: cause.to_string() },
        });
        Ok(RollbackReport { left: restored.left, unhealthy, notes: restored.notes })
    }
}

pub(super) fn too_slow(run: &Run) -> Error {
    let bound = run.rules().rollback_timeout.as_secs();
    Error::new(ErrorKind::Timeout, format!("the way back took longer than {bound} s"))
}
