//! Runs under one name: one at a time, and an interrupted one is finished or undone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::journal::{Journal, Phase};
use deploy_core::lock::Lock;
use deploy_core::manifest::Bundle;
use deploy_core::memory::MemoryTarget;
use deploy_core::outcome::Status;
use deploy_core::run::{Cancel, Run};
use deploy_core::source::Derive;

use crate::world::{World, bundle, state, timeline};

#[tokio::test(start_paused = true)]
async fn the_second_of_two_is_told_who_holds_the_lock() {
    let world = World::with(&[("a", "1")]);
    let cancel = Cancel::new();
    let (slow, run) = (bundle(&[("a", "slow")]), Run::new().named("shop").cancelled_by(cancel.clone()));
    let second = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let refused =
            world.rollout().holder("runner-2").run(&bundle(&[("a", "2")]), Run::new().named("shop")).await;
        let other =
            world.rollout().holder("runner-2").run(&bundle(&[("b", "1")]), Run::new().named("other")).await;
        cancel.cancel();
        (refused, other)
    };
    let rollout = world.rollout();
    let (first, (refused, other)) = tokio::join!(rollout.run(&slow, run), second);
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    assert_eq!(refused.holder(), Some("runner-1"));
    assert_eq!(other.unwrap().status, Status::Healthy, "another name is free");
    assert_eq!(first.unwrap().status, Status::RolledBack);
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
}

#[tokio::test(start_paused = true)]
async fn the_lock_is_free_after_any_end() {
    let world = World::with(&[("a", "1")]);
    for value in ["bad", "2"] {
        world.deploy(&bundle(&[("a", value)])).await.unwrap();
        let started = tokio::time::Instant::now();
        world.lock.acquire("shop", "next").await.unwrap().release().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO, "it had to be waited for after {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn losing_the_lock_stops_without_compensation_and_leaves_the_intent() {
    let world = World::with(&[("a", "1")]);
    let (slow, rollout) = (bundle(&[("a", "slow")]), world.rollout());
    let (result, ()) = tokio::join!(rollout.run(&slow, Run::new().named("shop")), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.lock.steal("shop", "runner-2");
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockLost);
    assert_eq!(world.state(), state(&[("a", "slow")]), "the other run decides");
    let intent = world.journal.load("shop").await.unwrap().unwrap();
    assert_eq!(intent.phase, Phase::Applying, "nothing is written without the lock, the journal neither");

    let next = world.deploy(&bundle(&[("b", "1")])).await.unwrap();
    assert_eq!(next.status, Status::Healthy);
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
}

#[tokio::test(start_paused = true)]
async fn the_same_bundle_finishes_what_was_interrupted_with_the_older_way_back() {
    let world = World::with(&[("a", "1")]);
    let slow = bundle(&[("a", "slow"), ("b", "1")]);
    let dropped = tokio::time::timeout(Duration::from_secs(3), world.deploy(&slow)).await;
    assert!(dropped.is_err());
    assert_eq!(world.state(), state(&[("a", "slow"), ("b", "1")]));

    let outcome = world.deploy(&slow).await.unwrap();
    assert!(timeline(&outcome).iter().any(|line| line.starts_with("finishing the interrupted run")));
    assert_eq!(outcome.status, Status::RolledBack, "it timed out again");
    assert_eq!(world.state(), state(&[("a", "1")]), "also what the first run created is gone");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_only_tells_of_an_interrupted_one() {
    let world = World::with(&[("a", "1")]);
    let dropped = tokio::time::timeout(Duration::from_secs(3), world.deploy(&bundle(&[("a", "slow")]))).await;
    assert!(dropped.is_err());
    let outcome =
        world.rollout().dry_run(true).run(&bundle(&[("b", "1")]), Run::new().named("shop")).await.unwrap();
    assert_eq!(
        timeline(&outcome),
        [
            "warning: an interrupted run stands in the journal: a real run undoes it first",
            "plan: 1 to create, 0 to change, 0 unchanged",
        ]
    );
    assert_eq!(world.state(), state(&[("a", "slow")]));
    assert!(!world.journal.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_journal_stops_the_run_and_stays() {
    let world = World::with(&[("a", "1")]);
    world.journal.put_bytes("shop", "{}");
    let error = world.deploy(&bundle(&[("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.state(), state(&[("a", "1")]));
    assert!(!world.journal.is_empty());
}

/// An object that cannot be deleted does not keep later bundles away, and is not forgotten either.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_stays_for_the_next_run() {
    let world = World::with(&[]);
    let dropped = tokio::time::timeout(Duration::from_secs(3), world.deploy(&bundle(&[("x", "slow")]))).await;
    assert!(dropped.is_err());

    // load, save, the call of rollback, and there the object: steps 0-1, 2-3, 4, 5.
    world.faults.reset();
    world.faults.fail_at(5, ErrorKind::Forbidden);
    let outcome = world.deploy(&bundle(&[("a", "1")])).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy);
    assert_eq!(world.state(), state(&[("a", "1"), ("x", "slow")]));
    let left =
        "warning: still left by an interrupted run, for the next one to undo: ConfigMap shop/x".to_owned();
    assert!(timeline(&outcome).contains(&left), "{:?}", timeline(&outcome));

    world.faults.reset();
    assert_eq!(world.deploy(&bundle(&[("a", "1")])).await.unwrap().status, Status::Healthy);
    assert_eq!(world.state(), state(&[("a", "1")]));
    assert!(world.journal.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_was_interrupted_is_gone_to_its_end_first() {
    let world = World::with(&[("a", "1")]);
    let bad = bundle(&[("a", "bad"), ("b", "1")]);
    let mut undone = 0;
    for step in 0.. {
        world.faults.reset();
        world.faults.die_at(step);
        if world.faults.until_death(world.deploy(&bad)).await.is_some() {
            break;
        }
        world.faults.reset();
        let going_back = world
            .journal
            .load("shop")
            .await
            .unwrap()
            .is_some_and(|intent| intent.phase == Phase::RollingBack);
        let outcome = world.deploy(&bad).await.unwrap();
        let lines = timeline(&outcome);
        let undo = lines.iter().position(|line| line.starts_with("undoing the interrupted run"));
        assert_eq!(undo.is_some(), going_back, "step {step}: {lines:?}");
        if let Some(undo) = undo {
            let (back, plan) = (
                lines.iter().position(|line| line == "the old state is back"),
                lines.iter().position(|line| line.starts_with("plan:")),
            );
            assert!(Some(undo) < back && back < plan, "step {step}: {lines:?}");
            undone += 1;
        }
    }
    assert!(undone > 5, "only {undone}");
}

/// What stood before the first of several failed runs is where all of them go back to.
#[tokio::test(start_paused = true)]
async fn the_oldest_sight_of_an_object_is_the_way_back() {
    let world = World::with(&[("x", "1")]);
    let dropped = tokio::time::timeout(Duration::from_secs(3), world.deploy(&bundle(&[("x", "slow")]))).await;
    assert!(dropped.is_err());

    // The undoing of x is refused (as above), then the next bundle fails on its own.
    world.faults.reset();
    world.faults.fail_at(5, ErrorKind::Forbidden);
    let outcome = world.deploy(&bundle(&[("x", "bad")])).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(world.state(), state(&[("x", "1")]));
}

#[tokio::test(start_paused = true)]
async fn a_healthy_run_whose_journal_was_not_cleared_is_never_undone() {
    // Every call of the run is refused once in turn, the clearing of the journal among them.
    let steps = {
        let world = World::with(&[]);
        world.deploy(&bundle(&[("precious", "1")])).await.unwrap();
        world.faults.steps()
    };
    for step in 0..steps {
        let world = World::with(&[]);
        world.faults.fail_at(step, ErrorKind::Forbidden);
        let kept = [Status::Healthy, Status::Incomplete];
        let healthy = world
            .deploy(&bundle(&[("precious", "1")]))
            .await
            .is_ok_and(|outcome| kept.contains(&outcome.status));
        world.faults.reset();
        let outcome = world.deploy(&bundle(&[("other", "1")])).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(world.state().contains_key("precious"), healthy, "call {step} was refused");
        assert!(world.journal.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_derived_bundle_is_made_once_an_interrupted_run_is_undone() {
    let world = World::with(&[("a", "1")]);
    let slow = bundle(&[("a", "slow")]);
    let run = world.rollout();
    let killed = tokio::time::timeout(Duration::from_secs(5), run.run(&slow, Run::new().named("shop"))).await;
    assert!(killed.is_err(), "it waits until it is killed");
    assert_eq!(world.state(), state(&[("a", "slow")]));
    let next = Run::new().named("shop");
    let outcome = world.rollout().run_derived(&AndB(world.target.clone()), next).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
    assert!(world.journal.is_empty());
}

/// What stands, and `b` with it.
struct AndB(Arc<MemoryTarget>);

#[async_trait]
impl Derive for AndB {
    async fn derive(&self) -> Result<Bundle> {
        let more = bundle(&[("b", "1")]).objects().to_vec();
        Bundle::builder().objects(self.0.objects().into_iter().chain(more)).build()
    }
}
