//! What earlier runs applied and the bundle no longer has.

mod failing;
mod large;
mod stays;

use std::sync::Arc;

use deploy_core::error::Error;
use deploy_core::event::Recorder;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_k8s::{ApplySet, LeaseLock};
use deploy_tests::{Env, assert_order, deployment, scenario};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::Api;
use serde_json::Value;

const PART_OF: &str = "applyset.kubernetes.io/part-of";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

fn set(env: &Env) -> ApplySet {
    ApplySet::new("app", &env.namespace).expect("a good name")
}

fn rollout(env: &Env, set: ApplySet) -> Rollout {
    Rollout::new(Arc::new(env.target().prune(set)))
        .lock(Arc::new(LeaseLock::new(env.cluster.clone(), &env.namespace)))
        .journal(Arc::new(env.journal()))
        .holder("scenario")
}

/// Deploys manifests as the whole of the set `app`.
async fn deploy(env: &Env, manifests: &str) -> Outcome {
    let (run, _) = env.run();
    let outcome = rollout(env, set(env)).run(&env.bundle(manifests), run.named("app")).await;
    outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"))
}

async fn refusal(env: &Env, set: ApplySet, manifests: &str) -> Error {
    let (run, _) = env.run();
    rollout(env, set).run(&env.bundle(manifests), run.named("app")).await.expect_err("refused")
}

/// A ConfigMap, with more of its metadata in flow style.
fn config(name: &str, more: &str) -> String {
    format!("\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{more}}}\ndata: {{a: x}}\n")
}

fn configs(names: &[&str]) -> String {
    names.iter().map(|name| config(name, "")).collect()
}

async fn has(env: &Env, name: &str) -> bool {
    env.get("v1", "ConfigMap", name).await.is_some()
}

fn config_maps(env: &Env) -> Api<ConfigMap> {
    Api::namespaced(env.kube.clone(), &env.namespace)
}

async fn parent(env: &Env) -> Option<Value> {
    env.get("v1", "Secret", "deploy-set.app").await
}

/// The kinds that the parent names.
async fn kinds(env: &Env) -> String {
    let parent = parent(env).await.expect("a parent");
    parent["metadata"]["annotations"][KINDS].as_str().expect("kinds").to_owned()
}

/// The set's members of some kinds as kubectl names them; of a live cluster the real kubectl says the same.
async fn listed(env: &Env, kinds: &[&str]) -> Vec<String> {
    let selector = format!("{PART_OF}={}", set(env).id());
    let mut listed = Vec::new();
    for kind in kinds {
        listed.extend(labelled(env, kind, &selector).await.into_iter().map(|name| format!("{kind}/{name}")));
    }
    if env.embedded.is_none() {
        let told = env.kubectl(&["get", &kinds.join(","), "-o", "name", "-l", &selector], "").await;
        let names =
            listed.iter().map(|name| name.replace("clusterrole/", "clusterrole.rbac.authorization.k8s.io/"));
        assert_eq!(told.lines().collect::<Vec<_>>(), names.collect::<Vec<_>>());
    }
    listed
}

async fn labelled(env: &Env, kind: &str, selector: &str) -> Vec<String> {
    let (api_version, kind) = match kind {
        "configmap" => ("v1", "ConfigMap"),
        "deployment.apps" => ("apps/v1", "Deployment"),
        "service" => ("v1", "Service"),
        "serviceaccount" => ("v1", "ServiceAccount"),
        "clusterrole" => ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        other => panic!("{other} is not looked for"),
    };
    env.labelled(api_version, kind, selector).await
}

fn says(recorder: &Recorder, text: &str) -> bool {
    recorder.events().iter().any(|event| event.kind.to_string().contains(text))
}

scenario!(what_is_wanted_no_more_goes_last, async |env| {
    let service =
        "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: gamma}\nspec: {ports: [{port: 80}]}\n";
    let outcome = deploy(&env, &(deployment("api:v1") + &configs(&["beta"]) + service)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["deploy-set.app created", "beta created", "api is healthy"]);
    assert_eq!(kinds(&env).await, "ConfigMap,Deployment.apps,Service");
    assert_eq!(
        listed(&env, &["configmap", "deployment.apps", "service"]).await,
        ["configmap/beta", "deployment.apps/api", "service/gamma"]
    );

    let bundle = env.bundle(
        &(deployment("api:v2") + "\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n"),
    );
    let (run, _) = env.run();
    let outcome =
        rollout(&env, set(&env)).dry_run(true).run(&bundle, run.named("app")).await.expect("planned");
    let deleted = outcome.objects.iter().filter(|object| object.action == Action::Delete);
    let deleted: Vec<_> = deleted.map(|object| object.object.name.as_str()).collect();
    assert_eq!(deleted.len(), 2, "{outcome}");
    assert!(deleted.contains(&"beta") && deleted.contains(&"gamma"), "{outcome}");
    assert!(has(&env, "beta").await, "a dry run deletes nothing");

    let (run, recorder) = env.run();
    let (rollout, during) = (rollout(&env, set(&env)), async {
        env.eventually("the write", || async { says(&recorder, "api changed") }).await;
        kinds(&env).await
    });
    let (outcome, during) = tokio::join!(rollout.run(&bundle, run.named("app")), during);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(during, "ConfigMap,Deployment.apps,Service,ServiceAccount");
    assert_order(
        &outcome,
        &["2 to delete", "deploy-set.app changed", "api changed", "api is healthy", "beta deleted"],
    );
    assert_order(&outcome, &["api is healthy", "gamma deleted", "gamma is gone"]);
    assert!(!has(&env, "beta").await && env.get("v1", "Service", "gamma").await.is_none());
    assert_eq!(kinds(&env).await, "Deployment.apps,ServiceAccount");
    assert_eq!(
        listed(&env, &["deployment.apps", "serviceaccount", "configmap", "service"]).await,
        ["deployment.apps/api", "serviceaccount/more"]
    );
    env.assert_no_records().await;
});

// The parent is in a namespace that the bundle brings.
scenario!(a_set_in_its_own_new_namespace, async |env| {
    let inner = format!("{}-inner", env.namespace);
    let set = || ApplySet::new("app", &inner).expect("a good name");
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n");
    let within = |name: &str| config(name, &format!(", namespace: {inner}"));
    let run = async |manifests: &str| {
        let (run, _) = env.run();
        rollout(&env, set()).run(&env.bundle(manifests), run.named("app")).await.expect("started")
    };
    let outcome = run(&(namespace.clone() + &within("alpha") + &within("beta"))).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &[&format!("{inner} created"), "deploy-set.app created", "alpha created"]);
    let outcome = run(&(namespace + &within("alpha"))).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(env.get_in(&inner, "v1", "ConfigMap", "beta").await.is_none());
    env.begin_to_delete_namespace(&inner).await;
});

scenario!(members_are_of_any_kind_in_any_namespace, async |env| {
    let (inner, role, group) =
        (format!("{}-inner", env.namespace), env.namespace.clone(), format!("{}.example.com", env.namespace));
    env.create_namespace(&inner).await;
    let definition = include_str!("../crd.yaml").replace("$GROUP", &group);
    let (widget, definition) = definition.split_once("---\n").expect("two documents");
    let cluster_role = format!(
        "\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {role}}}\nrules: []\n"
    );
    let distant = config("distant", &format!(", namespace: {inner}"));
    let outcome =
        deploy(&env, &format!("{definition}\n---\n{widget}{cluster_role}{distant}{}", configs(&["alpha"])))
            .await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let before = parent(&env).await.expect("a parent");
    assert_eq!(before["metadata"]["annotations"][NAMESPACES], inner.as_str());

    let outcome = deploy(&env, &configs(&["alpha"])).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(env.get(&format!("{group}/v1"), "Widget", "first").await.is_none());
    assert!(env.get_in(&inner, "v1", "ConfigMap", "distant").await.is_none());
    let roles: Api<ClusterRole> = Api::all(env.kube.clone());
    assert!(roles.get_opt(&role).await.expect("the cluster answers").is_none());
    let definition = format!("widgets.{group}");
    assert!(env.has_definition(&definition).await, "definitions stay");
    let after = parent(&env).await.expect("a parent");
    assert_eq!(after["metadata"]["annotations"][NAMESPACES], "");
    assert_eq!(kinds(&env).await, "ConfigMap,CustomResourceDefinition.apiextensions.k8s.io");
    env.remove_definition(&definition).await;
    env.begin_to_delete_namespace(&inner).await;
});
