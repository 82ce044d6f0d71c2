//! A far side that drives: it decides and undoes, and the driver only follows.

use std::sync::Arc;

use deploy_core::guard::Answer;
use deploy_core::memory::{FixedCheck, MemoryTarget};
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::{OnFailure, Policy, Run};

use crate::world::{World, bundle, state, timeline};

fn world(before: &[(&str, &str)]) -> World {
    World::of(MemoryTarget::new().driven_remotely(), before)
}

#[tokio::test(start_paused = true)]
async fn what_it_undid_is_not_undone_again() {
    let world = world(&[("a", "1")]);
    for value in ["bad", "slow"] {
        let outcome = world.deploy(&bundle(&[("a", value), ("b-after-a", "1")])).await.unwrap();
        assert_eq!(outcome.status, Status::RolledBack);
        let back = outcome.rollback.as_ref().expect("the far side says what its way back came to");
        assert!(back.left.is_empty() && back.unhealthy.is_none());
        assert!(
            !timeline(&outcome).iter().any(|line| line.starts_with("rolling back")),
            "{:?}",
            timeline(&outcome)
        );
        assert!(!outcome.evidence.is_empty());
        assert_eq!(world.state(), state(&[("a", "1")]));
        assert!(world.journal.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_leaves_is_left() {
    let world = world(&[("a", "1")]);
    let run = Run::new().named("shop").policy(Policy::default().on_failure(OnFailure::Leave));
    let outcome = world.rollout().run(&bundle(&[("a", "bad")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::Failed);
    assert_eq!(world.state(), state(&[("a", "bad")]));
}

#[tokio::test(start_paused = true)]
async fn it_keeps_its_own_way_back_and_nothing_is_journaled() {
    let world = world(&[("a", "1")]);
    let dropped =
        tokio::time::timeout(std::time::Duration::from_secs(3), world.deploy(&bundle(&[("a", "slow")])))
            .await;
    assert!(dropped.is_err());
    assert!(world.journal.is_empty());
    let outcome = world.deploy(&bundle(&[("a", "2")])).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy);
    assert_eq!(world.state(), state(&[("a", "2")]));
}

#[tokio::test(start_paused = true)]
async fn what_it_found_healthy_and_a_check_did_not_is_gone_back_from() {
    for revisions in [true, false] {
        let target = MemoryTarget::new().driven_remotely();
        let world = World::of(if revisions { target.with_revisions() } else { target }, &[]);
        assert_eq!(world.deploy(&bundle(&[("a", "1")])).await.unwrap().status, Status::Healthy);
        let run = Run::new().named("shop");
        let outcome = world
            .rollout()
            .check(Arc::new(FixedCheck::new("shop answers", Answer::No { why: "it answers 500".to_owned() })))
            .run(&bundle(&[("a", "2")]), run)
            .await
            .unwrap();
        assert!(matches!(outcome.cause, Some(Cause::Refuted { .. })), "{outcome}");
        // Without a record there is no way back that the driver knows.
        let (status, value) = if revisions { (Status::RolledBack, "1") } else { (Status::Failed, "2") };
        assert_eq!((outcome.status, world.state()), (status, state(&[("a", value)])));
    }
}
