//! Plan, apply, observe.

use std::time::Duration;

use super::{Fixture, Steps, is_of_a_bundle, some};
use crate::conformance::refused;
use crate::error::ErrorKind;
use crate::manifest::{Bundle, Object, ObjectId};
use crate::plan::{Action, Depth, PlannedStage};
use crate::run::Cancel;
use crate::target::{Drives, Observation};

/// Planning changes nothing, and plans the same again.
pub async fn a_plan_writes_nothing(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    for _ in 0..2 {
        let would = steps.would(&[("a", "1")]).await;
        let blind = steps.target().capabilities().depth == Depth::Digest;
        assert!(would == [Action::Create] || (blind && would == [Action::Update]), "{would:?}");
    }
    assert_eq!(steps.value("a").await, None);
}

/// A plan carries the id of its run, and the digest of the bundle it was handed.
pub async fn a_plan_names_its_run_and_its_bundle(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (bundle, run) = (steps.bundle(&[("a", "1")]), steps.run());
    let plan = steps.plan(&bundle, &run).await;
    assert_eq!(plan.deployment, *run.id());
    assert_eq!(plan.bundle, bundle.digest().to_string());
    assert_eq!(plan.depth, steps.target().capabilities().depth);
    assert!(!steps.target().describe().is_empty());
}

/// A plan tells what is created, changed and left, and a target that knows fields names them.
pub async fn a_plan_says_what_changes(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    steps.deploy(&[("a", "1"), ("b", "1")]).await;
    let (bundle, run) = (steps.bundle(&[("a", "2"), ("b", "1"), ("c", "1")]), steps.run());
    let plan = steps.plan(&bundle, &run).await;
    if plan.depth != Depth::Fields {
        assert!(!plan.is_empty());
        return;
    }
    let find =
        |name: &str| plan.changes.iter().find(|change| change.id.name == name).expect("it is in the plan");
    let actions = [find("a").action, find("b").action, find("c").action];
    assert_eq!(actions, [Action::Update, Action::Unchanged, Action::Create]);
    let lines: Vec<String> = find("a").diff.iter().map(ToString::to_string).collect();
    assert_eq!(lines, [r#".data.value: "1" -> "2""#]);
    assert!(find("b").diff.is_empty());
    let before = find("a").before.as_ref().and_then(|object| object.get("/data/value")?.as_str());
    assert_eq!(before, Some("1"), "the way back is in the plan");
    assert!(find("c").before.is_none());
}

/// A Secret's values are in no diff, no `Display` or `Debug` of a plan, and no event.
pub async fn secrets_show_nowhere(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    for value in ["Y29ycmVjdCBob3JzZQ==", "YmF0dGVyeSBzdGFwbGU="] {
        let object = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "hidden", "namespace": fixture.namespace()},
            "data": {"password": value},
        });
        let object = Object::new(object).expect("it is an object");
        let bundle = Bundle::builder().objects([object]).build().expect("it is a bundle");
        let run = steps.run();
        let plan = steps.plan(&bundle, &run).await;
        let applied = steps.apply(&plan, &run).await;
        let diffs: Vec<_> = plan.changes.iter().map(|change| &change.diff).collect();
        let shown = format!("{plan} {plan:?} {diffs:?} {applied:?} {:?}", steps.recorder.events());
        for secret in ["Y29ycmVjdCBob3JzZQ==", "YmF0dGVyeSBzdGFwbGU=", "correct horse", "battery staple"] {
            assert!(!shown.contains(secret), "a secret shows: {shown}");
        }
        if plan.depth == Depth::Fields {
            assert!(!plan.is_empty(), "that it changes must show");
        }
    }
}

/// What stands after `apply` is what was planned, marked with run and git revision or recorded with them; and then nothing is left to do.
pub async fn apply_writes_what_was_planned(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let values = [("a", "1"), ("b", "1")];
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&values), &run).await;
    let applied = steps.apply(&plan, &run).await;
    let line = |id: &ObjectId, action| is_of_a_bundle(id).then(|| (id.name.clone(), action));
    let written: Vec<_> =
        applied.objects.iter().filter_map(|object| line(&object.id, object.action)).collect();
    let planned: Vec<_> = plan.changes.iter().filter_map(|change| line(&change.id, change.action)).collect();
    assert_eq!(written, planned);
    assert_eq!(steps.told().len(), 2, "each write is an event: {:?}", steps.told());
    assert_eq!(steps.values(&["a", "b"]).await, some(&["1", "1"]));
    steps.assert_written_by("a", &run).await;
    if plan.depth == Depth::Fields {
        assert_eq!(steps.would(&values).await, [Action::Unchanged, Action::Unchanged]);
    }
}

/// Applying a plan a second time writes the same and is no error: a run may have died in between.
pub async fn apply_can_be_repeated(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    steps.deploy(&[("a", "1")]).await;
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "2"), ("b", "1")]), &run).await;
    steps.apply(&plan, &run).await;
    steps.apply(&plan, &run).await;
    assert_eq!(steps.values(&["a", "b"]).await, some(&["2", "1"]));
}

/// An object that stands as wanted is told of as unchanged and keeps its mark.
pub async fn what_is_unchanged_is_not_written(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (_, first) = steps.deploy(&[("a", "1"), ("b", "1")]).await;
    let before = steps.read("a").await;
    let (plan, _) = steps.deploy(&[("a", "1"), ("b", "2")]).await;
    let change = plan.changes.iter().find(|change| change.id.name == "a").expect("it is in the plan");
    if plan.depth == Depth::Fields {
        assert_eq!(change.action, Action::Unchanged);
        assert_eq!(steps.read("a").await, before);
        steps.assert_written_by("a", &first).await;
    }
    assert_eq!(plan.snapshot().entries.iter().filter(|entry| entry.id.name == "a").count(), 0);
}

/// A plan is refused if what it saw is no longer there; a target that knows digests only need not see it.
pub async fn a_stale_plan_is_refused(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    steps.deploy(&[("a", "1")]).await;
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "2")]), &run).await;
    steps.deploy(&[("a", "3")]).await;
    let result = steps.target().apply(&plan, &run).await;
    if plan.depth == Depth::Fields {
        refused(result, ErrorKind::Stale, "a plan whose object has changed");
        assert_eq!(steps.value("a").await.as_deref(), Some("3"));
    }
}

/// What an object depends on is written first, in the plan and in the events.
pub async fn stages_are_kept(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    // By name they would go the other way round.
    let (plan, _) = steps.deploy(&[("a-after-b-after-c", "1"), ("b-after-c", "1"), ("c", "1")]).await;
    let told: Vec<String> = steps.told().into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["c", "b-after-c", "a-after-b-after-c"]);
    if plan.depth == Depth::Fields {
        let of_the_bundle = |stage: &&PlannedStage| {
            stage.changes.iter().any(|index| is_of_a_bundle(&plan.changes[*index].id))
        };
        let gates: Vec<usize> =
            plan.stages.iter().filter(of_the_bundle).map(|stage| stage.gates.len()).collect();
        assert_eq!(gates, [1, 1, 0]);
    }
}

/// A deadline that has passed still leaves one look.
pub async fn observe_looks_at_least_once(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "1")]), &run).await;
    let applied = steps.apply(&plan, &run).await;
    let observation = steps
        .target()
        .observe(&applied, &run.clone().within(Duration::ZERO))
        .await
        .expect("it can be observed");
    assert!(matches!(observation, Observation::Healthy), "{observation:?}");
}

/// A run that was cancelled before `apply` writes nothing.
pub async fn a_cancelled_run_writes_nothing(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let cancel = Cancel::new();
    let run = steps.run().cancelled_by(cancel.clone());
    let plan = steps.plan(&steps.bundle(&[("a", "1")]), &run).await;
    cancel.cancel();
    refused(steps.target().apply(&plan, &run).await, ErrorKind::Cancelled, "applying for a cancelled run");
    assert_eq!(steps.value("a").await, None);
}

/// Observing ends when the run is cancelled, and says so; unless the far side was done before.
pub async fn a_cancelled_observation_ends(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let cancel = Cancel::new();
    let run = steps.run().cancelled_by(cancel.clone());
    let plan = steps.plan(&steps.bundle(&[("a", "1")]), &run).await;
    let applied = steps.apply(&plan, &run).await;
    cancel.cancel();
    let observation = steps.observe(&applied, &run).await;
    let done = steps.target().capabilities().drives == Drives::Remote;
    let ended = match observation {
        Observation::Healthy => done,
        observation => matches!(observation, Observation::Cancelled),
    };
    assert!(ended, "it was not cancelled");
}

/// Where nothing failed there are no pods and no Events to show.
pub async fn nothing_is_diagnosed_of_what_is_well(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "1")]), &run).await;
    let applied = steps.apply(&plan, &run).await;
    let evidence =
        steps.target().diagnose(&applied, &Observation::Healthy, &run).await.expect("it can be diagnosed");
    assert!(evidence.pods.is_empty() && evidence.events.is_empty(), "{evidence:?}");
}
