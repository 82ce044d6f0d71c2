//! A far side that drives: it decides and undoes, and the driver only follows.

use deploy_core::memory::MemoryTarget;
use deploy_core::outcome::Status;
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
        assert!(outcome.rollback.is_none(), "the driver took no way back");
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
