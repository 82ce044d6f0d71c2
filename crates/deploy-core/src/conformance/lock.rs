//! What every [`Lock`] keeps to.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;

use super::{refused, run_all};
use crate::error::ErrorKind;
use crate::lock::{Lock, LockGuard};

/// A lock, and the means to interfere with it.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The lock.
    fn lock(&self) -> &dyn Lock;

    /// Gives the lock called `name` to `thief`, whoever holds it, as somebody does who writes to the store by hand.
    async fn steal(&self, name: &str, thief: &str);

    /// How long it may take until a loss is noticed.
    fn patience(&self) -> Duration;
}

/// Makes a test of each clause: `lock_conformance! { #[tokio::test(start_paused = true)] || async { … } }`.
#[macro_export]
macro_rules! lock_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { lock [
            the_second_is_told_the_holder
            released_is_free_at_once
            names_are_separate
            the_dead_are_taken_over
            the_living_are_not_taken_over
            a_stolen_lock_is_lost
            a_loser_does_not_release_anothers
            one_of_two_at_once_gets_it
            refuses_what_is_no_name
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(lock_conformance!(list), factory).await;
}

async fn acquire(fixture: &impl Fixture, name: &str, holder: &str) -> Box<dyn LockGuard> {
    fixture.lock().acquire(name, holder).await.expect("it is free")
}

async fn locked_by(fixture: &impl Fixture, name: &str, holder: &str) {
    let error = refused(fixture.lock().acquire(name, "late").await, ErrorKind::Locked, "a held lock");
    assert_eq!(error.holder(), Some(holder), "the error must name the holder: {error}");
}

async fn release(guard: Box<dyn LockGuard>) {
    guard.release().await.expect("it can be released");
}

/// A held lock is refused, and the error says by whom it is held.
pub async fn the_second_is_told_the_holder(fixture: impl Fixture) {
    let guard = acquire(&fixture, "shop", "runner-1").await;
    locked_by(&fixture, "shop", "runner-1").await;
    assert!(!guard.lost().is_cancelled());
    release(guard).await;
}

/// A lock that was given back is the next one's, and not lost by the way.
pub async fn released_is_free_at_once(fixture: impl Fixture) {
    for holder in ["runner-1", "runner-2", "runner-1"] {
        let guard = acquire(&fixture, "shop", holder).await;
        let lost = guard.lost();
        release(guard).await;
        assert!(!lost.is_cancelled());
    }
}

/// One name's lock is not another's.
pub async fn names_are_separate(fixture: impl Fixture) {
    let guards = [acquire(&fixture, "shop", "one").await, acquire(&fixture, "shop-2", "two").await];
    locked_by(&fixture, "shop", "one").await;
    locked_by(&fixture, "shop-2", "two").await;
    for guard in guards {
        release(guard).await;
    }
}

/// A holder without a heartbeat (a dropped guard has none) is outlived.
pub async fn the_dead_are_taken_over(fixture: impl Fixture) {
    drop(acquire(&fixture, "shop", "dead").await);
    let guard = acquire(&fixture, "shop", "next").await;
    locked_by(&fixture, "shop", "next").await;
    release(guard).await;
}

/// A holder keeps its lock however long it works and however often others ask.
pub async fn the_living_are_not_taken_over(fixture: impl Fixture) {
    let guard = acquire(&fixture, "shop", "slow").await;
    for _ in 0..3 {
        tokio::time::sleep(fixture.patience()).await;
        locked_by(&fixture, "shop", "slow").await;
    }
    assert!(!guard.lost().is_cancelled());
    release(guard).await;
}

/// A holder whose lock is another's learns it.
pub async fn a_stolen_lock_is_lost(fixture: impl Fixture) {
    let guard = acquire(&fixture, "shop", "runner-1").await;
    let lost = guard.lost();
    fixture.steal("shop", "thief").await;
    tokio::time::timeout(fixture.patience(), lost.cancelled())
        .await
        .expect("the loss must be noticed in time");
}

/// Releasing after a loss leaves the new holder alone.
pub async fn a_loser_does_not_release_anothers(fixture: impl Fixture) {
    let guard = acquire(&fixture, "shop", "runner-1").await;
    fixture.steal("shop", "thief").await;
    // An error here is as good: what counts is that the thief's lock stands.
    let _ = guard.release().await;
    let started = tokio::time::Instant::now();
    let next = acquire(&fixture, "shop", "next").await;
    assert!(started.elapsed() > Duration::ZERO, "the thief's lock was free at once");
    release(next).await;
}

/// Of two that ask at the same time one gets it, and the other is told by whom.
pub async fn one_of_two_at_once_gets_it(fixture: impl Fixture) {
    let lock = fixture.lock();
    let (left, right) = tokio::join!(lock.acquire("shop", "left"), lock.acquire("shop", "right"));
    let (guard, error, winner) = match (left, right) {
        (Ok(guard), Err(error)) => (guard, error, "left"),
        (Err(error), Ok(guard)) => (guard, error, "right"),
        (left, right) => panic!("one must get it: {left:?}, {right:?}"),
    };
    assert_eq!((error.kind(), error.holder()), (ErrorKind::Locked, Some(winner)), "{error}");
    release(guard).await;
}

/// What [`check_name`](crate::lock::check_name) refuses is refused.
pub async fn refuses_what_is_no_name(fixture: impl Fixture) {
    for name in ["", "../shop", "Shop", "a/b", "a..b", "-a"] {
        refused(fixture.lock().acquire(name, "runner-1").await, ErrorKind::InvalidInput, name);
    }
}
