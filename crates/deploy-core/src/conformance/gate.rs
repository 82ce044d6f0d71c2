//! What every [`Gate`] keeps to.

use std::future::Future;

use super::run_all;
use crate::guard::{Answer, Gate, Subject};

/// The gates under test: one for each way it can come out.
pub trait Fixture: Send + Sync {
    /// What they are asked about. A deployment to `production`, unless a gate needs to know more of it.
    fn subject(&self) -> Subject {
        Subject::new("production")
    }

    /// One that says yes to the subject.
    fn willing(&self) -> Box<dyn Gate>;

    /// One that says no to it.
    fn unwilling(&self) -> Box<dyn Gate>;

    /// One that cannot decide; `None` if there is nothing that could keep it from deciding.
    fn undecided(&self) -> Option<Box<dyn Gate>>;
}

/// Makes a test of each clause: `gate_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! gate_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { gate [
            a_yes_has_grounds
            a_no_says_why
            what_cannot_be_decided_is_an_error
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(gate_conformance!(list), factory).await;
}

/// A yes stays a yes when asked again, and says on what grounds.
pub async fn a_yes_has_grounds(fixture: impl Fixture) {
    let gate = fixture.willing();
    assert!(!gate.describe().is_empty());
    for _ in 0..2 {
        let answer = gate.ask(&fixture.subject()).await.expect("it can be decided");
        assert!(matches!(&answer, Answer::Yes { grounds } if !grounds.is_empty()), "{answer:?}");
    }
}

/// A no says why.
pub async fn a_no_says_why(fixture: impl Fixture) {
    let answer = fixture.unwilling().ask(&fixture.subject()).await.expect("it can be decided");
    assert!(matches!(&answer, Answer::No { why } if !why.is_empty()), "{answer:?}");
}

/// What cannot be decided is neither yes nor no.
pub async fn what_cannot_be_decided_is_an_error(fixture: impl Fixture) {
    if let Some(gate) = fixture.undecided() {
        let answer = gate.ask(&fixture.subject()).await;
        assert!(answer.is_err(), "{answer:?}");
    }
}
