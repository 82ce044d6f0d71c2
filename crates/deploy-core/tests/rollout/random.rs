//! Any runs, failing and dying anywhere, and one good run after them: nothing of what never became healthy is left.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::{Cancel, Run};
use proptest::prelude::*;

use crate::world::{World, bundle, state};

const NAMES: [&str; 5] = ["a", "b", "c", "d-after-a", "e-after-b"];

#[derive(Clone, Debug)]
struct Attempt {
    /// For each name whether it is in the bundle, and how it comes out.
    values: Vec<Option<&'static str>>,
    /// Take the bundle of the attempt before instead.
    again: bool,
    faults: Vec<(usize, Option<ErrorKind>)>,
    cancel_after: Option<u64>,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let value = prop_oneof![4 => Just(None), 5 => Just(Some("good")), 1 => Just(Some("bad")), 1 => Just(Some("slow"))];
    let kind = prop_oneof![
        2 => Just(None),
        1 => Just(Some(ErrorKind::Forbidden)),
        1 => Just(Some(ErrorKind::Unavailable)),
        1 => Just(Some(ErrorKind::OutcomeUnknown)),
    ];
    let faults = proptest::collection::vec((0_usize..50, kind), 0..3);
    let cancel_after = proptest::option::weighted(0.2, 0_u64..400);
    let attempt =
        (proptest::collection::vec(value, NAMES.len()), proptest::bool::weighted(0.4), faults, cancel_after);
    let attempt = attempt.prop_map(|(values, again, faults, cancel_after)| Attempt {
        values,
        again,
        faults,
        cancel_after,
    });
    proptest::collection::vec(attempt, 1..5)
}

/// The bundle of an attempt; what an object needs is always with it.
fn values(attempt: &Attempt, number: usize) -> Vec<(&'static str, String)> {
    let mut values: Vec<_> = NAMES
        .iter()
        .zip(&attempt.values)
        .filter_map(|(name, value)| Some((*name, format!("{}{number}", (*value)?))))
        .collect();
    for needed in ["a", "b"] {
        let wanted = values.iter().any(|(name, _)| name.ends_with(&format!("-after-{needed}")));
        if wanted && values.iter().all(|(name, _)| *name != needed) {
            values.push((needed, format!("good{number}")));
        }
    }
    values
}

async fn check(before: &[bool], attempts: &[Attempt]) {
    let before: Vec<_> =
        NAMES.iter().zip(before).filter(|(_, there)| **there).map(|(name, _)| (*name, "first")).collect();
    let world = World::with(&before);
    let mut allowed: BTreeSet<String> = BTreeSet::from(["first".to_owned(), "last".to_owned()]);
    let mut wanted = Vec::new();
    for (number, attempt) in attempts.iter().enumerate() {
        if !attempt.again || wanted.is_empty() {
            wanted = values(attempt, number);
        }
        let pairs: Vec<_> = wanted.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (wanted_bundle, cancel) = (bundle(&pairs), Cancel::new());
        let (clean, at_start) = (world.nothing_to_undo().await, world.state());
        world.faults.reset();
        for (step, kind) in &attempt.faults {
            match kind {
                Some(kind) => world.faults.fail_at(*step, *kind),
                None => world.faults.die_at(*step),
            }
        }
        let rollout = world.rollout();
        let run = rollout.run(&wanted_bundle, Run::new().named("shop").cancelled_by(cancel.clone()));
        let result = tokio::select! {
            result = world.faults.until_death(run) => result,
            never = cancel_later(attempt.cancel_after, &cancel) => match never {},
        };
        let all_stands = state(&pairs).iter().all(|(name, value)| world.state().get(name) == Some(value));
        let to_undo = world.to_undo().await;
        let completed = match &result {
            // It may have died while it left to the next run what the one before left to it.
            None => all_stands && wanted.iter().all(|(name, _)| !to_undo.contains(*name)),
            Some(Ok(outcome)) => matches!(outcome.status, Status::Healthy | Status::Incomplete),
            Some(Err(_)) => false,
        };
        if completed {
            assert!(all_stands, "healthy, but {pairs:?} does not stand: {:?}", world.state());
            allowed.extend(wanted.iter().map(|(_, value)| value.clone()));
        }
        let back = match &result {
            Some(Ok(outcome)) => outcome.status == Status::RolledBack,
            Some(Err(_)) => true,
            None => false,
        };
        if clean && back {
            assert_eq!(world.state(), at_start, "{result:?}");
        }
    }
    world.faults.reset();
    let outcome = world.deploy(&bundle(&[("z", "last")])).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(world.journal.is_empty());
    let end = world.state();
    assert_eq!(end.get("z").map(String::as_str), Some("last"));
    assert!(before.iter().all(|(name, _)| end.contains_key(*name)), "deleted what was not ours: {end:?}");
    assert!(end.values().all(|value| allowed.contains(value)), "{end:?} holds more than {allowed:?}");
}

/// Cancels, and never returns.
async fn cancel_later(after: Option<u64>, cancel: &Cancel) -> Infallible {
    if let Some(seconds) = after {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        cancel.cancel();
    }
    std::future::pending().await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn converges(before in proptest::collection::vec(any::<bool>(), NAMES.len()), attempts in attempts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(&before, &attempts));
    }
}
