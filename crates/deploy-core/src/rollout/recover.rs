//! What an interrupted run of the same name left: finished or undone first.

use super::{Desired, Rollout, lost_or_cancelled};
use crate::error::Result;
use crate::event::EventKind;
use crate::journal::{Intent, Phase};
use crate::run::{Cancel, Run};

impl Rollout {
    /// The intent that this run takes up, if there is one.
    ///
    /// The same bundle interrupted on its way forward is simply finished, with the older sight of the objects as the way back. Anything
    /// else is undone first. What cannot be undone stays in the intent that is taken up, so that no way back is lost.
    pub(super) async fn interrupted(
        &self,
        desired: Desired<'_>,
        run: &Run,
        lost: &Cancel,
    ) -> Result<Option<Intent>> {
        let Some((journal, name)) = self.journaled(run) else { return Ok(None) };
        let Some(mut intent) = journal.load(name).await? else { return Ok(None) };
        if intent.phase == Phase::Done {
            if !self.dry_run {
                self.forget(intent, run).await;
            }
            return Ok(None);
        }
        let same = matches!(desired, Desired::Bundle(bundle) if intent.bundle == bundle.digest().as_str());
        let undo = intent.phase == Phase::RollingBack || !same;
        if self.dry_run {
            let message = format!(
                "an interrupted run stands in the journal: a real run {} it first",
                if undo { "undoes" } else { "finishes" }
            );
            run.emit(EventKind::Warning { message });
            return Ok(None);
        }
        if let Some(interrupted) = intent.deployments.last().cloned() {
            run.emit(EventKind::Recovering { interrupted, undo });
        }
        if !undo {
            return Ok(Some(intent));
        }
        let report = self.go_back(intent.clone(), run, lost).await?;
        if run.cancel().is_cancelled() {
            return Err(lost_or_cancelled(lost));
        }
        let untried =
            report.left.is_empty() && report.unhealthy.is_some() && journal.load(name).await?.is_some();
        if !untried {
            intent.before.entries.retain(|entry| report.left.iter().any(|left| left.object == entry.id));
        }
        Ok(if intent.before.entries.is_empty() { None } else { Some(intent) })
    }
}
