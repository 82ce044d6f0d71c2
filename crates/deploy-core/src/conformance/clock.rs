//! What every [`Clock`] keeps to.

use std::future::Future;
use std::time::Duration;

use super::run_all;
use crate::clock::Clock;

/// Makes a test of each clause: `clock_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! clock_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { clock [
            never_runs_backwards
            sleeps_no_less_than_asked
            a_deadline_that_has_passed_is_not_waited_for
            a_sleep_can_be_dropped
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Clock + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(clock_conformance!(list), factory).await;
}

const SHORT: Duration = Duration::from_millis(20);

/// The time never goes back.
pub async fn never_runs_backwards(clock: impl Clock) {
    let mut last = clock.now();
    for _ in 0..1000 {
        let now = clock.now();
        assert!(now >= last);
        last = now;
    }
}

/// Sleeping lasts at least as long as asked, on the clock itself.
pub async fn sleeps_no_less_than_asked(clock: impl Clock) {
    let start = clock.now();
    clock.sleep(SHORT).await;
    assert!(clock.now().since(start) >= SHORT);
    let deadline = clock.now() + SHORT;
    clock.sleep_until(deadline).await;
    assert!(clock.now() >= deadline);
}

/// A past deadline, and no time at all, return.
pub async fn a_deadline_that_has_passed_is_not_waited_for(clock: impl Clock) {
    clock.sleep_until(clock.now() - Duration::from_secs(3600)).await;
    clock.sleep(Duration::ZERO).await;
}

/// Dropping a sleep leaves the clock as it is.
pub async fn a_sleep_can_be_dropped(clock: impl Clock) {
    let start = clock.now();
    tokio::select! {
        () = clock.sleep(Duration::from_secs(3600)) => panic!("an hour passed"),
        () = clock.sleep(SHORT) => {}
    }
    assert!(clock.now().since(start) < Duration::from_secs(3600));
}
