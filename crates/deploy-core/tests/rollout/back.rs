//! The way back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::evidence::Evidence;
use deploy_core::guard::Answer;
use deploy_core::manifest::Bundle;
use deploy_core::memory::{FixedCheck, MemoryTarget};
use deploy_core::outcome::{Cause, Status};
use deploy_core::plan::{Plan, Snapshot};
use deploy_core::rollout::Rollout;
use deploy_core::run::{Cancel, DeploymentId, OnFailure, Policy, Run};
use deploy_core::target::{Applied, Observation, Restored, Revision, RolloutTarget, TargetCapabilities};

use crate::world::{On, World, bundle, config_map, state, timeline};

#[tokio::test(start_paused = true)]
async fn a_failure_is_undone_with_cause_evidence_and_events_in_order() {
    let world = World::with(&[("a", "1"), ("b", "1")]);
    let outcome = world.deploy(&bundle(&[("a", "bad"), ("b", "2"), ("c", "1")])).await.unwrap();

    assert_eq!(outcome.status, Status::RolledBack);
    let Some(Cause::Failed { failures }) = &outcome.cause else { panic!("{:?}", outcome.cause) };
    assert_eq!(failures[0].object.to_string(), "ConfigMap shop/a");
    assert_eq!(outcome.evidence.events[0].message, "its value is bad");
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
    assert!(world.journal.is_empty());
    assert_eq!(
        timeline(&outcome),
        [
            "asking for the lock of \"shop\"",
            "plan: 1 to create, 2 to change, 0 unchanged",
            "ConfigMap shop/a changed",
            "ConfigMap shop/b changed",
            "ConfigMap shop/c created",
            "ConfigMap shop/a: ConfigMap shop/a is stalled: its value is bad",
            "ConfigMap shop/b is healthy",
            "ConfigMap shop/c is healthy",
            "rolling back: ConfigMap shop/a: ConfigMap shop/a is stalled: its value is bad",
            "ConfigMap shop/c deleted, as before",
            "ConfigMap shop/b restored",
            "ConfigMap shop/a restored",
            "ConfigMap shop/b is healthy",
            "ConfigMap shop/a is healthy",
            "the old state is back",
        ]
    );
    assert!(outcome.to_string().starts_with("rolled back after 0.0 s: ConfigMap shop/a: "), "{outcome}");
}

#[tokio::test(start_paused = true)]
async fn a_first_install_that_fails_leaves_nothing() {
    let world = World::with(&[]);
    let outcome = world.deploy(&bundle(&[("a", "1"), ("b", "bad")])).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(world.state(), state(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_gate_between_stages_that_fails_halts_the_rest() {
    let world = World::with(&[]);
    let outcome = world.deploy(&bundle(&[("a", "bad"), ("b-after-a", "1")])).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert!(
        !timeline(&outcome).iter().any(|line| line.contains("b-after-a created")),
        "{:?}",
        timeline(&outcome)
    );
    assert_eq!(world.state(), state(&[]));
}

#[tokio::test(start_paused = true)]
async fn out_of_time_is_undone_and_says_what_was_waited_for() {
    let world = World::with(&[("a", "1")]);
    let policy = Policy::default().timeout(Duration::from_secs(60));
    let run = Run::new().named("shop").policy(policy);
    let outcome = world.rollout().run(&bundle(&[("a", "slow")]), run).await.unwrap();

    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(outcome.took.as_secs(), 60);
    let Some(Cause::TimedOut { waiting }) = &outcome.cause else { panic!("{:?}", outcome.cause) };
    assert_eq!(waiting[0].progress, "0 of 1 is ready");
    assert_eq!(outcome.evidence.events[0].reason, "NotReady");
    assert!(timeline(&outcome).contains(&"timed out waiting for ConfigMap shop/a".to_owned()));
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn an_old_state_that_is_not_healthy_is_a_failed_way_back_within_its_bound() {
    let world = World::with(&[("a", "slow")]);
    let policy = Policy::default().rollback_timeout(Duration::from_secs(30));
    let run = Run::new().named("shop").policy(policy);
    let outcome = world.rollout().run(&bundle(&[("a", "bad")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::RollbackFailed);
    assert_eq!(outcome.took.as_secs(), 30);
    assert!(matches!(outcome.rollback.unwrap().unhealthy, Some(Cause::TimedOut { .. })));
    assert_eq!(world.state(), state(&[("a", "slow")]), "all is as it was");
    assert!(world.journal.is_empty(), "nothing is left to bring back");
}

#[tokio::test(start_paused = true)]
async fn cancelled_while_it_writes_is_compensated() {
    let world = World::with(&[("a", "1"), ("b", "1")]);
    let cancel = Cancel::new();
    let at_first_write = {
        let cancel = cancel.clone();
        On(move |event: &EventKind| {
            if matches!(event, EventKind::Applied { .. }) {
                cancel.cancel();
            }
        })
    };
    let run = Run::new().named("shop").cancelled_by(cancel).observer(Arc::new(at_first_write));
    let outcome = world.rollout().run(&bundle(&[("a", "2"), ("b", "2")]), run).await.unwrap();

    assert_eq!(outcome.status, Status::RolledBack);
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)));
    let lines = timeline(&outcome);
    assert!(!lines.contains(&"ConfigMap shop/b changed".to_owned()), "it went on writing: {lines:?}");
    assert!(lines.contains(&"cancelled".to_owned()), "{lines:?}");
    assert_eq!(world.state(), state(&[("a", "1"), ("b", "1")]));
    assert!(world.journal.is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancelled_while_it_waits_is_compensated_at_once() {
    let world = World::with(&[("a", "1")]);
    let cancel = Cancel::new();
    let (slow, run) = (bundle(&[("a", "slow")]), Run::new().named("shop").cancelled_by(cancel.clone()));
    let (rollout, sleep) = (world.rollout(), tokio::time::sleep(Duration::from_secs(7)));
    let (outcome, ()) = tokio::join!(rollout.run(&slow, run), async {
        sleep.await;
        cancel.cancel();
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(outcome.took.as_secs(), 7);
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)));
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn left_as_it_is_where_asked() {
    let world = World::with(&[("a", "1")]);
    let run = Run::new().named("shop").policy(Policy::default().on_failure(OnFailure::Leave));
    let outcome = world.rollout().run(&bundle(&[("a", "bad")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.rollback.is_none());
    assert!(!outcome.evidence.is_empty());
    assert_eq!(world.state(), state(&[("a", "bad")]));
    assert!(world.journal.is_empty(), "the next run must not undo what was to be left");
}

#[tokio::test(start_paused = true)]
async fn a_checks_no_is_undone() {
    let world = World::with(&[("a", "1")]);
    let check = FixedCheck::new("curl /version", Answer::No { why: "it still answers v1".into() });
    let rollout = world.rollout().check(Arc::new(check));
    let outcome = rollout.run(&bundle(&[("a", "2")]), Run::new().named("shop")).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(outcome.cause.unwrap().to_string(), "check curl /version: it still answers v1");
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_wrote_since_is_left_theirs() {
    let world = World::with(&[("a", "1")]);
    let target = world.target.clone();
    let meddle = On(move |event: &EventKind| {
        if matches!(event, EventKind::RollingBack { .. }) {
            target.put(config_map("a", "theirs"));
        }
    });
    let run = Run::new().named("shop").observer(Arc::new(meddle));
    let outcome = world.rollout().run(&bundle(&[("a", "2"), ("b", "bad")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(outcome.rollback.unwrap().notes.len(), 1);
    assert_eq!(world.state(), state(&[("a", "theirs")]));
}

/// Every single call in turn is refused once: whatever is left is said and stays in the journal, and the next run brings it back.
#[tokio::test(start_paused = true)]
async fn each_call_that_fails_leaves_a_state_that_the_next_run_repairs() {
    let before = [("a", "1"), ("b", "1")];
    let mut statuses = Vec::new();
    for step in 0.. {
        let world = World::with(&before);
        world.faults.fail_at(step, ErrorKind::Forbidden);
        let result = world.deploy(&bundle(&[("a", "2"), ("b", "bad"), ("c-after-a", "1")])).await;
        if world.faults.steps() <= step {
            break;
        }
        match &result {
            Err(_) => assert_eq!(world.state(), state(&before), "step {step}"),
            Ok(outcome) => match outcome.status {
                Status::RolledBack => assert_eq!(world.state(), state(&before), "step {step}"),
                Status::RollbackFailed => {
                    assert!(!world.journal.is_empty() || world.state() == state(&before), "step {step}");
                }
                other => panic!("step {step}: {other:?}"),
            },
        }
        statuses.push(
            result
                .ok()
                .map(|outcome| (outcome.status, outcome.rollback.is_some_and(|back| !back.left.is_empty()))),
        );

        world.faults.reset();
        let next = world.deploy(&bundle(&[("d", "1")])).await.unwrap();
        assert_eq!(next.status, Status::Healthy, "step {step}");
        assert_eq!(world.state(), state(&[("a", "1"), ("b", "1"), ("d", "1")]), "step {step}");
        assert!(world.journal.is_empty(), "step {step}");
    }
    for expected in [
        None,
        Some((Status::RolledBack, false)),
        Some((Status::RollbackFailed, false)),
        Some((Status::RollbackFailed, true)),
    ] {
        assert!(statuses.contains(&expected), "{expected:?} is not among {statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn out_of_time_between_two_stages_says_what_was_waited_for_too() {
    for _ in 0..20 {
        let world = World::with(&[("a", "1")]);
        let outcome = world.deploy(&bundle(&[("a", "slow"), ("b-after-a", "1")])).await.unwrap();
        assert_eq!(outcome.status, Status::RolledBack);
        assert!(matches!(outcome.cause, Some(Cause::TimedOut { .. })), "{:?}", outcome.cause);
        assert_eq!(world.state(), state(&[("a", "1")]));
    }
}

/// Writes for as long as it is let.
struct Endless(MemoryTarget);

#[async_trait]
impl RolloutTarget for Endless {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> TargetCapabilities {
        self.0.capabilities()
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        self.0.plan(bundle, run).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        self.0.apply(plan, run).await?;
        run.cancel().cancelled().await;
        Err(Error::new(ErrorKind::Cancelled, "cancelled"))
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        self.0.observe(applied, run).await
    }

    async fn rollback(&self, before: &Snapshot, written_by: &[DeploymentId], run: &Run) -> Result<Restored> {
        self.0.rollback(before, written_by, run).await
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        self.0.history().await
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        self.0.diagnose(applied, observation, run).await
    }
}

#[tokio::test(start_paused = true)]
async fn writing_that_takes_too_long_is_undone() {
    let target = Arc::new(Endless(MemoryTarget::new()));
    target.0.put(config_map("a", "1"));
    let run = Run::new().policy(Policy::default().timeout(Duration::from_secs(60)));
    let outcome = Rollout::new(target.clone()).run(&bundle(&[("a", "2")]), run).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(outcome.took.as_secs(), 61);
    assert_eq!(outcome.cause.unwrap().to_string(), "apply: not everything was written within 60 s");
    assert_eq!(target.0.objects()[0].get("/data/value"), Some(&"1".into()));
}
