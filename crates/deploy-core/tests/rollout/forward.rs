//! The way forward, and what keeps a run from starting.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::manifest::{Bundle, read};
use deploy_core::memory::{FixedCheck, FixedGate, MemoryRegistry};
use deploy_core::outcome::Status;
use deploy_core::preflight::Preflight;
use deploy_core::run::{Cancel, Run};

use crate::world::{World, bundle, state, timeline};

fn yes() -> Answer {
    Answer::Yes { grounds: "looked at".into() }
}

fn no() -> Answer {
    Answer::No { why: "frozen until Monday".into() }
}

#[tokio::test(start_paused = true)]
async fn ends_healthy() {
    let world = World::with(&[("a", "1"), ("b", "1")]);
    let wanted = bundle(&[("a", "2"), ("b", "1"), ("c-after-a", "1")]);
    let rollout = world
        .rollout()
        .gate(Arc::new(FixedGate::new("window", yes())))
        .check(Arc::new(FixedCheck::new("curl", yes())));
    let run = Run::new().named("shop").git_revision("4f1c2d9");
    let id = run.id().clone();
    let outcome = rollout.run(&wanted, run).await.unwrap();

    assert_eq!(outcome.status, Status::Healthy);
    assert_eq!((outcome.name.as_deref(), outcome.git_revision.as_deref()), (Some("shop"), Some("4f1c2d9")));
    assert_eq!(outcome.bundle, wanted.digest().to_string());
    assert_eq!(world.state(), state(&[("a", "2"), ("b", "1"), ("c-after-a", "1")]));
    assert!(world.journal.is_empty());
    assert_eq!(
        timeline(&outcome),
        [
            "asking for the lock of \"shop\"",
            "plan: 1 to create, 1 to change, 1 unchanged",
            "ConfigMap shop/a changed",
            "ConfigMap shop/b unchanged",
            "ConfigMap shop/a is healthy",
            "ConfigMap shop/c-after-a created",
            "ConfigMap shop/a is healthy",
            "ConfigMap shop/b is healthy",
            "ConfigMap shop/c-after-a is healthy",
        ]
    );
    let stamps = world
        .target
        .objects()
        .iter()
        .map(|object| object.annotation("deploy-core/deployment-id").map(str::to_owned))
        .collect::<Vec<_>>();
    assert_eq!(stamps, [Some(id.to_string()), None, Some(id.to_string())], "only what is written is stamped");
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_healthy_and_writes_nothing() {
    let world = World::with(&[("a", "1")]);
    let before = world.target.objects();
    let outcome = world.deploy(&bundle(&[("a", "1")])).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy);
    assert_eq!(world.target.objects(), before);
}

#[tokio::test(start_paused = true)]
async fn what_stands_but_is_not_healthy_fails_and_nothing_is_written() {
    let world = World::with(&[("a", "bad")]);
    let before = world.target.objects();
    let outcome = world.deploy(&bundle(&[("a", "bad")])).await.unwrap();
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.rollback.is_none());
    assert_eq!(world.target.objects(), before);
    assert!(world.journal.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_writes_nothing_and_takes_no_lock() {
    let world = World::with(&[("a", "1")]);
    let mut held = world.rollout();
    let guard = deploy_core::lock::Lock::acquire(&world.lock, "shop", "runner-0").await.unwrap();
    held = held.dry_run(true).gate(Arc::new(FixedGate::new("window", no())));
    let outcome = held.run(&bundle(&[("a", "2"), ("b", "1")]), Run::new().named("shop")).await.unwrap();

    assert_eq!(outcome.status, Status::Planned);
    assert_eq!(outcome.objects.len(), 2);
    assert_eq!(outcome.objects[0].diff[0].to_string(), r#".data.value: "1" -> "2""#);
    assert_eq!(world.state(), state(&[("a", "1")]));
    assert!(world.journal.is_empty());
    assert_eq!(timeline(&outcome), ["plan: 1 to create, 1 to change, 0 unchanged"]);
    guard.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_gates_no_keeps_it_from_starting() {
    let world = World::with(&[("a", "1")]);
    let rollout = world.rollout().gate(Arc::new(FixedGate::new("window", no())));
    let error = rollout.run(&bundle(&[("a", "2")]), Run::new().named("shop")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.to_string(), "gate window: frozen until Monday");
    assert_eq!(world.state(), state(&[("a", "1")]));
    assert_eq!(world.faults.steps(), 0, "neither target nor journal was asked");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_keeps_it_from_starting() {
    let world = World::with(&[("a", "1")]);
    let pod = b"{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: api, image: 'shop/api:v1'}]}}";
    let pod = Bundle::builder().objects(read("pod.yaml", pod).unwrap()).build().unwrap();
    let registry = MemoryRegistry::new();
    let rollout = world.rollout().preflight(Preflight::new(Arc::new(registry.clone())));
    for dry_run in [false, true] {
        let error = rollout.clone().dry_run(dry_run).run(&pod, Run::new().named("shop")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "preflight: 1 of 1 image cannot run: shop/api:v1 of Pod a: no such image"
        );
    }
    assert_eq!(world.faults.steps(), 0, "neither target nor journal was asked");
    registry.put(&"shop/api:v1".parse().unwrap(), "4f1c2d9");
    // A run may go on in a task of its own.
    let (rollout, run) = (rollout.dry_run(true), Run::new().named("shop"));
    let outcome = tokio::spawn(async move { rollout.run(&pod, run).await }).await.unwrap().unwrap();
    assert_eq!(outcome.status, Status::Planned);
}

/// Cannot decide: at once, or never.
struct Undecided {
    answers: bool,
}

#[async_trait]
impl Gate for Undecided {
    fn describe(&self) -> String {
        "scan report".to_owned()
    }

    async fn ask(&self, _subject: &Subject) -> Result<Answer> {
        if self.answers {
            return Err(Error::new(ErrorKind::Unavailable, "no answer from the scanner"));
        }
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_errors_is_a_no_that_names_it() {
    let world = World::with(&[("a", "1")]);
    let rollout = world.rollout().gate(Arc::new(Undecided { answers: true }));
    let error = rollout.run(&bundle(&[("a", "2")]), Run::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "gate scan report: no answer from the scanner");
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_never_answers_can_be_cancelled() {
    let world = World::with(&[("a", "1")]);
    let cancel = Cancel::new();
    let rollout = world.rollout().gate(Arc::new(Undecided { answers: false }));
    let (a, run) = (bundle(&[("a", "2")]), Run::new().cancelled_by(cancel.clone()));
    let (result, ()) = tokio::join!(rollout.run(&a, run), async { cancel.cancel() });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_none_is_refused_before_anything() {
    let world = World::with(&[]);
    let error = world.rollout().run(&bundle(&[("a", "1")]), Run::new().named("Shop!")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.faults.steps(), 0);
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_the_first_write_writes_nothing() {
    let world = World::with(&[("a", "1")]);
    let cancel = Cancel::new();
    cancel.cancel();
    let run = Run::new().cancelled_by(cancel);
    let error = world.rollout().run(&bundle(&[("a", "2")]), run).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(world.state(), state(&[("a", "1")]));
}

#[tokio::test(start_paused = true)]
async fn without_a_name_nothing_is_journaled_and_a_failure_is_still_undone() {
    let world = World::with(&[("a", "1")]);
    let outcome = world.rollout().run(&bundle(&[("a", "bad")]), Run::new()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack);
    assert_eq!(world.state(), state(&[("a", "1")]));
}
