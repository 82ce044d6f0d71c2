//! Targets whose way back stands in the revisions they record.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::guard::Answer;
use deploy_core::memory::{FixedCheck, FixedGate, MemoryTarget};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_core::run::{OnFailure, Policy, Run};
use deploy_core::target::RolloutTarget;

use crate::world::{World, bundle, state};

fn world() -> World {
    World::of(MemoryTarget::new().with_revisions().without_snapshots(), &[])
}

impl World {
    /// The revisions, newest first, as in `2 deployed`.
    async fn revisions(&self) -> Vec<String> {
        let history = self.target.history().await.unwrap();
        history.iter().map(|revision| format!("{} {}", revision.number, revision.status)).collect()
    }

    async fn go_back_to(&self, revision: Option<u64>) -> Outcome {
        self.rollout().run_revision(revision, Run::new().named("shop")).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_recorded_and_the_revision_before_rolled_out_again() {
    let world = world();
    let outcome = world.deploy(&bundle(&[("a", "1"), ("b", "1")])).await.unwrap();
    assert_eq!((outcome.status, outcome.revision), (Status::Healthy, Some(1)));
    let outcome = world.deploy(&bundle(&[("a", "bad"), ("c", "1")])).await.unwrap();
    assert_eq!((outcome.status, outcome.revision), (Status::RolledBack, Some(2)));
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
    assert_eq!(world.revisions().await, ["3 deployed", "2 failed", "1 superseded"]);
    let failed = world.target.history().await.unwrap().remove(1);
    assert!(failed.description.contains("its value is bad"), "{failed:?}");
    assert!(world.nothing_to_undo().await);
}

#[tokio::test(start_paused = true)]
async fn what_there_was_before_a_first_one_is_nothing() {
    let world = world();
    let outcome = world.deploy(&bundle(&[("a", "bad")])).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(world.state(), state(&[]));
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_left_is_recorded_as_failed() {
    let world = world();
    world.deploy(&bundle(&[("a", "1")])).await.unwrap();
    let run = Run::new().named("shop").policy(Policy::default().on_failure(OnFailure::Leave));
    let outcome = world.rollout().run(&bundle(&[("a", "bad")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::Failed);
    assert_eq!(world.state(), state(&[("a", "bad")]));
    assert_eq!(world.revisions().await, ["2 failed", "1 deployed"]);
    // The next one starts from what was good.
    world.deploy(&bundle(&[("a", "slow")])).await.unwrap();
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_fails_is_told() {
    let world = world();
    world.deploy(&bundle(&[("a", "1")])).await.unwrap();
    world.faults.reset();
    world.deploy(&bundle(&[("a", "bad")])).await.unwrap();
    for step in 0..world.faults.steps() {
        let world = self::world();
        world.deploy(&bundle(&[("a", "1")])).await.unwrap();
        world.faults.reset();
        world.faults.fail_at(step, ErrorKind::Unavailable);
        let Ok(outcome) = world.deploy(&bundle(&[("a", "bad")])).await else { continue };
        let report = outcome.rollback.unwrap();
        assert_eq!(outcome.status == Status::RollbackFailed, report.unhealthy.is_some(), "step {step}");
        world.faults.reset();
        world.deploy(&bundle(&[("a", "2")])).await.unwrap();
        assert_eq!(world.state(), state(&[("a", "2")]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_says_no_is_gone_back_on_though_nothing_was_written() {
    let world = world();
    world.deploy(&bundle(&[("a", "1")])).await.unwrap();
    let no = world
        .rollout()
        .check(Arc::new(FixedCheck::new("smoke", Answer::No { why: "the shop does not answer".into() })));
    let outcome = no.run(&bundle(&[("a", "1")]), Run::new().named("shop")).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(world.revisions().await, ["3 deployed", "2 failed", "1 superseded"]);
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_rolled_out_like_a_bundle() {
    let world = world();
    for value in ["1", "2", "3"] {
        world.deploy(&bundle(&[("a", value)])).await.unwrap();
    }
    assert_eq!(world.go_back_to(None).await.status, Status::Healthy);
    assert_eq!(world.state(), state(&[("a", "2")]));
    assert_eq!(world.go_back_to(Some(1)).await.revision, Some(5));
    assert_eq!(world.state(), state(&[("a", "1")]));
    let run = || Run::new().named("shop");
    let error = world.rollout().run_revision(Some(9), run()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let gate = Arc::new(FixedGate::new("calendar", Answer::No { why: "not today".into() }));
    let error = world.rollout().gate(gate).run_revision(Some(3), run()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let planned = world.rollout().dry_run(true).run_revision(Some(3), run()).await.unwrap();
    assert_eq!(planned.status, Status::Planned);
    assert_eq!(world.state(), state(&[("a", "1")]));
    assert_eq!(world.revisions().await.len(), 5);
    let without = Rollout::new(Arc::new(MemoryTarget::new())).run_revision(None, run()).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Unsupported);
}

/// Killed anywhere, run again, it converges.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_it_converges() {
    for wanted in ["2", "bad"] {
        for step in 0.. {
            let world = world();
            world.deploy(&bundle(&[("a", "1"), ("b", "1")])).await.unwrap();
            world.faults.reset();
            world.faults.die_at(step);
            let wanted = bundle(&[("a", wanted), ("c", "1")]);
            if world.faults.until_death(world.deploy(&wanted)).await.is_some() {
                assert!(step > 10, "only {step}");
                break;
            }
            world.faults.reset();
            let outcome = world.deploy(&bundle(&[("a", "3")])).await.unwrap();
            assert_eq!(outcome.status, Status::Healthy, "step {step}");
            assert_eq!(world.state(), state(&[("a", "3")]), "step {step}");
            let deployed = world.revisions().await.iter().filter(|line| line.ends_with("deployed")).count();
            assert_eq!(deployed, 1, "step {step}");
        }
    }
}
