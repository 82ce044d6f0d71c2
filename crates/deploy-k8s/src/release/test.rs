//! Runs the tests of a release: its hooks for the event `test`.

use async_trait::async_trait;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::manifest::Bundle;
use deploy_core::plan::{Change, Depth, Plan};
use deploy_core::run::Run;
use deploy_core::target::{Applied, Observation, RolloutTarget, TargetCapabilities};
use serde_json::json;

use super::Release;
use super::hook::{self, HookEvent};
use super::record::{Hook, Record};
use super::store::Entry;

/// The tests of a release, as a target: the bundle it is handed says nothing.
pub(super) struct Tests {
    release: Release,
}

/// What a plan keeps.
struct Tested {
    entry: Entry,
    record: Record,
}

impl Tests {
    pub(super) fn new(release: Release) -> Self {
        Self { release }
    }

    /// Notes how the tests came out, for `helm status` to tell (`pkg/release/v1/hook.go`).
    async fn note(&self, tested: &Tested, ran: &Applied, started: Timestamp, run: &Run) -> Result<()> {
        let failed = ran.halted.as_ref().and_then(|_| ran.objects.last());
        let phase = |hook: &Hook| {
            let is = |id: &deploy_core::manifest::ObjectId| id.kind == hook.kind && id.name == hook.name;
            ran.objects.iter().find(|object| is(&object.id))?;
            Some(if failed.is_some_and(|failed| is(&failed.id)) { "Failed" } else { "Succeeded" })
        };
        self.release
            .store
            .update(&tested.entry, run.now(), |record| {
                for hook in &mut record.hooks {
                    if let Some(phase) = phase(hook) {
                        let last = json!({"started_at": started, "completed_at": run.now(), "phase": phase});
                        hook.rest.insert("last_run".to_owned(), last);
                    }
                }
                Ok(true)
            })
            .await
    }
}

#[async_trait]
impl RolloutTarget for Tests {
    fn describe(&self) -> String {
        self.release.describe()
    }

    fn capabilities(&self) -> TargetCapabilities {
        TargetCapabilities::one_way(Depth::Fields)
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let release = &self.release;
        let standing = release.standing(run).await?;
        let entry = standing.deployed().last().or(standing.newest()).filter(|_| !standing.is_uninstalled());
        let entry = entry.cloned().ok_or_else(|| release.missing())?;
        let (record, revision) = (entry.record()?, entry.revision);
        let mut changes = Vec::new();
        for hook in hook::at(&record, HookEvent::Test)? {
            let object = hook.object.in_namespace(release.namespace());
            changes.push(Change::create(object.clone(), object));
        }
        if changes.is_empty() {
            return Err(release
                .error(ErrorKind::NotFound, format!("revision {revision} has no tests"))
                .help("a test is an object with the annotation helm.sh/hook: test"));
        }
        let digest = bundle.digest().as_str().to_owned();
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Fields, changes, Vec::new());
        plan.revision = Some(revision);
        Ok(plan.keeping(Tested { entry, record }))
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let (tested, started) = (tested(plan)?, run.now());
        let ran = self.release.run_hooks(&tested.record, HookEvent::Test, run).await?;
        self.note(tested, &ran, started, run).await?;
        Ok(ran)
    }

    /// All of them were waited for.
    async fn observe(&self, _: &Applied, _: &Run) -> Result<Observation> {
        Ok(Observation::Healthy)
    }

    async fn fail(&self, plan: &Plan, _: &str, _: &Run) -> Result<()> {
        let record = &tested(plan)?.record;
        self.release.stop_hooks(record, &[HookEvent::Test], Some(plan.deployment.as_str())).await
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        self.release.apply.diagnose(applied, observation, run).await
    }
}

fn tested(plan: &Plan) -> Result<&Tested> {
    plan.kept().ok_or_else(|| Error::invalid("the plan was not made for tests").during("test"))
}
