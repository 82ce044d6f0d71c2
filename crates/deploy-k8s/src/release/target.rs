//! A release as a [`RolloutTarget`]: its way back is the newest good revision.

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::manifest::{Bundle, Object};
use deploy_core::plan::{Change, Depth, Plan};
use deploy_core::run::Run;
use deploy_core::target::{Applied, Observation, Revision, RolloutTarget, TargetCapabilities};

use super::draft::Draft;
use super::hook::HookEvent;
use super::{Release, ReleaseRevision};

#[async_trait]
impl RolloutTarget for Release {
    fn describe(&self) -> String {
        format!("release {}/{} in {}", self.namespace(), self.name, self.cluster().describe())
    }

    fn capabilities(&self) -> TargetCapabilities {
        TargetCapabilities::recording(Depth::Fields)
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        self.plan_bundle(bundle, run).await
    }

    async fn plan_revision(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        self.plan_back(revision, run).await
    }

    async fn begin(&self, plan: &Plan, run: &Run) -> Result<()> {
        self.record_pending(plan, draft(plan)?, run).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let draft = draft(plan)?;
        let before = self.hooks_at(draft, draft.purpose.before(), run).await?;
        if before.halted.is_some() {
            return Ok(before);
        }
        let engine = self.engine(&draft.owner, false);
        let mut applied = engine.apply(plan, run).await?;
        if applied.halted.is_some() {
            return Ok(applied);
        }
        if draft.deletes_first() {
            // What failed may hold what is gone back to from coming up. Whether it is gone is waited for at the end.
            applied.objects.extend(self.give_back(&draft.owner, &draft.given_back, run).await?);
            self.delete_unwanted(plan, draft, run).await?;
        }
        if draft.has_hooks_after() {
            match engine.observe(&applied, run).await? {
                Observation::Healthy => {}
                unwell => {
                    applied.halted = Some(unwell);
                    return Ok(applied);
                }
            }
            let after = self.hooks_at(draft, draft.purpose.after(), run).await?;
            if after.halted.is_some() {
                return Ok(after);
            }
        }
        Ok(applied)
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        self.apply.observe(applied, run).await
    }

    async fn finish(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        let draft = draft(plan)?;
        self.record_deployed(plan, draft, run).await?;
        // What cannot be given back stays in the journal, and keeps nothing else from going on.
        let settled = self.settle_adopted(draft, run).await;
        let Some(gone) = self.delete_unwanted(plan, draft, run).await? else {
            return Ok(Observation::Cancelled);
        };
        let observed = self.apply.observe(&gone, run).await?;
        if matches!(observed, Observation::Healthy) {
            self.record_interrupted(draft, run).await?;
            self.record_superseded(draft, run).await?;
        }
        settled?;
        Ok(observed)
    }

    async fn fail(&self, plan: &Plan, why: &str, run: &Run) -> Result<()> {
        let draft = draft(plan)?;
        let failed = self.record_failed(plan, draft, why, run).await;
        self.record_interrupted(draft, run).await?;
        failed
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        Ok(self.revisions().await?.into_iter().map(Revision::from).collect())
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        self.apply.diagnose(applied, observation, run).await
    }
}

impl Release {
    async fn hooks_at(&self, draft: &Draft, event: Option<HookEvent>, run: &Run) -> Result<Applied> {
        match draft.record.as_ref().zip(event) {
            Some((record, event)) => self.run_hooks(record, event, run).await,
            None => Ok(Applied::default()),
        }
    }

    /// Deletes what the plan deletes. Returns what to wait for; `None` if the run was cancelled.
    async fn delete_unwanted(&self, plan: &Plan, draft: &Draft, run: &Run) -> Result<Option<Applied>> {
        let deletions: Vec<&Change> = plan.deletions().collect();
        let fate = |live: &Object| Ok(draft.owner.judge(live));
        let gone = self.apply.delete_all(&deletions, &fate, run).await?;
        Ok(gone.map(|objects| {
            let mut applied = Applied::default();
            applied.objects = objects;
            applied
        }))
    }
}

fn draft(plan: &Plan) -> Result<&Draft> {
    plan.kept().ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "the plan was not made by a release").during("apply")
    })
}

impl From<ReleaseRevision> for Revision {
    fn from(revision: ReleaseRevision) -> Self {
        let mut general = Self::new(revision.revision, revision.status.as_str());
        general.deployed = revision.updated;
        general.description = revision.unreadable.unwrap_or(revision.description);
        general.images = revision.images;
        general.git_revision = revision.git_revision;
        general
    }
}
