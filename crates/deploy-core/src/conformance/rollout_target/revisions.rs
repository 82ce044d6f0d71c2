//! Recorded revisions.

use super::{Fixture, Steps};
use crate::conformance::refused;
use crate::error::ErrorKind;
use crate::plan::Action;
use crate::target::Drives;

/// A revision that was never recorded is not found; without revisions, none is supported.
pub async fn an_unknown_revision_is_an_error(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (_, run) = steps.deploy(&[("a", "1")]).await;
    let kind =
        if steps.target().capabilities().revisions { ErrorKind::NotFound } else { ErrorKind::Unsupported };
    for revision in [Some(4711), None] {
        let plan = steps.target().plan_revision(revision, &run).await;
        refused(plan, kind, "a revision that is not there");
        assert_eq!(steps.value("a").await.as_deref(), Some("1"));
    }
}

/// Each deployment is a revision with a number of its own, the newest first; without revisions there is no history.
pub async fn history_tells_the_newest_first(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    for value in ["1", "2", "3"] {
        steps.deploy(&[("a", value)]).await;
    }
    let history = steps.target().history().await;
    if !steps.target().capabilities().revisions {
        refused(history, ErrorKind::Unsupported, "history");
        return;
    }
    let history = history.expect("it can be read");
    let numbers: Vec<u64> = history.iter().map(|revision| revision.number).collect();
    assert_eq!(numbers.len(), 3, "{history:?}");
    assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
}

/// Going back to a revision brings its values back and deletes what only a later one had; that can be gone back on.
pub async fn a_revision_brings_its_values_back(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    if !steps.target().capabilities().revisions {
        // That it is refused is another clause.
        return;
    }
    steps.deploy(&[("a", "1")]).await;
    steps.deploy(&[("a", "2"), ("b", "1")]).await;
    let first = steps.target().history().await.expect("it can be read")[1].number;
    for (revision, values) in [
        (None, [Some("1".to_owned()), None]),
        (None, [Some("2".to_owned()), Some("1".to_owned())]),
        (Some(first), [Some("1".to_owned()), None]),
    ] {
        let run = steps.run();
        let plan = steps.target().plan_revision(revision, &run).await.expect("it can be planned");
        steps.carry_out(&plan, &run).await;
        assert_eq!(steps.values(&["a", "b"]).await, values, "{revision:?}");
    }
    let statuses = steps.target().history().await.expect("it can be read");
    let deployed = statuses.iter().filter(|revision| revision.status == "deployed").count();
    assert_eq!((statuses.len(), deployed), (5, 1), "{statuses:?}");
}

/// A revision that failed is told of with the reason; the way back from it is the good one before, and is recorded too.
pub async fn a_failed_revision_is_gone_back_from(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    if !steps.target().capabilities().revisions {
        // That it is refused is another clause.
        return;
    }
    steps.deploy(&[("a", "1")]).await;
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "2"), ("b", "1")]), &run).await;
    steps.apply(&plan, &run).await;
    for _ in 0..2 {
        steps.target().fail(&plan, "b is not good", &run).await.expect("it can be recorded");
    }
    let newest = steps.target().history().await.expect("it can be read").remove(0);
    assert_eq!(newest.status, "failed");
    assert!(plan.revision.is_none_or(|planned| planned == newest.number), "{newest:?}");
    assert!(newest.description.contains("b is not good"), "{newest:?}");
    assert_eq!(steps.values(&["a", "b"]).await, [Some("2".to_owned()), Some("1".to_owned())]);
    let run = steps.run();
    let back = steps.target().plan_revision(None, &run).await.expect("it can be planned");
    steps.carry_out(&back, &run).await;
    assert_eq!(steps.values(&["a", "b"]).await, [Some("1".to_owned()), None]);
    let history = steps.target().history().await.expect("it can be read");
    let statuses: Vec<&str> = history.iter().map(|revision| revision.status.as_str()).collect();
    assert_eq!(statuses, ["deployed", "failed", "superseded"]);
}

/// What there was before a first revision that failed is nothing.
pub async fn a_first_revision_that_failed_goes(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    if !steps.records() {
        return;
    }
    let run = steps.run();
    let plan = steps.plan(&steps.bundle(&[("a", "1")]), &run).await;
    steps.apply(&plan, &run).await;
    steps.target().fail(&plan, "a is not good", &run).await.expect("it can be recorded");
    let run = steps.run();
    let back = steps.target().plan_revision(None, &run).await.expect("it can be planned");
    assert!(back.changes.iter().all(|change| change.action == Action::Delete), "{back}");
    steps.carry_out(&back, &run).await;
    assert_eq!(steps.value("a").await, None);
}

/// Two runs that planned at the same time: only one of them may begin. Where the far side drives, nothing begins before it has the plan.
pub async fn one_of_two_begins(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let capabilities = steps.target().capabilities();
    if !capabilities.revisions || capabilities.drives == Drives::Remote {
        return;
    }
    let (ours, theirs) = (steps.run(), steps.run());
    let bundle = steps.bundle(&[("a", "1")]);
    let (plan, late) = (steps.plan(&bundle, &ours).await, steps.plan(&bundle, &theirs).await);
    for _ in 0..2 {
        steps.target().begin(&plan, &ours).await.expect("it can begin, and again");
    }
    let error = steps.target().begin(&late, &theirs).await.expect_err("the other one is late");
    assert!(matches!(error.kind(), ErrorKind::Locked | ErrorKind::Stale), "{error}");
}
