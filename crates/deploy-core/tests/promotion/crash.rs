//! Killed at any step, run again, it converges.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use deploy_core::error::ErrorKind;
use deploy_core::journal::{Journal, Phase};
use deploy_core::promotion::Status;
use deploy_core::run::Run;

use crate::world::World;

/// In each environment the same is written down and runs, nothing is half done, what failed is held, and each run is recorded.
pub(crate) async fn converged(world: &World, context: &str) {
    for place in [&world.dev, &world.production] {
        let (says, runs) = (place.says().await, place.runs());
        assert_eq!(says, runs, "{context}: {} says and runs", place.name);
        let runs = runs.unwrap();
        assert!(!runs.contains("-bad"), "{context}: {runs} runs in {}", place.name);
        for name in [format!("shop-{}", place.name), format!("shop-{}.promotion", place.name)] {
            let left = place.journal.load(&name).await.unwrap().filter(|intent| intent.phase != Phase::Done);
            assert!(left.is_none(), "{context}: {name} is half done: {left:?}");
        }
    }
}

/// What is there when the next run comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Same,
    Newer,
    Held,
    Closed,
}

async fn check(tag: &str, next: Next, twice: bool) {
    let mut deaths = 0;
    'first: for step in 0.. {
        // Of two deaths not each pair: at each step the second ones are others.
        for second in (step % 7..).step_by(7) {
            let world = World::new().await;
            world.push(tag);
            world.faults.die_at(step);
            if world.faults.until_death(world.promotion().run(Run::new())).await.is_some() {
                break 'first;
            }
            world.faults.reset();
            deaths += 1;
            match next {
                Next::Same => {}
                Next::Newer => world.push("v3.0.0"),
                Next::Held => {
                    world.dev.hold(tag).await;
                    world.production.hold(tag).await;
                }
                Next::Closed => world.gate.closed.store(true, Ordering::Relaxed),
            }
            let mut died = false;
            if twice {
                world.faults.die_at(second);
                died = world.faults.until_death(world.promotion().run(Run::new())).await.is_none();
                world.faults.reset();
            }
            let context = format!("{tag} died at {step}, then {next:?} at {second} ({died})");
            end(&world, tag, next, &context).await;
            if !died {
                break;
            }
        }
    }
    assert!(deaths > 40, "only {deaths}");
}

async fn end(world: &World, tag: &str, next: Next, context: &str) {
    let promoted = match world.promotion().run(Run::new()).await {
        Ok(promoted) => promoted,
        // It had come through before it was held, and going back to something older takes a person.
        Err(error) if next == Next::Held && error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{context}: {error}"),
    };
    converged(world, context).await;
    let bad = tag.contains("-bad");
    let (dev, production) = (world.dev.runs().unwrap(), world.production.runs().unwrap());
    let old = || "v1.0.0".to_owned();
    match next {
        Next::Newer => assert_eq!((dev.as_str(), production.as_str()), ("v3.0.0", "v3.0.0"), "{context}"),
        Next::Same if bad => assert_eq!((&dev, &production), (&old(), &old()), "{context}"),
        Next::Same => assert_eq!((dev.as_str(), production.as_str()), (tag, tag), "{context}"),
        // It may have come through before it was held, or the gate closed.
        Next::Held | Next::Closed => {
            for runs in [&dev, &production] {
                assert!(*runs == old() || (!bad && runs == tag), "{context}: {runs}");
            }
        }
    }
    if bad && next == Next::Same {
        assert_eq!(world.dev.held().await, [tag], "{context}");
    }
    if next == Next::Closed && production == old() && dev == tag {
        assert_eq!(promoted.last().unwrap().status, Status::Refused, "{context}");
    }
    recorded(world, tag, next, context);
}

/// What runs is recorded, and nothing as two runs.
fn recorded(world: &World, tag: &str, next: Next, context: &str) {
    for place in [&world.dev, &world.production] {
        let runs = place.runs().unwrap();
        let of_place =
            |record: &&deploy_core::audit::AuditRecord| record.environment.as_deref() == Some(place.name);
        let records = world.audit.records();
        let promotions = records.iter().filter(of_place).filter(|record| record.action == "promote");
        let of = |wanted: &str| {
            let of_tag =
                promotions.clone().filter(|record| record.to.as_deref() == Some(&format!("api {wanted}")));
            let runs =
                of_tag.map(|record| record.facts.iter().find(|(name, _)| name == "run").unwrap().1.clone());
            runs.collect::<BTreeSet<_>>().len()
        };
        if runs != "v1.0.0" {
            assert_eq!(of(&runs), 1, "{context}: {records:#?}");
        }
        if runs == "v1.0.0" && tag.contains("-bad") && next == Next::Same {
            assert_eq!(of(tag), 0, "{context}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn run_again() {
    check("v2.0.0", Next::Same, false).await;
    check("v2.0.0-bad", Next::Same, false).await;
}

#[tokio::test(start_paused = true)]
async fn something_newer_came() {
    check("v2.0.0", Next::Newer, false).await;
    check("v2.0.0-bad", Next::Newer, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_person_holds_it_meanwhile() {
    check("v2.0.0", Next::Held, false).await;
    check("v2.0.0-bad", Next::Held, false).await;
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_closed_meanwhile() {
    check("v2.0.0", Next::Closed, false).await;
}

#[tokio::test(start_paused = true)]
async fn killed_twice() {
    check("v2.0.0", Next::Same, true).await;
    check("v2.0.0-bad", Next::Newer, true).await;
    check("v2.0.0", Next::Held, true).await;
}

/// The run after the one that died meets an error, at each of its steps in turn; then something newer is there.
#[tokio::test(start_paused = true)]
async fn killed_and_then_an_error() {
    let mut tried = 0;
    for step in (0..).step_by(5) {
        let mut reached = false;
        for second in (step % 9..).step_by(9) {
            let world = World::new().await;
            world.push("v2.0.0-bad");
            world.faults.die_at(step);
            if world.faults.until_death(world.promotion().run(Run::new())).await.is_some() {
                break;
            }
            reached = true;
            world.faults.reset();
            world.faults.fail_at(second, ErrorKind::Unavailable);
            let _ = world.promotion().run(Run::new()).await;
            let met = world.faults.steps() > second;
            world.faults.reset();
            world.push("v3.0.0");
            let context = format!("died at {step}, an error at {second}");
            world.promotion().run(Run::new()).await.unwrap_or_else(|error| panic!("{context}: {error}"));
            converged(&world, &context).await;
            assert_eq!(world.production.runs().as_deref(), Some("v3.0.0"), "{context}");
            tried += 1;
            if !met {
                break;
            }
        }
        if !reached {
            break;
        }
    }
    assert!(tried > 40, "only {tried}");
}

/// What stood before cannot be brought back, because its registry does not answer; something newer takes its place all the same.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_back_does_not_stand_in_the_way() {
    let world = World::new().await;
    world.push("v2.0.0-bad");
    // In the midst of taking it back.
    let steps = async {
        let world = World::new().await;
        world.push("v2.0.0-bad");
        world.promotion().run(Run::new()).await.unwrap();
        world.faults.steps()
    };
    world.faults.die_at(steps.await - 6);
    assert!(world.faults.until_death(world.promotion().run(Run::new())).await.is_none());
    world.faults.reset();
    let name = "shop-dev.promotion";
    let intent = world.dev.journal.load(name).await.unwrap().unwrap();
    assert_eq!(intent.phase, Phase::RollingBack);
    world.push("v3.0.0");
    // Each of the first calls of the way back fails, one run after the other.
    for step in 4..30 {
        world.dev.journal.save(name, &intent).await.unwrap();
        world.faults.reset();
        world.faults.fail_at(step, ErrorKind::Unavailable);
        let _ = world.promotion().run(Run::new()).await;
    }
    world.faults.reset();
    world.promotion().run(Run::new()).await.unwrap();
    converged(&world, "after all").await;
    assert_eq!(world.dev.runs().as_deref(), Some("v3.0.0"));
}
