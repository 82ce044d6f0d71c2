//! What every [`Ancestry`] keeps to.

use std::future::Future;

use super::{refused, run_all};
use crate::ancestry::Ancestry;
use crate::error::ErrorKind;

/// A history, and what its commits are called.
pub trait Fixture: Send + Sync {
    /// The history.
    fn ancestry(&self) -> &dyn Ancestry;

    /// The first commit; `left` and `right`, which both come right after it; and their `merge`.
    fn commits(&self) -> [String; 4];

    /// A commit that is not known here, in the form of one that could be.
    fn unknown(&self) -> String;
}

/// Makes a test of each clause: `ancestry_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! ancestry_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { ancestry [
            who_comes_before_whom
            an_unknown_commit_is_not_found
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(ancestry_conformance!(list), factory).await;
}

/// Every pair of a history with a branch and a merge; a commit is its own ancestor.
pub async fn who_comes_before_whom(fixture: impl Fixture) {
    let commits = fixture.commits();
    let table = [
        [true, true, true, true],
        [false, true, false, true],
        [false, false, true, true],
        [false, false, false, true],
    ];
    for (ancestor, row) in commits.iter().zip(table) {
        for (descendant, expected) in commits.iter().zip(row) {
            let answer = fixture.ancestry().is_ancestor(ancestor, descendant).await.expect("both are known");
            assert_eq!(answer, expected, "{ancestor} before {descendant}");
        }
    }
}

/// A commit that is not known is an error on either side, and before itself.
pub async fn an_unknown_commit_is_not_found(fixture: impl Fixture) {
    let (known, unknown) = (&fixture.commits()[0], &fixture.unknown());
    for (ancestor, descendant) in [(known, unknown), (unknown, known), (unknown, unknown)] {
        let answer = fixture.ancestry().is_ancestor(ancestor, descendant).await;
        let error = refused(answer, ErrorKind::NotFound, "a commit that is not known");
        assert!(error.to_string().contains(unknown.as_str()), "the error must name it: {error}");
    }
}
