//! Manifests that helm took and a stricter reader does not: the release is upgraded, gone back on and uninstalled all the same.

use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, live_scenario};

use super::{Client, HELM_3, for_each_helm};

const METADATA: &str = "apiVersion: v2\nname: shop\nversion: 1.2.0\n";

async fn helm_releases(env: &Env, helm: Client, manifests: &str) {
    let chart = env.chart(&[("Chart.yaml", METADATA), ("templates/app.yaml", manifests)]);
    env.helm_says(helm.helm, &[&["upgrade", "--install", "app", chart.path(), "--wait"], helm.more].concat())
        .await;
}

for_each_helm!(a_key_that_stands_twice_for_helm_3, a_key_that_stands_twice_for_helm_4, stands_twice);

/// Helm reads the last of them (`sigs.k8s.io/yaml`, not strict), and so it stands in many a chart: labels given twice.
async fn stands_twice(env: &Env, helm: Client) {
    let once = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\n  labels: {a: new}\n";
    let twice = once.replace("  labels", "  labels: {a: old}\n  labels");
    helm_releases(env, helm, &twice).await;
    let run = || env.run().0;
    let app = env.release("app");
    let outcome = app.upgrade(&env.bundle(once), run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let outcome = app.roll_back(Some(1), run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let live = env.get("v1", "ConfigMap", "config").await.expect("it is there");
    assert_eq!(live["metadata"]["labels"]["a"], "new");
    let outcome = app.uninstall(false, run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None);
}

for_each_helm!(
    an_object_that_stands_twice_for_helm_3,
    an_object_that_stands_twice_for_helm_4,
    an_object_that_stands_twice_for_helm_4_client_side,
    object_stands_twice
);

/// Helm applies both, in their order: what stands is the last one. To create it twice helm 3 refuses.
async fn object_stands_twice(env: &Env, helm: Client) {
    let once = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {value: new}\n";
    let named = format!("metadata: {{name: config, namespace: {}}}", env.namespace);
    let twice = [&once.replace("new", "old"), "---\n", &once.replace("metadata: {name: config}", &named)];
    let value =
        async || env.get("v1", "ConfigMap", "config").await.expect("it is there")["data"]["value"].clone();
    helm_releases(env, helm, once).await;
    helm_releases(env, helm, &twice.concat()).await;
    assert_eq!(value().await, "new", "helm's way");
    let (app, run) = (env.release("app"), || env.run().0);
    let outcome = app.diff(None, run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(outcome.objects.iter().all(|object| object.diff.is_empty()), "{outcome}");
    let outcome = app.upgrade(&env.bundle(&once.replace("new", "other")), run()).await;
    let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let outcome = app.roll_back(Some(2), run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((outcome.status, value().await), (Status::Healthy, "new".into()), "{outcome}");
    let outcome = app.uninstall(false, run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None);
}

// Client-side apply drops a field that the kind does not have; server-side apply refuses it, the way back included.
live_scenario!("needs a cluster and helm", the_way_back_to_an_unknown_field_of_helm_3, async |env| {
    let one = |image: &str| deployment(image).replace("replicas: 2", "replicas: 1");
    helm_releases(&env, HELM_3, &one("api:v1").replace("replicas: 1", "replicas: 1\n  bogus: 5")).await;
    let bad = env.bundle(&one("api:does-not-exist"));
    let outcome = env.release("app").upgrade(&bad, env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(env.image("Deployment").await, "api:v1");
});
