//! Verbs and deployments under one name: an interrupted one is undone before the other, though another field manager wrote it.

use std::sync::Arc;

use deploy_core::event::{Event, Recorder};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_k8s::{LeaseLock, RolloutVerb};
use deploy_tests::{Env, scenario};

use super::{manifest, object, pause, restart};

fn rollout(env: &Env, verb: &RolloutVerb) -> Rollout {
    Rollout::new(Arc::new(verb.target()))
        .lock(Arc::new(LeaseLock::new(env.cluster.clone(), &env.namespace)))
        .journal(Arc::new(env.journal()))
}

/// Lets a run go on until it has written, and drops it there.
async fn dropped(
    env: &Env,
    recorder: &Recorder,
    run: impl Future<Output = deploy_core::error::Result<Outcome>>,
) {
    let wrote = |event: &Event| event.kind.to_string().contains("api changed");
    let written = env.eventually("the write", || async { recorder.events().iter().any(wrote) });
    tokio::select! {
        outcome = run => panic!("it ended: {outcome:?}"),
        () = written => {}
    }
}

scenario!(an_interrupted_deployment_is_undone_before_a_restart, async |env| {
    assert_eq!(env.deploy(&manifest("Deployment", "api:v1", "release 1")).await.status, Status::Healthy);
    let slow = "        readinessProbe: {httpGet: {path: /nowhere, port: 8080}}\n";
    let bundle = env.bundle(&(manifest("Deployment", "api:v2", "release 2") + slow));
    let (next, recorder) = env.run();
    dropped(&env, &recorder, env.rollout().run(&bundle, next.named("app"))).await;
    assert_eq!(env.image("Deployment").await, "api:v2");

    let (next, _) = env.run();
    let verb = restart(&env, "Deployment");
    let outcome = rollout(&env, &verb).run_derived(&verb, next.named("app")).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v1"]);
    env.assert_no_records().await;
});

scenario!(an_interrupted_pause_is_undone_before_a_deployment, async |env| {
    assert_eq!(env.deploy(&manifest("Deployment", "api:v1", "release 1")).await.status, Status::Healthy);
    let (next, recorder) = env.run();
    let verb = pause(&env);
    let rollout = rollout(&env, &verb).check(Arc::new(Never));
    dropped(&env, &recorder, rollout.run_derived(&verb, next.named("app"))).await;
    assert_eq!(object(&env, "Deployment").await["spec"]["paused"], true);

    let outcome = env.deploy(&manifest("Deployment", "api:v2", "release 2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v2"]);
    assert_eq!(object(&env, "Deployment").await["spec"].get("paused"), None);
    env.assert_no_records().await;
});

/// A check that is never done: its run goes on until somebody ends it.
struct Never;

#[async_trait::async_trait]
impl deploy_core::guard::Check for Never {
    fn describe(&self) -> String {
        "never".to_owned()
    }

    async fn check(
        &self,
        _: &deploy_core::guard::Subject,
    ) -> deploy_core::error::Result<deploy_core::guard::Answer> {
        std::future::pending().await
    }
}
