//! Going back to what a plan saw.

use super::{Fixture, Steps, some};
use crate::conformance::refused;
use crate::error::ErrorKind;
use crate::plan::{Action, Plan, Snapshot};
use crate::run::{Cancel, DeploymentId, Run};
use crate::target::{Observation, Restored};

/// What stood there, and who wrote since.
type Before = (Snapshot, Vec<DeploymentId>);

fn before(plan: &Plan, written_by: &[&Run]) -> Before {
    (plan.snapshot(), written_by.iter().map(|run| run.id().clone()).collect())
}

/// Goes back, whole; `None` if the target does not go back to snapshots, which it then must say.
async fn go_back<S: Fixture>(steps: &Steps<'_, S>, to: Before, run: &Run) -> Option<Restored> {
    let result = steps.target().rollback(&to.0, &to.1, run).await;
    if !steps.goes_back() {
        refused(result, ErrorKind::Unsupported, "going back to a snapshot");
        return None;
    }
    let restored = result.expect("it can go back");
    assert!(restored.left.is_empty(), "{:?}", restored.left);
    Some(restored)
}

/// Changed values are as before, the mark of the run that wrote them too; it is an event; and it is healthy.
pub async fn a_rollback_restores_values(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (_, first) = steps.deploy(&[("a", "1"), ("b", "1")]).await;
    let (plan, run) = steps.deploy(&[("a", "2"), ("b", "1")]).await;
    let told = steps.told().len();
    let Some(restored) = go_back(&steps, before(&plan, &[&run]), &run).await else { return };
    assert_eq!(steps.values(&["a", "b"]).await, some(&["1", "1"]));
    steps.assert_written_by("a", &first).await;
    assert_eq!(steps.told()[told..], [("a".to_owned(), Action::Update)]);
    let observation = steps.observe(&restored.applied, &run).await;
    assert!(matches!(observation, Observation::Healthy), "{observation:?}");
    assert_eq!(steps.would(&[("a", "1"), ("b", "1")]).await, [Action::Unchanged, Action::Unchanged]);
}

/// What the run created is gone, last first.
pub async fn a_rollback_deletes_what_was_created(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (plan, run) = steps.deploy(&[("a-after-b", "1"), ("b", "1")]).await;
    let told = steps.told().len();
    if go_back(&steps, before(&plan, &[&run]), &run).await.is_none() {
        return;
    }
    assert_eq!(steps.values(&["a-after-b", "b"]).await, [None, None]);
    assert_eq!(
        steps.told()[told..],
        [("a-after-b".to_owned(), Action::Delete), ("b".to_owned(), Action::Delete)]
    );
}

/// An object that no run of the list wrote stays, though nothing stood there before.
pub async fn a_rollback_deletes_nothing_of_others(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (plan, run) = steps.deploy(&[("a", "1"), ("b", "1")]).await;
    let (_, other) = steps.deploy(&[("a", "theirs")]).await;
    if go_back(&steps, before(&plan, &[&run]), &run).await.is_none() {
        return;
    }
    assert_eq!(steps.values(&["a", "b"]).await, [Some("theirs".to_owned()), None]);
    // Once the other run is in the list, its object goes as well.
    go_back(&steps, before(&plan, &[&run, &other]), &run).await;
    assert_eq!(steps.value("a").await, None);
}

/// An object that stood there and is gone stands there again.
pub async fn a_rollback_recreates_what_was_deleted(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (create, first) = steps.deploy(&[("a", "1")]).await;
    let (change, second) = steps.deploy(&[("a", "2")]).await;
    // Delete it by going back to before it was created.
    if go_back(&steps, before(&create, &[&first, &second]), &second).await.is_none() {
        return;
    }
    assert_eq!(steps.value("a").await, None);
    go_back(&steps, before(&change, &[&second]), &second).await;
    assert_eq!(steps.value("a").await.as_deref(), Some("1"));
}

/// Going back twice is as good as once: a run may have died in between.
pub async fn a_rollback_can_be_repeated(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    steps.deploy(&[("a", "1")]).await;
    let (plan, run) = steps.deploy(&[("a", "2"), ("b", "1")]).await;
    for _ in 0..2 {
        if go_back(&steps, before(&plan, &[&run]), &run).await.is_none() {
            return;
        }
        assert_eq!(steps.values(&["a", "b"]).await, [Some("1".to_owned()), None]);
    }
}

/// Going back from a plan that was never applied, or to nothing at all, changes nothing.
pub async fn a_rollback_of_nothing_changes_nothing(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    steps.deploy(&[("a", "1")]).await;
    let seen = steps.read("a").await;
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "2"), ("b", "1")]), &run).await;
    let empty = (Snapshot::default(), vec![DeploymentId::from("none".to_owned())]);
    for to in [before(&plan, &[&run]), empty] {
        if go_back(&steps, to, &run).await.is_none() {
            return;
        }
        assert_eq!(steps.read("a").await, seen);
        assert_eq!(steps.value("b").await, None);
    }
}

/// Going back stops for a run that has lost its lock, and restores nothing.
pub async fn a_cancelled_rollback_ends(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (plan, run) = steps.deploy(&[("a", "1")]).await;
    let cancel = Cancel::new();
    cancel.cancel();
    let (before, written_by) = before(&plan, &[&run]);
    let result = steps.target().rollback(&before, &written_by, &run.cancelled_by(cancel)).await;
    let kind = if steps.goes_back() { ErrorKind::Cancelled } else { ErrorKind::Unsupported };
    refused(result, kind, "going back for a cancelled run");
    assert_eq!(steps.value("a").await.as_deref(), Some("1"));
}
