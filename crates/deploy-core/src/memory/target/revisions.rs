//! Recorded revisions, and going back to them.

use super::live::Live;
use super::{MemoryTarget, applied, cancelled};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::manifest::{Object, stamp};
use crate::memory::locked;
use crate::plan::{Action, Plan};
use crate::run::Run;
use crate::target::{Restored, Revision};

/// A revision with its objects.
pub(super) struct Recorded {
    revision: Revision,
    deployment: String,
    objects: Vec<Object>,
}

impl Live {
    /// Records that `plan` was applied; applying it again changes nothing.
    pub(super) fn record(&mut self, plan: &Plan, run: &Run) {
        let wanted = plan.changes.iter().filter(|change| change.action != Action::Delete);
        self.supersede(wanted.map(|change| change.desired.clone()).collect(), run, String::new());
    }

    fn supersede(&mut self, objects: Vec<Object>, run: &Run, description: String) {
        let deployment = run.id().to_string();
        let number = match self.revisions.last_mut() {
            Some(last) if last.deployment == deployment => return,
            Some(last) => {
                last.revision.status = String::from("superseded");
                last.revision.number + 1
            }
            None => 1,
        };
        let mut revision = Revision::new(number, "deployed");
        revision.deployed = Some(run.now());
        revision.description = description;
        revision.git_revision = run.revision().map(str::to_owned);
        self.revisions.push(Recorded { revision, deployment, objects });
    }

    pub(super) fn history(&self) -> Vec<Revision> {
        self.revisions.iter().rev().map(|recorded| recorded.revision.clone()).collect()
    }

    /// The objects of a revision, and those that only the present one has.
    fn difference(&self, number: Option<u64>) -> Option<(u64, Vec<Object>, Vec<Object>)> {
        let (present, past) = self.revisions.split_last()?;
        let wanted = match number {
            Some(number) => self.revisions.iter().find(|recorded| recorded.revision.number == number)?,
            None => past.last()?,
        };
        let only_present = present
            .objects
            .iter()
            .filter(|object| wanted.objects.iter().all(|kept| kept.id() != object.id()));
        Some((wanted.revision.number, wanted.objects.clone(), only_present.cloned().collect()))
    }
}

impl MemoryTarget {
    pub(super) fn need_revisions(&self) -> Result<()> {
        if self.capabilities.revisions {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "no revisions are recorded here"))
    }

    /// Writes the objects of a revision and deletes those that only the present one has; that is a revision again.
    pub(super) async fn return_to(&self, number: Option<u64>, run: &Run) -> Result<Restored> {
        self.need_revisions()?;
        let found = locked(&self.live).difference(number);
        let Some((number, wanted, gone)) = found else {
            let revision = number.map_or_else(
                || "a revision before this one".to_owned(),
                |number| format!("revision {number}"),
            );
            return Err(
                Error::new(ErrorKind::NotFound, format!("there is no {revision}")).during("roll back")
            );
        };
        let mut restored = Restored::default();
        for object in &gone {
            self.between_writes(run).await?;
            locked(&self.live).delete(&object.id());
            run.emit(EventKind::Restored { object: object.id(), action: Action::Delete });
        }
        for object in &wanted {
            self.between_writes(run).await?;
            let stamped = stamp(object.clone(), run.id().as_str(), run.revision());
            let written = locked(&self.live).put(stamped);
            run.emit(EventKind::Restored { object: object.id(), action: Action::Update });
            restored.applied.objects.push(applied(&written, Action::Update));
        }
        locked(&self.live).supersede(wanted, run, format!("rollback to {number}"));
        self.changed.send_replace(());
        Ok(restored)
    }

    async fn between_writes(&self, run: &Run) -> Result<()> {
        if run.cancel().is_cancelled() {
            return Err(cancelled());
        }
        self.faults.step().await
    }
}
