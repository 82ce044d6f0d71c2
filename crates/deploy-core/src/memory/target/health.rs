//! Following what was applied.

use std::collections::BTreeMap;

use super::MemoryTarget;
use crate::event::EventKind;
use crate::health::{Assessment, Verdict};
use crate::manifest::ObjectId;
use crate::plan::Action;
use crate::run::Run;
use crate::target::{AppliedObject, Observation, Waiting};

impl MemoryTarget {
    /// Looks at least once, then whenever something is written or an assessment asks for it.
    pub(super) async fn follow(&self, objects: &[AppliedObject], run: &Run) -> Observation {
        let deadline = run.deadline();
        let mut changed = self.changed.subscribe();
        let mut told = BTreeMap::new();
        loop {
            changed.mark_unchanged();
            if run.cancel().is_cancelled() {
                return Observation::Cancelled;
            }
            let (mut failures, mut waiting, mut look_again) = (Vec::new(), Vec::new(), deadline);
            for object in objects {
                let assessment = self.assess(object);
                tell(&object.id, &assessment, &mut told, run);
                look_again = assessment.look_again.map_or(look_again, |moment| look_again.min(moment));
                match assessment.verdict {
                    Verdict::Healthy => {}
                    Verdict::Failed { failure } => failures.push(failure),
                    Verdict::Progressing | Verdict::Unknown { .. } => {
                        let (progress, suspect) = (assessment.progress, assessment.suspect);
                        waiting.push(Waiting { object: object.id.clone(), progress, suspect });
                    }
                }
            }
            if !failures.is_empty() {
                return Observation::Failed { failures };
            }
            if waiting.is_empty() {
                return Observation::Healthy;
            }
            if run.now() >= deadline {
                return Observation::TimedOut { waiting };
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = run.clock().sleep_until(look_again) => {}
                () = run.cancel().cancelled() => {}
            }
        }
    }

    fn assess(&self, object: &AppliedObject) -> Assessment {
        match (self.get(&object.id), object.action) {
            (None, Action::Delete) => Assessment::healthy("it is gone"),
            (None, _) => Assessment::progressing("it is not there"),
            (Some(_), Action::Delete) => Assessment::progressing("it is still there"),
            (Some(live), _) => (self.judge)(&live),
        }
    }
}

/// Tells the observer what it has not been told yet.
fn tell(id: &ObjectId, assessment: &Assessment, told: &mut BTreeMap<ObjectId, Assessment>, run: &Run) {
    if told.get(id) == Some(assessment) {
        return;
    }
    run.emit(match &assessment.verdict {
        Verdict::Healthy => EventKind::Healthy { object: id.clone() },
        Verdict::Failed { failure } => EventKind::Hopeless { failure: failure.clone() },
        Verdict::Progressing | Verdict::Unknown { .. } => {
            EventKind::Progress { object: id.clone(), message: assessment.progress.clone() }
        }
    });
    told.insert(id.clone(), assessment.clone());
}
