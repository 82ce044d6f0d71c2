//! What every [`RolloutTarget`] keeps to.
//!
//! It writes ConfigMaps and one Secret into one namespace, so that it can run on a live cluster.

mod forward;
mod revisions;
mod way_back;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

pub use forward::*;
pub use revisions::*;
pub use way_back::*;

use super::run_all;
use crate::event::{EventKind, Recorder};
use crate::manifest::{Bundle, DEPLOYMENT_ID, GIT_REVISION, Object, ObjectId};
use crate::plan::{Action, Plan};
use crate::run::Run;
use crate::target::{Applied, Drives, Observation, RolloutTarget};

/// A target, and a sight of what it writes.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The target.
    fn target(&self) -> &dyn RolloutTarget;

    /// A namespace that exists and holds nothing that matters.
    fn namespace(&self) -> &str;

    /// The live object; `None` where there is none.
    async fn read(&self, id: &ObjectId) -> Option<Object>;
}

/// Makes a test of each clause: `rollout_target_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! rollout_target_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { rollout_target [
            a_plan_writes_nothing
            a_plan_names_its_run_and_its_bundle
            a_plan_says_what_changes
            secrets_show_nowhere
            apply_writes_what_was_planned
            apply_can_be_repeated
            what_is_unchanged_is_not_written
            a_stale_plan_is_refused
            stages_are_kept
            observe_looks_at_least_once
            a_cancelled_run_writes_nothing
            a_cancelled_observation_ends
            nothing_is_diagnosed_of_what_is_well
            a_rollback_restores_values
            a_rollback_deletes_what_was_created
            a_rollback_deletes_nothing_of_others
            a_rollback_recreates_what_was_deleted
            a_rollback_can_be_repeated
            a_rollback_of_nothing_changes_nothing
            a_cancelled_rollback_ends
            an_unknown_revision_is_an_error
            history_tells_the_newest_first
            a_revision_brings_its_values_back
            a_failed_revision_is_gone_back_from
            a_first_revision_that_failed_goes
            one_of_two_begins
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(rollout_target_conformance!(list), factory).await;
}

/// The driver's steps over a fixture, each of which must go well.
struct Steps<'a, S> {
    fixture: &'a S,
    recorder: Arc<Recorder>,
}

impl<'a, S: Fixture> Steps<'a, S> {
    fn new(fixture: &'a S) -> Self {
        Self { fixture, recorder: Arc::default() }
    }

    fn run(&self) -> Run {
        Run::new().named("conformance").git_revision("4f1c2d9").observer(self.recorder.clone())
    }

    fn target(&self) -> &'a dyn RolloutTarget {
        self.fixture.target()
    }

    /// Whether the caller drives, and the target goes back to snapshots.
    fn goes_back(&self) -> bool {
        self.target().capabilities().snapshots
    }

    /// Whether its way back is what it records.
    fn records(&self) -> bool {
        let capabilities = self.target().capabilities();
        capabilities.revisions && !capabilities.snapshots
    }

    fn bundle(&self, values: &[(&str, &str)]) -> Bundle {
        let objects = values.iter().map(|(name, value)| {
            let mut metadata = json!({"name": name, "namespace": self.fixture.namespace()});
            // One called `x-after-y` is written once `y` is ready.
            if let Some((_, needed)) = name.split_once("-after-") {
                let needed = format!("/namespaces/{}/ConfigMap/{needed}", self.fixture.namespace());
                metadata["annotations"] = json!({"config.kubernetes.io/depends-on": needed});
            }
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}});
            Object::new(object).expect("it is an object")
        });
        Bundle::builder().objects(objects).build().expect("it is a bundle")
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Plan {
        self.target().plan(bundle, run).await.expect("it can be planned")
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Applied {
        self.target().begin(plan, run).await.expect("it can be recorded");
        let applied = self.target().apply(plan, run).await.expect("it can be applied");
        assert!(applied.halted.is_none(), "{:?}", applied.halted);
        if self.target().capabilities().drives == Drives::Remote {
            // What was handed over stands once the far side has said so.
            self.observe(&applied, run).await;
        }
        applied
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Observation {
        self.target().observe(applied, run).await.expect("it can be observed")
    }

    /// Deploys the values, healthy.
    async fn deploy(&self, values: &[(&str, &str)]) -> (Plan, Run) {
        let run = self.run();
        let plan = self.plan(&self.bundle(values), &run).await;
        self.carry_out(&plan, &run).await;
        (plan, run)
    }

    /// All steps of a plan.
    async fn carry_out(&self, plan: &Plan, run: &Run) {
        let applied = self.apply(plan, run).await;
        let observation = self.observe(&applied, run).await;
        assert!(matches!(observation, Observation::Healthy), "{observation:?}");
        let finished = self.target().finish(plan, run).await.expect("it can be finished");
        assert!(matches!(finished, Observation::Healthy), "{finished:?}");
    }

    /// What a new plan for the values would do, object by object.
    async fn would(&self, values: &[(&str, &str)]) -> Vec<Action> {
        let plan = self.plan(&self.bundle(values), &self.run()).await;
        let action = |(name, _): &(&str, &str)| {
            plan.changes.iter().find(|change| change.id.name == *name).map(|change| change.action)
        };
        values.iter().map(|value| action(value).expect("every object is in the plan")).collect()
    }

    async fn read(&self, name: &str) -> Option<Object> {
        self.fixture.read(&ObjectId::new("", "ConfigMap", Some(self.fixture.namespace()), name)).await
    }

    async fn value(&self, name: &str) -> Option<String> {
        self.read(name)
            .await
            .map(|object| object.get("/data/value").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    async fn values(&self, names: &[&str]) -> Vec<Option<String>> {
        let mut values = Vec::new();
        for name in names {
            values.push(self.value(name).await);
        }
        values
    }

    /// That the object tells the run that wrote it last, and the commit. Where the way back is a recorded revision, that tells the commit.
    async fn assert_written_by(&self, name: &str, run: &Run) {
        if self.records() {
            let newest = self.target().history().await.expect("it can be read").remove(0);
            assert_eq!(newest.git_revision.as_deref(), run.revision());
            return;
        }
        let object = self.read(name).await.expect("it was written");
        assert_eq!(object.annotation(DEPLOYMENT_ID), Some(run.id().as_str()));
        assert_eq!(object.annotation(GIT_REVISION), run.revision());
    }

    /// Objects of bundles that events say were applied, or brought back.
    fn told(&self) -> Vec<(String, Action)> {
        let events = self.recorder.events();
        let told = events.iter().filter_map(|event| match &event.kind {
            EventKind::Applied { object, action } | EventKind::Restored { object, action }
                if is_of_a_bundle(object) =>
            {
                Some((object.name.clone(), *action))
            }
            _ => None,
        });
        told.collect()
    }
}

/// A target may write objects of its own beside those of the bundle, as the parent of a set to prune.
fn is_of_a_bundle(id: &ObjectId) -> bool {
    id.kind == "ConfigMap"
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}
