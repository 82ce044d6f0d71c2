//! Runs that fail or end among the deletions.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::event::{Event, Observer};
use deploy_core::journal::Journal;
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::{Policy, Run};
use deploy_tests::{deployment, scenario};
use serde_json::Value;
use tokio::sync::Notify;

use super::{config, configs, deploy, has, listed, parent, rollout, says, set};

scenario!(a_failing_rollout_deletes_nothing, async |env| {
    assert_eq!(deploy(&env, &(deployment("api:v1") + &configs(&["beta"]))).await.status, Status::Healthy);
    let before = parent(&env).await.expect("a parent");
    let more = "\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n";
    let outcome = deploy(&env, &(deployment("api:does-not-exist") + more)).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(has(&env, "beta").await);
    let after = parent(&env).await.expect("a parent");
    assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
    let owned = |parent: &Value| parent["metadata"]["managedFields"][0]["fieldsV1"].clone();
    assert_eq!(owned(&after), owned(&before));
    env.assert_no_records().await;
});

scenario!(a_first_run_that_fails_leaves_no_set, async |env| {
    let outcome = deploy(&env, &(deployment("api:does-not-exist") + &configs(&["beta"]))).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(!has(&env, "beta").await && parent(&env).await.is_none());
    env.assert_no_records().await;
});

/// Tells of the first deletion.
#[derive(Default)]
struct FirstDeletion(Notify);

impl Observer for FirstDeletion {
    fn observe(&self, event: &Event) {
        if event.kind.to_string().ends_with(" deleted") {
            self.0.notify_one();
        }
    }
}

scenario!(killed_among_the_deletions, async |env| {
    let many: String = (0..40).map(|i| config(&format!("more-{i}"), "")).collect();
    assert_eq!(deploy(&env, &(configs(&["alpha"]) + &many)).await.status, Status::Healthy);
    let changed = configs(&["alpha"]).replace("a: x", "a: changed");
    let first = Arc::new(FirstDeletion::default());
    let (rollout, bundle) = (rollout(&env, set(&env)), env.bundle(&changed));
    tokio::select! {
        outcome = rollout.run(&bundle, Run::new().named("app").observer(first.clone())) => panic!("it ended: {outcome:?}"),
        () = first.0.notified() => {}
    }
    let left = listed(&env, &["configmap"]).await.len();
    assert!((2..41).contains(&left), "killed among the deletions: {left} are left");
    let outcome = deploy(&env, &changed).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(!outcome.timeline.iter().any(|event| event.kind.to_string().contains("undoing")), "{outcome}");
    assert_eq!(listed(&env, &["configmap"]).await, ["configmap/alpha"]);
    assert_eq!(env.get("v1", "ConfigMap", "alpha").await.expect("there")["data"]["a"], "changed");
    assert!(env.journal().load("app").await.expect("readable").is_none());
    env.assert_no_records().await;
});

scenario!(what_a_finalizer_holds_is_waited_for, async |env| {
    let held = config("beta", ", finalizers: [example.com/hold]");
    assert_eq!(deploy(&env, &(configs(&["alpha"]) + &held)).await.status, Status::Healthy);
    let policy = Policy::default().timeout(Duration::from_secs(3));
    let run = Run::new().policy(policy).named("app");
    let outcome =
        rollout(&env, set(&env)).run(&env.bundle(&configs(&["alpha"])), run).await.expect("started");
    assert_eq!(outcome.status, Status::Incomplete, "{outcome}");
    let Some(Cause::TimedOut { waiting }) = &outcome.cause else { panic!("not timed out: {outcome}") };
    assert_eq!(
        waiting.iter().map(|each| each.object.name.as_str()).collect::<Vec<_>>(),
        ["beta"],
        "{outcome}"
    );
    assert!(outcome.to_string().contains("beta: being deleted"), "{outcome}");
    env.assert_no_records().await;

    let (run, recorder) = env.run();
    let (rollout, bundle) = (rollout(&env, set(&env)), env.bundle(&configs(&["alpha"])));
    let release = async {
        env.eventually("the deletion", || async { says(&recorder, "beta deleted") }).await;
        env.unfinalize("beta").await;
    };
    let (outcome, ()) = tokio::join!(rollout.run(&bundle, run.named("app")), release);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(!has(&env, "beta").await);
});
