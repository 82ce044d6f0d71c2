//! Planning and writing.

use super::live::written_by;
use super::{MemoryTarget, applied, cancelled};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::manifest::{Object, ObjectId, stamp};
use crate::memory::locked;
use crate::plan::{Action, Change, Plan, diff};
use crate::run::Run;
use crate::target::{Applied, AppliedObject, Drives, Observation};

impl MemoryTarget {
    pub(super) fn change(&self, object: &Object, run: &Run) -> Change {
        match self.get(&object.id()) {
            Some(live) if diff(Some(&live), Some(object)).is_empty() => {
                Change::unchanged(object.clone(), live)
            }
            live => {
                let desired = stamp(object.clone(), run.id().as_str(), run.revision());
                match live {
                    Some(live) => Change::update(desired, live, object.clone()),
                    None => Change::create(desired, object.clone()),
                }
            }
        }
    }

    /// Writes one change, through the faults.
    async fn write(&self, change: &Change, plan: &Plan) -> Result<AppliedObject> {
        let write = async {
            let mut live = locked(&self.live);
            let now = live.get(&change.id);
            let seen = |object: Option<&Object>| {
                object.and_then(|object| object.resource_version().map(str::to_owned))
            };
            let ours = now.is_some_and(|now| written_by(now, &[&plan.deployment]));
            if !ours && seen(now) != seen(change.before.as_ref()) {
                let error = Error::new(ErrorKind::Stale, "it is no longer what the plan saw");
                return Err(error.during("apply").on(&change.id).help("plan again"));
            }
            let object = match change.action {
                Action::Unchanged => now.cloned(),
                Action::Delete => {
                    live.delete(&change.id);
                    None
                }
                Action::Create | Action::Update | Action::Recreate => Some(live.put(change.desired.clone())),
            };
            Ok(applied(object.as_ref().unwrap_or(&change.desired), change.action))
        };
        let written = self.faults.around(write).await?;
        self.changed.send_replace(());
        Ok(written)
    }

    pub(super) async fn apply_stages(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let deadline = run.now() + run.rules().timeout;
        let mut applied = Applied::default();
        for stage in &plan.stages {
            for change in stage.changes.iter().filter_map(|&index| plan.changes.get(index)) {
                if run.cancel().is_cancelled() {
                    return Err(cancelled());
                }
                let written = self.write(change, plan).await?;
                run.emit(EventKind::Applied { object: change.id.clone(), action: change.action });
                applied.objects.push(written);
            }
            let awaited: Vec<&ObjectId> = stage
                .gates
                .iter()
                .filter_map(|&index| plan.changes.get(index))
                .map(|change| &change.id)
                .collect();
            let gates: Vec<_> =
                applied.objects.iter().filter(|object| awaited.contains(&&object.id)).cloned().collect();
            match self.follow(&gates, deadline, run).await {
                Observation::Healthy => {}
                Observation::Cancelled => return Err(cancelled()),
                // The far side halts by itself, and `observe` finds why.
                _ if self.capabilities.drives == Drives::Remote => break,
                halted => {
                    applied.halted = Some(halted);
                    return Ok(applied);
                }
            }
        }
        let mut live = locked(&self.live);
        if self.capabilities.revisions {
            live.record(plan, run);
        }
        live.way_back = Some((plan.snapshot(), plan.deployment.clone()));
        Ok(applied)
    }
}
