//! The rollout verbs beside kubectl's own, on the same history.

mod interrupted;
mod one_field;
mod status;
mod undo;

use std::sync::Arc;

use deploy_core::clock::{Clock, SystemClock};
use deploy_core::error::ErrorKind;
use deploy_core::manifest::ObjectId;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_k8s::{KindName, RolloutVerb};
use deploy_tests::{Env, served_scenario, workload};
use serde_json::Value;

const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

fn id(env: &Env, kind: &str) -> ObjectId {
    format!("{kind}/api").parse::<KindName>().expect("KIND/NAME").in_namespace(&env.namespace)
}

async fn object(env: &Env, kind: &str) -> Value {
    env.get("apps/v1", kind, "api").await.expect("there")
}

fn manifest(kind: &str, image: &str, cause: &str) -> String {
    let spec = if kind == "DaemonSet" { "revisionHistoryLimit: 5" } else { "replicas: 1" };
    let manifest = workload("apps/v1", kind, spec, image, "env: [{name: RELEASE, value: \"$CAUSE\"}]");
    let annotations =
        format!("metadata: {{name: api, annotations: {{kubernetes.io/change-cause: \"{cause}\"}}}}");
    manifest.replacen("metadata: {name: api}", &annotations, 1).replace("$CAUSE", cause)
}

/// Three revisions, each with its cause.
async fn three_revisions(env: &Env, kind: &str) {
    for release in 1..=3 {
        let manifest = manifest(kind, &format!("api:v{release}"), &format!("release {release}"));
        let outcome = env.deploy(&manifest).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    }
}

async fn run(env: &Env, verb: RolloutVerb) -> Outcome {
    let (run, _) = env.run();
    let rollout = Rollout::new(Arc::new(verb.target()));
    rollout.run_derived(&verb, run).await.unwrap_or_else(|error| panic!("the run did not start: {error}"))
}

async fn refused(env: &Env, verb: RolloutVerb) -> (ErrorKind, String) {
    let (run, _) = env.run();
    let error = Rollout::new(Arc::new(verb.target())).run_derived(&verb, run).await.expect_err("refused");
    (error.kind(), error.to_string())
}

fn restart(env: &Env, kind: &str) -> RolloutVerb {
    RolloutVerb::restart(&env.target(), id(env, kind), SystemClock::new().now()).expect("a verb")
}

fn pause(env: &Env) -> RolloutVerb {
    RolloutVerb::pause(&env.target(), id(env, "Deployment")).expect("a verb")
}

fn resume(env: &Env) -> RolloutVerb {
    RolloutVerb::resume(&env.target(), id(env, "Deployment")).expect("a verb")
}

/// `NUMBER CAUSE`, the oldest first, as kubectl tells it.
async fn kubectls_history(env: &Env, kind: &str) -> Vec<String> {
    let told = env.kubectl(&["rollout", "history", &format!("{kind}/api")], "").await;
    let lines = told.lines().skip_while(|line| !line.starts_with("REVISION")).skip(1);
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The same, as we tell it.
async fn our_history(env: &Env, kind: &str) -> Vec<String> {
    let found = env.target().workload_history(&id(env, kind)).await.expect("a history");
    let cause = |cause: &str| if cause.is_empty() { "<none>".to_owned() } else { cause.to_owned() };
    found
        .iter()
        .rev()
        .map(|found| format!("{} {}", found.revision.number, cause(&found.revision.description)))
        .collect()
}

fn undo(env: &Env, kind: &str, to_revision: Option<u64>) -> RolloutVerb {
    RolloutVerb::undo(&env.target(), id(env, kind), to_revision).expect("a verb")
}

served_scenario!("needs a cluster and kubectl", history_is_kubectls, async |env| {
    for kind in KINDS {
        three_revisions(&env, kind).await;
        let ours = our_history(&env, kind).await;
        assert_eq!(ours, ["1 release 1", "2 release 2", "3 release 3"], "{kind}");
        assert_eq!(ours, kubectls_history(&env, kind).await, "{kind}");
        let found = env.target().workload_history(&id(&env, kind)).await.expect("a history");
        let images: Vec<_> =
            found.iter().map(|found| (found.revision.images.concat(), found.current)).collect();
        let image = |tag: &str| format!("{}/api:{tag}", env.registry);
        assert_eq!(images, [(image("v3"), true), (image("v2"), false), (image("v1"), false)], "{kind}");
        assert_eq!(found[0].template(), &object(&env, kind).await["spec"]["template"], "{kind}");

        env.kubectl(&["rollout", "undo", &format!("{kind}/api")], "").await;
        env.eventually("the new number", || async {
            our_history(&env, kind).await.len() == 3 && our_history(&env, kind).await[2].starts_with('4')
        })
        .await;
        assert_eq!(our_history(&env, kind).await, kubectls_history(&env, kind).await, "{kind}");
    }
    let nobody = id(&env, "Deployment");
    let nobody = ObjectId { name: "nobody".into(), ..nobody };
    let error = env.target().workload_history(&nobody).await.expect_err("no such object");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
});
