//! Bad input and missing rights: a clear error, and nothing is written.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_k8s::{Apply, Cluster};
use deploy_tests::{Env, deployment, scenario, served_scenario};
use std::sync::Arc;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: b}\n---\n";

/// Deploys a good ConfigMap and something bad; the error must say so, and the ConfigMap must not have been written.
async fn refused(env: &Env, bad: &str, kind: ErrorKind, texts: &[&str]) {
    let (run, _) = env.run();
    let bundle = env.bundle(&format!("{CONFIG}{bad}"));
    let error = env.rollout().run(&bundle, run.named("app")).await.expect_err("refused");
    says(&error, kind, texts);
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None, "something was written");
    env.assert_no_records().await;
}

fn says(error: &Error, kind: ErrorKind, texts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "no \"{text}\" in: {error}");
    }
}

scenario!(bad_manifests, async |env| {
    let unknown_field = deployment("api:v1").replace("replicas: 2", "replicsa: 2");
    refused(&env, &unknown_field, ErrorKind::InvalidInput, &[".spec.replicsa", "scenario.yaml:10:"]).await;
    let unknown_kind = "apiVersion: nowhere.example.com/v1\nkind: Widget\nmetadata: {name: w}\n";
    refused(
        &env,
        unknown_kind,
        ErrorKind::NotFound,
        &["CustomResourceDefinition for Widget", "nowhere.example.com"],
    )
    .await;
    let old = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: w}\n";
    refused(&env, old, ErrorKind::NotFound, &["extensions/v1beta1"]).await;
    let elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: w, namespace: not-there}\n";
    refused(&env, elsewhere, ErrorKind::NotFound, &["namespace \"not-there\" does not exist"]).await;
    for secret in ["{password: 31337}", "[hunter2]", "{password: \"not base64!\"}"] {
        let bad = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {secret}\n");
        refused(&env, &bad, ErrorKind::InvalidInput, &[".data", "scenario.yaml:9:"]).await;
    }
    refused(
        &env,
        "apiVersion: my group/v1\nkind: X\nmetadata: {name: s}\n",
        ErrorKind::NotFound,
        &["my group/v1"],
    )
    .await;
    let two = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: B_ad}\nspec: {ports: [{port: 80}]}\n";
    refused(&env, two, ErrorKind::InvalidInput, &["2 objects cannot be planned", "Deployment", "Service"])
        .await;
});

scenario!(a_terminating_namespace, async |env| {
    // A finalizer holds the namespace up while the scenario looks.
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/hold]}\n";
    assert_eq!(env.deploy(held).await.status, Status::Healthy);
    env.begin_to_delete_namespace(&env.namespace).await;
    let (run, _) = env.run();
    let error = Rollout::new(Arc::new(env.target()))
        .run(&env.bundle(CONFIG.trim_end_matches("---\n")), run)
        .await
        .expect_err("refused");
    env.unfinalize("held").await;
    says(&error, ErrorKind::Conflict, &["being terminated", &env.namespace]);
});

served_scenario!("needs a cluster and users with fewer rights", without_the_right, async |env| {
    let cluster =
        Cluster::builder().kubeconfig(env.kubeconfig()).context("limited").build().await.expect("a context");
    let (run, _) = env.run();
    let rollout = Rollout::new(Arc::new(Apply::new(cluster.clone())));
    let error = rollout.run(&env.bundle(&deployment("api:v1")), run).await.expect_err("forbidden");
    says(&error, ErrorKind::Forbidden, &["limited", "patch", "deployments", &env.namespace]);

    // With rights on Deployments alone it could write, but not follow: refused before it does.
    let role = include_str!("deployments-only.yaml");
    assert_eq!(env.deploy(role).await.status, Status::Healthy);
    let (run, _) = env.run();
    let error = rollout.run(&env.bundle(&deployment("api:v1")), run).await.expect_err("forbidden");
    says(&error, ErrorKind::Forbidden, &["list", &env.namespace, "cannot be followed"]);
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
});

served_scenario!("needs a cluster and a kubeconfig", kubeconfig_from_bytes, async |env| {
    let bytes = std::fs::read(env.kubeconfig()).expect("a kubeconfig");
    let cluster = Cluster::builder().kubeconfig_bytes(bytes).build().await.expect("a cluster");
    let (run, _) = env.run();
    let outcome = Rollout::new(Arc::new(Apply::new(cluster)))
        .run(&env.bundle(CONFIG.trim_end_matches("---\n")), run)
        .await
        .expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
});

scenario!(dry_run_changes_nothing, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("there");
    let (run, _) = env.run();
    let bundle = env.bundle(&format!("{CONFIG}{}", deployment("api:v2")));
    let outcome = env.rollout().dry_run(true).run(&bundle, run.named("app")).await.expect("planned");
    assert_eq!(outcome.status, Status::Planned);
    let diff: Vec<String> =
        outcome.objects.iter().flat_map(|object| &object.diff).map(ToString::to_string).collect();
    assert!(
        diff.iter().any(|line| line.contains("containers[name=\"api\"].image") && line.contains("api:v2")),
        "{diff:?}"
    );
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None);
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, Some(before));
    env.assert_no_records().await;
});
