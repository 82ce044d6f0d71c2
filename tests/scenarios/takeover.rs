//! Objects that others deployed: who owns what afterwards, and what stands.

use std::sync::Arc;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::event::Event;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_core::target::RolloutTarget;
use deploy_k8s::Apply;
use deploy_tests::{Env, deployment, managers, reasons, served_scenario};
use serde_json::{Value, json};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
pub(crate) const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: b}\n---\n";

/// What somebody else deployed once: with an annotation and a field that our manifest does not have.
fn theirs(image: &str) -> String {
    deployment(image)
        .replace("metadata: {name: api}", "metadata: {name: api, annotations: {example.com/old: \"1\"}}")
        .replace("replicas: 2", "replicas: 2\n  revisionHistoryLimit: 3")
}

pub(crate) async fn run(env: &Env, target: Apply, manifests: &str) -> Result<Outcome> {
    let (run, _) = env.run();
    Rollout::new(Arc::new(target)).run(&env.bundle(manifests), run).await
}

pub(crate) async fn healthy(env: &Env, target: Apply, manifests: &str) -> Outcome {
    let outcome = run(env, target, manifests).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    outcome
}

pub(crate) async fn unchanged(env: &Env, target: Apply, manifests: &str) -> Outcome {
    let outcome = healthy(env, target, manifests).await;
    for object in &outcome.objects {
        assert_eq!(object.action, Action::Unchanged, "{} {:?}", object.object, object.diff);
    }
    outcome
}

pub(crate) async fn api(env: &Env) -> Value {
    env.get("apps/v1", "Deployment", "api").await.expect("there")
}

fn owners(object: &Value) -> Vec<String> {
    managers(object).into_iter().filter_map(|(manager, _)| manager.as_str().map(str::to_owned)).collect()
}

pub(crate) fn noted(outcome: &Outcome, texts: &[&str]) {
    let notes = outcome.notes.join("\n");
    for text in texts {
        assert!(notes.contains(text), "no \"{text}\" in the notes:\n{notes}");
    }
}

/// Takes over what kubectl applied: first without a change of the pods, then with one.
async fn from_kubectl(env: &Env, apply: &[&str], manager: &str) {
    env.kubectl(apply, &theirs("api:v1")).await;
    let (planning, _) = env.run();
    let plan = env.target().plan(&env.bundle(&deployment("api:v1")), &planning).await.expect("planned");
    let plan = plan.to_string();
    for text in ["example.com/old", ".spec.revisionHistoryLimit", "taken over from", manager] {
        assert!(plan.contains(text), "no \"{text}\" in the plan:\n{plan}");
    }
    let outcome = healthy(env, env.target(), &deployment("api:v1")).await;
    noted(&outcome, &[&format!("taken over from {manager}")]);
    assert_eq!(env.replica_sets().await, 1, "only metadata changed");
    let object = api(env).await;
    let annotations = object.pointer("/metadata/annotations").expect("ours");
    assert!(
        annotations.get("example.com/old").is_none() && annotations.get(LAST_APPLIED).is_none(),
        "{annotations}"
    );
    assert_eq!(object.pointer("/spec/revisionHistoryLimit"), Some(&json!(10)), "the default again");
    assert_eq!(owners(&object), ["deploy-core"]);
    unchanged(env, env.target(), &deployment("api:v1")).await;

    env.kubectl(&["delete", "deployment", "api", "--wait", "--cascade=foreground"], "").await;
    env.kubectl(apply, &theirs("api:v1")).await;
    healthy(env, env.target(), &deployment("api:v2")).await;
    assert_eq!(env.replica_sets().await, 2, "one rollout, not two");
    assert_eq!(owners(&api(env).await), ["deploy-core"]);
    unchanged(env, env.target(), &deployment("api:v2")).await;
}

served_scenario!("needs a cluster and kubectl", from_client_side_apply, async |env| {
    from_kubectl(&env, &["apply", "-f", "-"], "kubectl-client-side-apply").await;
});

served_scenario!("needs a cluster and kubectl", from_server_side_apply, async |env| {
    from_kubectl(&env, &["apply", "--server-side", "-f", "-"], "kubectl").await;
});

served_scenario!("needs a cluster and kubectl", a_failed_takeover_gives_everything_back, async |env| {
    env.kubectl(&["apply", "-f", "-"], &theirs("api:v1")).await;
    env.eventually("v1 is ready", || async { env.ready_images().await.len() == 2 }).await;
    let before = api(&env).await;
    let outcome = env.deploy(&deployment("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    let after = api(&env).await;
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(managers(&after), managers(&before));
    assert_eq!(
        after["metadata"]["annotations"][LAST_APPLIED],
        before["metadata"]["annotations"][LAST_APPLIED]
    );
});

served_scenario!("needs a cluster and kubectl", kubectl_takes_over_and_we_take_it_back, async |env| {
    let kubectl: [&[&str]; 2] =
        [&["apply", "-f", "-"], &["apply", "--server-side", "--force-conflicts", "-f", "-"]];
    for apply in kubectl {
        healthy(&env, env.target(), &deployment("api:v1")).await;
        env.kubectl(apply, &deployment("api:v2")).await;
        assert_eq!(env.image("Deployment").await, "api:v2");
        let outcome = healthy(&env, env.target(), &deployment("api:v1")).await;
        noted(&outcome, &["taken over from kubectl"]);
        assert_eq!(env.image("Deployment").await, "api:v1");
        assert_eq!(owners(&api(&env).await), ["deploy-core"]);
    }
});

served_scenario!("needs a cluster and helm", from_helm_only_where_asked_for, async |env| {
    env.helm(&theirs("api:v1")).await;
    let error = run(&env, env.target(), &deployment("api:v2")).await.expect_err("helm's");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("\"helm\""), "{error}");
    assert_eq!(env.image("Deployment").await, "api:v1");

    let target = || env.target().take_over_from(["kubectl", "helm"]);
    let outcome = healthy(&env, target(), &deployment("api:v2")).await;
    noted(&outcome, &["taken over from helm"]);
    let object = api(&env).await;
    assert_eq!(owners(&object), ["deploy-core"]);
    let metadata = object["metadata"].to_string();
    assert!(!metadata.contains("meta.helm.sh") && !metadata.contains("example.com/old"), "{metadata}");
    unchanged(&env, target(), &deployment("api:v2")).await;
});

// Somebody writes while a takeover fails: theirs stays, and what the takeover removed comes back all the same.
served_scenario!("needs a cluster and kubectl", a_failed_takeover_beside_somebody_else, async |env| {
    env.kubectl(&["apply", "-f", "-"], &theirs("api:v1")).await;
    env.eventually("v1 is ready", || async { env.ready_images().await.len() == 2 }).await;
    let (next, recorder) = env.run();
    let meanwhile = async {
        let wrote = |event: &Event| event.kind.to_string().contains("api changed");
        env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
        env.kubectl(&["annotate", "deployment", "api", "example.com/note=theirs"], "").await;
    };
    let (rollout, bundle) = (env.rollout(), env.bundle(&deployment("api:does-not-exist")));
    let (outcome, ()) = tokio::join!(rollout.run(&bundle, next.named("app")), meanwhile);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let after = api(&env).await;
    assert_eq!(after["spec"]["revisionHistoryLimit"], 3, "{outcome}");
    assert_eq!(after["metadata"]["annotations"]["example.com/old"], "1", "{outcome}");
    assert_eq!(after["metadata"]["annotations"]["example.com/note"], "theirs");
    assert_eq!(env.image("Deployment").await, "api:v1");
});
