//! Removes a release: its objects and records, between its hooks.

use std::collections::HashSet;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::manifest::{Bundle, Object, ObjectId};
use deploy_core::plan::{Change, Depth, Plan};
use deploy_core::run::Run;
use deploy_core::target::{Applied, Observation, RolloutTarget, TargetCapabilities};

use super::adopted::TakenOver;
use super::draft::tells_of_failure;
use super::hook::HookEvent;
use super::owner::Owner;
use super::record::{Info, Record, ReleaseStatus};
use super::standing::Standing;
use super::store::Entry;
use super::{Release, hooks};

/// A release that is to go, as a target: the bundle it is handed says nothing.
///
/// What is interrupted stays `uninstalling`, and is taken up by the next run, be it an upgrade: that revision is what stood before it, so
/// its way back, and superseded once the upgrade is deployed.
pub(super) struct Uninstall {
    release: Release,
    keeps_history: bool,
}

/// What a plan keeps.
struct Departure {
    standing: Standing,
    owner: Owner,
    /// The record whose hooks run.
    record: Record,
    /// What it took over, and never came to run with.
    taken_over: TakenOver,
}

impl Uninstall {
    pub(super) fn new(release: Release, keeps_history: bool) -> Self {
        Self { release, keeps_history }
    }

    async fn depart(&self, plan: &Plan, event: HookEvent, run: &Run) -> Result<Applied> {
        let departure = departure(plan)?;
        if departure.standing.is_uninstalled() {
            return Ok(Applied::default());
        }
        self.release.run_hooks(&departure.record, event, run).await
    }

    async fn delete(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let deletions: Vec<&Change> = plan.deletions().collect();
        let Departure { owner, taken_over, .. } = departure(plan)?;
        self.release.give_back(owner, &taken_over.before, run).await?;
        let fate = |live: &Object| Ok(owner.judge(live));
        let Some(gone) = self.release.apply.delete_all(&deletions, &fate, run).await? else {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled while deleting"));
        };
        let mut applied = Applied::default();
        applied.objects = gone;
        Ok(applied)
    }

    /// Its objects are gone, so whatever came of the hooks after them, the release is (`pkg/action/uninstall.go`). The oldest first: as long
    /// as the newest is there, the next run goes on.
    async fn forget(&self, departure: &Departure, run: &Run) -> Result<()> {
        let Departure { standing, taken_over, .. } = departure;
        if taken_over.is_journaled {
            self.release.forget_adopted().await?;
        }
        let Some((newest, older)) = standing.entries().split_last() else { return Ok(()) };
        if self.keeps_history {
            for entry in older {
                self.release.supersede(entry, run).await?;
            }
            return self
                .mark(newest, run, |info| {
                    info.status = ReleaseStatus::Uninstalled;
                    "Uninstallation complete".clone_into(&mut info.description);
                })
                .await;
        }
        let store = &self.release.store;
        for entry in older {
            store.delete(entry).await?;
        }
        // That it was marked as uninstalling changed it.
        match store.entry(&newest.release, newest.revision).await? {
            Some(newest) => store.delete(&newest).await,
            None => Ok(()),
        }
    }

    async fn mark(&self, entry: &Entry, run: &Run, mark: impl Fn(&mut Info)) -> Result<()> {
        self.release
            .store
            .update(entry, run.now(), |record| {
                let before = record.info.status.clone();
                mark(&mut record.info);
                record.info.deleted = run.now().into();
                Ok(record.info.status != before)
            })
            .await
    }
}

#[async_trait]
impl RolloutTarget for Uninstall {
    fn describe(&self) -> String {
        self.release.describe()
    }

    fn capabilities(&self) -> TargetCapabilities {
        TargetCapabilities::one_way(Depth::Fields)
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let release = &self.release;
        let standing = release.standing(run).await?;
        let Some(newest) = standing.newest() else { return Err(release.missing()) };
        if standing.is_uninstalled() && self.keeps_history {
            return Err(release
                .error(ErrorKind::NotFound, "it is uninstalled already")
                .help("its history goes if it is not to be kept"));
        }
        let (record, revision, mut notes) = (newest.record()?, newest.revision, Vec::new());
        let owner = release.owner(HashSet::new());
        let recorded = release.recorded(standing.standing(), &mut notes).await?;
        let taken_over = release.taken_over(&standing).await?;
        let stays = |id: &ObjectId| taken_over.before.entries.iter().any(|entry| entry.id == *id);
        let recorded = recorded.into_iter().filter(|one| !stays(&one.id())).collect();
        let deletions = release.deletions(recorded, &owner, &mut notes).await?;
        let digest = bundle.digest().as_str().to_owned();
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Fields, deletions, Vec::new());
        plan.notes = notes;
        plan.revision = Some(revision);
        Ok(plan.keeping(Departure { standing, owner, record, taken_over }))
    }

    async fn begin(&self, plan: &Plan, run: &Run) -> Result<()> {
        let standing = &departure(plan)?.standing;
        match standing.newest() {
            Some(newest) if !standing.is_uninstalled() => {
                // First: once it is marked, nothing tells any more whose hooks may still run.
                self.release.record_dead(standing, run).await?;
                self.mark(newest, run, |info| {
                    info.status = ReleaseStatus::Uninstalling;
                    // That it never came to run must not be forgotten: it would be what an upgrade goes back to.
                    if !tells_of_failure(&newest.release, &info.description) {
                        "Deletion in progress".clone_into(&mut info.description);
                    }
                })
                .await
            }
            _ => Ok(()),
        }
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let hooks = self.depart(plan, HookEvent::PreDelete, run).await?;
        if hooks.halted.is_some() { Ok(hooks) } else { self.delete(plan, run).await }
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        self.release.apply.observe(applied, run).await
    }

    async fn finish(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        let hooks = self.depart(plan, HookEvent::PostDelete, run).await;
        let is_stopped = match &hooks {
            Ok(hooks) => matches!(hooks.halted, Some(Observation::Cancelled)),
            Err(error) => error.kind() == ErrorKind::Cancelled,
        };
        if !is_stopped {
            self.forget(departure(plan)?, run).await?;
        }
        Ok(hooks?.halted.unwrap_or(Observation::Healthy))
    }

    async fn fail(&self, plan: &Plan, _: &str, _: &Run) -> Result<()> {
        let events = [HookEvent::PreDelete, HookEvent::PostDelete];
        let record = &departure(plan)?.record;
        self.release.stop_hooks(record, &events, Some(plan.deployment.as_str())).await
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        let mut all = Applied::default();
        all.objects.extend(applied.objects.iter().cloned().chain(hooks::unwell(observation)));
        self.release.apply.diagnose(&all, observation, run).await
    }
}

fn departure(plan: &Plan) -> Result<&Departure> {
    plan.kept().ok_or_else(|| Error::invalid("the plan was not made for an uninstallation").during("apply"))
}
