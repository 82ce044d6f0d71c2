//! Planning and writing.

use super::live::written_by;
use super::{MemoryTarget, applied, cancelled};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::manifest::{Bundle, Object, ObjectId, stamp};
use crate::memory::locked;
use crate::plan::{Action, Change, Plan, PlannedStage, diff};
use crate::run::Run;
use crate::target::{Applied, AppliedObject, Drives, Observation};

impl MemoryTarget {
    pub(super) fn plan_bundle(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let (mut changes, mut stages) = (Vec::new(), Vec::new());
        for stage in bundle.stages()? {
            let first = changes.len();
            let objects = stage.objects.iter().filter_map(|&index| bundle.objects().get(index));
            changes.extend(objects.map(|object| self.change(object, run)));
            let gate =
                |index| stage.objects.iter().position(|other| other == index).map(|place| first + place);
            let gates = stage.await_ready.iter().filter_map(gate).collect();
            stages.push(PlannedStage { changes: (first..changes.len()).collect(), gates });
        }
        let digest = bundle.digest().to_string();
        let mut plan = Plan::new(run.id().clone(), digest, self.capabilities.depth, changes, stages);
        if self.capabilities.revisions {
            plan.revision = Some(locked(&self.live).next_revision());
        }
        if self.capabilities.goes_back_by_revision() {
            self.plan_deletions(bundle, &mut plan);
        }
        Ok(plan)
    }

    fn change(&self, object: &Object, run: &Run) -> Change {
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
            match self.follow(&gates, run).await {
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
        locked(&self.live).way_back = Some((plan.snapshot(), plan.deployment.clone()));
        Ok(applied)
    }

    /// Deletes what the plan deletes, and notes that it went well.
    pub(super) async fn complete(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        for change in plan.deletions() {
            if run.cancel().is_cancelled() {
                return Ok(Observation::Cancelled);
            }
            self.write(change, plan).await?;
            run.emit(EventKind::Applied { object: change.id.clone(), action: change.action });
        }
        locked(&self.live).set_status(plan, "deployed", "");
        Ok(Observation::Healthy)
    }
}
