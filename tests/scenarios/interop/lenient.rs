//! Manifests that helm took and a stricter reader does not: the release is upgraded, gone back on and uninstalled all the same.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, served_scenario};
use serde_json::Value;

use super::live::assert_applied_by_us;
use super::{Client, HELM_3, HELM_4_CLIENT_SIDE, for_each_helm};

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

served_scenario!("needs a cluster and helm", the_way_back_to_what_helm_3_took, async |env| {
    does_not_fit(&env, HELM_3).await;
});
served_scenario!("needs a cluster and helm", the_way_back_to_what_helm_4_took_client_side, async |env| {
    does_not_fit(&env, HELM_4_CLIENT_SIDE).await;
});

const HOOK: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: \"pre-upgrade,pre-rollback\"}}\n";
const OTHERS: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: b}\n---\n\
    apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {a: s3cret}\n";

/// Client-side apply drops fields that the kind does not have, and takes a list with two items of one key; server-side apply refuses
/// both, the way back included.
async fn does_not_fit(env: &Env, helm: Client) {
    let one = |image: &str| deployment(image).replace("replicas: 2", "replicas: 1");
    let env_twice = "terminationGracePeriodSeconds: 1\n      bogus: [1]\n      containers:\n      - env: [{name: A, value: old}, {name: A, value: new}]\n        name: api";
    let odd = [
        one("api:v1")
            .replace("replicas: 1", "replicas: 1\n  bogus: {deep: 5}")
            .replace("{name: api}", "{name: api, example.com/label: x}")
            .replace("terminationGracePeriodSeconds: 1\n      containers:\n      - name: api", env_twice),
        OTHERS
            .replace("\ndata:", "\nbogus: 1\ndata:")
            .replace("stringData:", "stringDat: {a: b}\nother: c\nstringData:"),
        HOOK.replace("{name: hook", "{name: hook, bogus: 1"),
    ]
    .concat();
    assert!(odd.contains("bogus: [1]"), "{odd}");
    helm_releases(env, helm, &odd).await;
    let (app, run) = (env.release("app"), || env.run().0);
    let outcome = app.diff(None, run()).await.unwrap_or_else(|error| panic!("{error}"));
    let changes = outcome.objects.iter().flat_map(|object| &object.diff);
    let changes: Vec<_> = changes.map(|change| change.path.as_str()).collect();
    let variables = ".spec.template.spec.containers[name=\"api\"].env";
    assert_eq!(changes, [format!("{variables}[0].value"), format!("{variables}[1]")], "one of them stays");
    let error =
        app.upgrade(&env.bundle(&odd), run()).await.expect_err("who applies it now has made a mistake");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let values = async || {
        let live = env.get("apps/v1", "Deployment", "api").await.expect("it is there");
        let variables =
            live.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array).cloned();
        variables.unwrap_or_default().iter().map(|one| one["value"].clone()).collect::<Vec<_>>()
    };
    let outcome = app.upgrade(&env.bundle(&one("api:does-not-exist")), run()).await.expect("it started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(env.image("Deployment").await, "api:v1");
    assert_eq!(values().await.last(), Some(&"new".into()));
    assert_left_out(env, &outcome.rollback.expect("it went back").notes);

    let outcome = app.upgrade(&env.bundle(&one("api:v2")), run()).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!((values().await.len(), env.get("v1", "Secret", "token").await), (0, None));
    let outcome = app.roll_back(Some(1), run()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_left_out(env, &outcome.notes);
    assert_eq!(values().await, ["new"]);
    let created = [("ConfigMap", "config"), ("Secret", "token"), ("ConfigMap", "hook")];
    for (kind, name) in created {
        assert!(env.get("v1", kind, name).await.is_some(), "{name}");
    }
    assert_applied_by_us(env).await;
    env.helm_says(helm.helm, &["rollback", "app", "1"]).await;
}

fn assert_left_out(env: &Env, notes: &[String]) {
    let of = |object: &str, rest: &str| {
        let (kind, name) = object.split_once(' ').expect("two words");
        format!("{kind} {}/{name}: {rest}", env.namespace)
    };
    let no_field =
        |object: &str, path: &str| of(object, &format!("{path} is left out: its kind has no such field"));
    let expected = [
        no_field("Deployment api", ".metadata.example.com/label"),
        no_field("Deployment api", ".spec.bogus"),
        no_field("Deployment api", ".spec.template.spec.bogus"),
        no_field("ConfigMap config", ".bogus"),
        no_field("Secret token", ".other"),
        no_field("Secret token", ".stringDat"),
        of(
            "Deployment api",
            ".spec.template.spec.containers[name=\"api\"].env[name=\"A\"] is there several times: the last one counts",
        ),
    ];
    for note in expected {
        assert!(notes.contains(&note), "{note}: {notes:#?}");
    }
}
