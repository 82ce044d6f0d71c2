//! Killed anywhere, run again, it converges.

use std::collections::BTreeMap;

use deploy_core::manifest::Bundle;
use deploy_core::outcome::Status;

use crate::world::{State, World, bundle, state};

const BEFORE: [(&str, &str); 2] = [("a", "1"), ("b", "1")];

/// What stands after `bundle` was deployed over `before`; a bad one leaves no trace.
fn after(before: &State, bundle: &[(&str, &str)]) -> State {
    if is_bad(bundle) {
        return before.clone();
    }
    before.clone().into_iter().chain(state(bundle)).collect::<BTreeMap<_, _>>()
}

fn is_bad(bundle: &[(&str, &str)]) -> bool {
    bundle.iter().any(|(_, value)| value.contains("bad"))
}

/// A run of `first` dies at each of its steps in turn; then, if `twice`, the run after it dies at each of its own; then one runs to its end.
async fn check(before: &[(&str, &str)], first: &[(&str, &str)], next: &[(&str, &str)], twice: bool) {
    let (first_bundle, next_bundle) = (bundle(first), bundle(next));
    let mut deaths = 0;
    'first: for step in 0.. {
        for second in 0.. {
            let world = World::with(before);
            world.faults.die_at(step);
            if world.faults.until_death(world.deploy(&first_bundle)).await.is_some() {
                break 'first;
            }
            let mut bases = vec![state(before)];
            if world.nothing_to_undo().await && world.state() == after(&state(before), first) {
                // It died with everything done.
                bases.push(after(&state(before), first));
            }
            world.faults.reset();
            let mut died_again = false;
            if twice {
                world.faults.die_at(second);
                died_again = world.faults.until_death(world.deploy(&next_bundle)).await.is_none();
                world.faults.reset();
            }
            let context = format!("{first:?} died at {step}, {next:?} at {second} ({died_again})");
            converge(&world, &next_bundle, next, &bases, &context).await;
            deaths += 1;
            if !died_again {
                break;
            }
        }
    }
    assert!(deaths > 10, "only {deaths}");
}

async fn converge(world: &World, bundle: &Bundle, values: &[(&str, &str)], bases: &[State], context: &str) {
    let outcome = world.deploy(bundle).await.unwrap_or_else(|error| panic!("{context}: {error}"));
    let ends: Vec<State> = bases.iter().map(|base| after(base, values)).collect();
    assert!(ends.contains(&world.state()), "{context}: {:?} is none of {ends:?}", world.state());
    assert!(world.journal.is_empty(), "{context}: the journal is not empty");
    let expected = if is_bad(values) { Status::RolledBack } else { Status::Healthy };
    assert_eq!(outcome.status, expected, "{context}: {outcome}");
}

const GOOD: &[(&str, &str)] = &[("a", "2"), ("b", "2"), ("c-after-a", "1")];
const BAD: &[(&str, &str)] = &[("a", "2"), ("b", "bad"), ("c", "1")];
const OTHER: &[(&str, &str)] = &[("a", "3"), ("d", "1")];
const OTHER_BAD: &[(&str, &str)] = &[("a", "bad"), ("d", "1")];

#[tokio::test(start_paused = true)]
async fn the_same_bundle_again() {
    check(&BEFORE, GOOD, GOOD, false).await;
    check(&BEFORE, BAD, BAD, false).await;
}

#[tokio::test(start_paused = true)]
async fn another_bundle_after_it() {
    check(&BEFORE, GOOD, OTHER, false).await;
    check(&BEFORE, GOOD, OTHER_BAD, false).await;
    check(&BEFORE, BAD, OTHER, false).await;
    check(&BEFORE, BAD, OTHER_BAD, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_install() {
    for first in [GOOD, BAD] {
        for next in [first, OTHER, OTHER_BAD] {
            check(&[], first, next, false).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_twice() {
    check(&BEFORE, GOOD, GOOD, true).await;
    check(&BEFORE, BAD, OTHER, true).await;
    check(&BEFORE, GOOD, OTHER_BAD, true).await;
    check(&[], BAD, BAD, true).await;
}
