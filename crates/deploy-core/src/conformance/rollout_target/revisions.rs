//! Recorded revisions.

use super::{Fixture, Steps};
use crate::conformance::refused;
use crate::error::ErrorKind;
use crate::target::RollbackTo;

/// A revision that was never recorded is not found; without revisions, none is supported.
pub async fn an_unknown_revision_is_an_error(fixture: impl Fixture) {
    let steps = Steps::new(&fixture);
    let (_, run) = steps.deploy(&[("a", "1")]).await;
    let kind =
        if steps.target().capabilities().revisions { ErrorKind::NotFound } else { ErrorKind::Unsupported };
    for to in [RollbackTo::Revision(Some(4711)), RollbackTo::Revision(None)] {
        refused(steps.target().rollback(&to, &run).await, kind, "a revision that is not there");
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
    let (_, run) = steps.deploy(&[("a", "2"), ("b", "1")]).await;
    let first = steps.target().history().await.expect("it can be read")[1].number;
    for (to, values) in [
        (RollbackTo::Revision(None), [Some("1".to_owned()), None]),
        (RollbackTo::Revision(None), [Some("2".to_owned()), Some("1".to_owned())]),
        (RollbackTo::Revision(Some(first)), [Some("1".to_owned()), None]),
    ] {
        let run = steps.run().git_revision(run.revision().unwrap_or_default());
        let restored = steps.target().rollback(&to, &run).await.expect("it can go back");
        assert!(restored.left.is_empty(), "{:?}", restored.left);
        assert_eq!(steps.values(&["a", "b"]).await, values, "{to:?}");
    }
}
