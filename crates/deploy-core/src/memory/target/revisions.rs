//! Recorded revisions, and what would bring one back.

use std::collections::BTreeSet;

use super::MemoryTarget;
use super::live::Live;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Bundle, DEPLOYMENT_ID, GIT_REVISION, Object};
use crate::memory::locked;
use crate::plan::{Action, Change, Plan};
use crate::run::Run;
use crate::target::Revision;

/// A revision with its objects.
pub(super) struct Recorded {
    revision: Revision,
    deployment: String,
    objects: Vec<Object>,
}

impl Live {
    pub(super) fn next_revision(&self) -> u64 {
        self.revisions.last().map_or(1, |last| last.revision.number + 1)
    }

    /// Notes how the plan's revision came out. One that is deployed supersedes all others.
    pub(super) fn set_status(&mut self, plan: &Plan, status: &str, description: &str) {
        let is_plans = |recorded: &Recorded| Some(recorded.revision.number) == plan.revision;
        if !self.revisions.iter().any(is_plans) {
            return;
        }
        for recorded in &mut self.revisions {
            if is_plans(recorded) {
                status.clone_into(&mut recorded.revision.status);
                description.clone_into(&mut recorded.revision.description);
            } else if status == "deployed" && recorded.revision.status == "deployed" {
                "superseded".clone_into(&mut recorded.revision.status);
            }
        }
    }

    pub(super) fn history(&self) -> Vec<Revision> {
        self.revisions.iter().rev().map(|recorded| recorded.revision.clone()).collect()
    }

    /// The objects of a revision; of the newest good one before the present where none is named.
    fn find(&self, number: Option<u64>) -> Result<Vec<Object>> {
        let good = |status: &str| {
            let before = self.revisions.iter().rev().skip(1);
            before.into_iter().find(|recorded| recorded.revision.status == status)
        };
        let found = match number {
            Some(number) => self.revisions.iter().find(|recorded| recorded.revision.number == number),
            None => good("deployed").or_else(|| good("superseded")),
        };
        let what = || {
            number.map_or_else(
                || "good revision before this one".to_owned(),
                |number| format!("revision {number}"),
            )
        };
        match found {
            Some(found) => Ok(found.objects.clone()),
            // A first one that failed: what there was before it is nothing.
            None if number.is_none()
                && self.revisions.last().is_some_and(|last| last.revision.status == "failed") =>
            {
                Ok(Vec::new())
            }
            None => {
                Err(Error::new(ErrorKind::NotFound, format!("there is no {}", what())).during("roll back"))
            }
        }
    }
}

impl MemoryTarget {
    pub(super) fn need_revisions(&self) -> Result<()> {
        if self.capabilities.revisions {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "no revisions are recorded here"))
    }

    /// Records the plan's revision as pending; the plan of a run that recorded it already changes nothing.
    pub(super) fn record(&self, plan: &Plan, run: &Run) -> Result<()> {
        let Some(number) = plan.revision else { return Ok(()) };
        let mut live = locked(&self.live);
        let deployment = plan.deployment.to_string();
        match live.revisions.last() {
            Some(last) if last.revision.number == number && last.deployment == deployment => return Ok(()),
            Some(last) if last.revision.number >= number => {
                let error = Error::new(ErrorKind::Stale, format!("somebody else recorded revision {number}"));
                return Err(error.during("apply").help("plan again"));
            }
            _ => {}
        }
        let mut revision = Revision::new(number, "pending");
        revision.deployed = Some(run.now());
        revision.git_revision = run.revision().map(str::to_owned);
        let wanted = plan.changes.iter().filter(|change| change.action != Action::Delete);
        let objects = wanted.map(|change| unmarked(change.desired.clone())).collect();
        live.revisions.push(Recorded { revision, deployment, objects });
        Ok(())
    }

    /// What would bring the objects of a revision back, and delete what later ones had besides.
    pub(super) fn plan_recorded(&self, number: Option<u64>, run: &Run) -> Result<Plan> {
        self.need_revisions()?;
        let wanted = locked(&self.live).find(number)?;
        let bundle = Bundle::builder().objects(wanted).build()?;
        let mut plan = self.plan_bundle(&bundle, run)?;
        self.plan_deletions(&bundle, &mut plan);
        Ok(plan)
    }

    /// Whatever a revision holds and `bundle` does not.
    pub(super) fn plan_deletions(&self, bundle: &Bundle, plan: &mut Plan) {
        let live = locked(&self.live);
        let recorded = live.revisions.iter().flat_map(|recorded| &recorded.objects);
        let unwanted: BTreeSet<_> = recorded.map(Object::id).filter(|id| bundle.get(id).is_none()).collect();
        let planned: Vec<_> = plan.changes.iter().map(|change| change.id.clone()).collect();
        let unwanted = unwanted.iter().filter(|id| !planned.contains(id));
        plan.changes.extend(unwanted.filter_map(|id| live.get(id).cloned()).map(Change::delete));
    }
}

/// Without the marks of the run that wrote it.
fn unmarked(mut object: Object) -> Object {
    for mark in [DEPLOYMENT_ID, GIT_REVISION] {
        object.remove("/metadata/annotations", mark);
    }
    object
}
