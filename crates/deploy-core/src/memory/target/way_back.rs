//! Going back to what a plan saw.

use super::live::{same, written_by};
use super::{MemoryTarget, applied, cancelled};
use crate::error::Result;
use crate::event::EventKind;
use crate::manifest::Object;
use crate::memory::locked;
use crate::outcome::{Cause, RollbackReport};
use crate::plan::{Action, Snapshot, SnapshotEntry};
use crate::run::{DeploymentId, OnFailure, Run};
use crate::target::{Left, Observation, Restored};

impl MemoryTarget {
    /// Brings back what stood there, last to first. What somebody else wrote since is left theirs, and noted.
    pub(super) async fn bring_back(
        &self,
        before: &Snapshot,
        runs: &[&DeploymentId],
        run: &Run,
    ) -> Result<Restored> {
        let mut restored = Restored::default();
        for entry in before.entries.iter().rev() {
            if run.cancel().is_cancelled() {
                return Err(cancelled());
            }
            match self.faults.around(async { Ok(self.bring_one_back(entry, runs)) }).await {
                Ok(Some((action, object))) => {
                    run.emit(EventKind::Restored { object: entry.id.clone(), action });
                    restored.applied.objects.extend(object.map(|object| applied(&object, action)));
                }
                Ok(None) => restored
                    .notes
                    .push(format!("{} was written by somebody else since and is left theirs", entry.id)),
                Err(error) => restored.left.push(Left { object: entry.id.clone(), error }),
            }
            self.changed.send_replace(());
        }
        Ok(restored)
    }

    /// What a far side makes of an observation.
    pub(super) async fn undo_if_remote(&self, observation: Observation, run: &Run) -> Result<Observation> {
        if run.rules().on_failure == OnFailure::Leave {
            return Ok(observation);
        }
        let cause = match observation {
            Observation::Failed { failures } => Cause::Failed { failures },
            Observation::TimedOut { waiting } => Cause::TimedOut { waiting },
            other => return Ok(other),
        };
        let way_back = locked(&self.live).way_back.take();
        if let Some((before, deployment)) = way_back {
            self.bring_back(&before, &[&deployment], run).await?;
        }
        Ok(Observation::Undone { cause: Box::new(cause), back: RollbackReport::default() })
    }

    /// What was done and the object that stands there now; `None` if it is somebody else's.
    fn bring_one_back(
        &self,
        entry: &SnapshotEntry,
        runs: &[&DeploymentId],
    ) -> Option<(Action, Option<Object>)> {
        let mut live = locked(&self.live);
        let now = live.get(&entry.id).cloned();
        let ours = now.as_ref().is_some_and(|now| written_by(now, runs));
        match (&entry.before, now) {
            (None, None) => Some((Action::Unchanged, None)),
            (None, Some(_)) if ours => {
                live.delete(&entry.id);
                Some((Action::Delete, None))
            }
            (Some(before), Some(now)) if same(before, &now) => Some((Action::Unchanged, Some(now))),
            (Some(before), Some(_)) if ours => Some((Action::Update, Some(live.put(before.clone())))),
            (Some(before), None) => Some((Action::Create, Some(live.put(before.clone())))),
            (_, Some(_)) => None,
        }
    }
}
