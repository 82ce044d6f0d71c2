//! What every [`Ancestry`] keeps to.

use std::future::Future;

use super::{refused, run_all};
use crate::ancestry::Ancestry;
use crate::error::ErrorKind;

/// A history, and what its commits are called.
pub trait Fixture: Send + Sync {
    /// The history.
    fn ancestry(&self) -> &dyn Ancestry;

    /// The first commit; `left` and `right`, which both come right after it; and the merge of `right` into `left`. Whole names, which differ
    /// in their first 7 characters.
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
            places_are_those_on_the_line_of_first_parents
            an_unknown_commit_has_no_place
            an_abbreviation_is_enough
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

/// What came in by a merge, or after the head, has no place; the others have theirs, in whatever order they are asked for, twice too.
pub async fn places_are_those_on_the_line_of_first_parents(fixture: impl Fixture) {
    let [first, left, right, merge] = fixture.commits();
    let asked = [right.clone(), merge.clone(), first.clone(), left.clone(), first.clone()];
    let order = async |head: &str| fixture.ancestry().order(head, &asked).await.expect("all are known");
    let [on_right, on_merge, on_first, on_left, again] = order(&merge).await[..] else {
        panic!("a place for each that was asked for");
    };
    assert_eq!(on_right, None, "it came in by a merge");
    assert!(
        on_first.is_some() && on_first < on_left && on_left < on_merge,
        "{on_first:?} {on_left:?} {on_merge:?}"
    );
    assert_eq!(on_first, again);
    let at_left: Vec<bool> = order(&left).await.iter().map(Option::is_some).collect();
    assert_eq!(at_left, [false, false, true, true, true], "the line ends at its head");
    let at_right: Vec<bool> = order(&right).await.iter().map(Option::is_some).collect();
    assert_eq!(at_right, [true, false, true, false, true]);
    let none = fixture.ancestry().order(&merge, &[]).await.expect("the head is known");
    assert!(none.is_empty());
}

/// One commit that is not known, or a head that is not, and there is no answer at all.
pub async fn an_unknown_commit_has_no_place(fixture: impl Fixture) {
    let ([first, _, _, merge], unknown) = (fixture.commits(), fixture.unknown());
    for (head, commits) in [(&merge, vec![first.clone(), unknown.clone()]), (&unknown, vec![first.clone()])] {
        let answer = fixture.ancestry().order(head, &commits).await;
        let error = refused(answer, ErrorKind::NotFound, "a commit that is not known");
        assert!(error.to_string().contains(unknown.as_str()), "the error must name it: {error}");
    }
}

/// Tags hold abbreviated commits.
pub async fn an_abbreviation_is_enough(fixture: impl Fixture) {
    let commits = fixture.commits();
    let [first, left, right, merge] = commits.each_ref().map(|commit| {
        let (short, _) = commit.split_at_checked(7).expect("a whole name is longer");
        short.to_owned()
    });
    let ancestry = fixture.ancestry();
    assert!(ancestry.is_ancestor(&first, &merge).await.expect("both are known"));
    assert!(!ancestry.is_ancestor(&right, &left).await.expect("both are known"));
    let short = ancestry.order(&merge, &[first, left, right]).await.expect("all are known");
    let [first, left, right, merge] = commits;
    assert_eq!(short, ancestry.order(&merge, &[first, left, right]).await.expect("all are known"));
}
