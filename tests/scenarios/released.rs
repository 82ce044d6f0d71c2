//! What helm released, read here: the same as helm says.

use std::collections::BTreeMap;

use deploy_core::error::ErrorKind;
use deploy_k8s::{Release, ReleaseStatus};
use deploy_tests::{Env, Helm, served_scenario};
use serde_json::{Value, json};

const METADATA: &str = "apiVersion: v2\nname: shop\nversion: 1.2.0\nappVersion: \"7\"\n";
const VALUES: &str = "greeting: hello\nimage: {tag: v1, pull: true}\nlimits: {cpu: 1, memory: 2}\n";
const NOTES: &str = "Say {{ .Values.greeting }} to {{ .Release.Name }}.\n";
const HOOK: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-before
  annotations: {helm.sh/hook: \"pre-install,pre-upgrade\", helm.sh/hook-weight: \"5\"}
data: {greeting: {{ .Values.greeting }}}
";
const APP: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-app}
data: {greeting: {{ .Values.greeting }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-api, annotations: {deploy-core/git-revision: 5f2c1e9}}
spec:
  replicas: 0
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: \"registry.example/api:{{ .Values.image.tag }}\"}]}
";

/// Two revisions of one release, one of another.
async fn released(env: &Env, helm: Helm) {
    let files = [
        ("Chart.yaml", METADATA),
        ("values.yaml", VALUES),
        ("templates/NOTES.txt", NOTES),
        ("templates/hook.yaml", HOOK),
        ("templates/app.yaml", APP),
    ];
    let chart = env.chart(&files);
    env.helm_says(helm, &["install", "shop", chart.path()]).await;
    let values = ["--set", "image.tag=v2,greeting=hi", "--set", "limits.cpu=null"];
    env.helm_says(
        helm,
        &[&["upgrade", "shop", chart.path(), "--description", "a new greeting"][..], &values].concat(),
    )
    .await;
    env.helm_says(helm, &["install", "other", chart.path(), "--set", "greeting=who"]).await;
}

served_scenario!("needs a cluster and helm", what_helm_4_released_is_read_as_it_reads_it, async |env| {
    released(&env, Helm::Four).await;
    is_read_as_by(&env, Helm::Four).await;
    is_read_as_by(&env, Helm::Three).await;
});

served_scenario!("needs a cluster and helm", what_helm_3_released_is_read_as_it_reads_it, async |env| {
    released(&env, Helm::Three).await;
    is_read_as_by(&env, Helm::Three).await;
    is_read_as_by(&env, Helm::Four).await;
});

async fn is_read_as_by(env: &Env, helm: Helm) {
    let shop = env.release("shop");

    let theirs = env.helm_json(helm, &["list"]).await;
    let ours = Release::list(&env.cluster, Some(&env.namespace)).await.expect("a list");
    let ours: Vec<Value> = ours
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "namespace": one.namespace, "revision": one.revision.to_string(),
                "status": one.status, "chart": one.chart, "app_version": one.app_version,
            })
        })
        .collect();
    assert_eq!(ours, without(&theirs, "updated"));

    let theirs = env.helm_json(helm, &["history", "shop"]).await;
    let history = shop.revisions().await.expect("a history");
    let ours: Vec<Value> = history
        .iter()
        .rev()
        .map(|one| {
            json!({
                "revision": one.revision, "status": one.status, "chart": one.chart, "app_version": one.app_version,
                "description": one.description,
            })
        })
        .collect();
    assert_eq!(ours, without(&theirs, "updated"));
    assert_eq!(
        history.iter().map(|one| one.images.join(" ")).collect::<Vec<_>>(),
        ["registry.example/api:v2", "registry.example/api:v1"]
    );
    assert!(
        history.iter().all(|one| one.git_revision.as_deref() == Some("5f2c1e9") && one.unreadable.is_none())
    );
    assert_eq!(
        history.iter().map(|one| one.status.clone()).collect::<Vec<_>>(),
        [ReleaseStatus::Deployed, ReleaseStatus::Superseded]
    );
    for (one, theirs) in history.iter().rev().zip(theirs.as_array().expect("a list")) {
        let updated = theirs["updated"].as_str().and_then(|time| time.parse().ok());
        assert_eq!(one.updated, updated, "{theirs}");
    }

    for revision in [None, Some(1), Some(2)] {
        let number = revision
            .map(|revision: u64| vec!["--revision".to_owned(), revision.to_string()])
            .unwrap_or_default();
        let number: Vec<&str> = number.iter().map(String::as_str).collect();
        let content = shop.get(revision).await.expect("a revision");
        let says = async |what: &[&str]| env.helm_says(helm, &[what, &number].concat()).await;
        let values = async |what: &[&str]| env.helm_json(helm, &[what, &number].concat()).await;
        assert_eq!(content.manifest.trim_end(), says(&["get", "manifest", "shop"]).await.trim_end());
        assert_eq!(
            says(&["get", "notes", "shop"]).await.trim_end(),
            format!("NOTES:\n{}", content.notes.trim_end())
        );
        let theirs = values(&["get", "values", "shop"]).await;
        assert_eq!(Value::from(content.values.clone()), if theirs.is_null() { json!({}) } else { theirs });
        assert_eq!(Value::from(content.all_values()), values(&["get", "values", "shop", "--all"]).await);
        let hooks = says(&["get", "hooks", "shop"]).await;
        assert!(
            content.hooks.iter().all(|hook| hooks.contains(hook.trim_end())) && content.hooks.len() == 1,
            "{hooks}"
        );
    }
}

served_scenario!("needs a cluster and helm", what_nobody_can_read_is_told_and_left, async |env| {
    released(&env, Helm::Four).await;
    let shop = env.release("shop");
    let broken = json!({"data": {"release": "bm90IGEgcmVsZWFzZQ=="}}).to_string();
    env.kubectl(&["patch", "secret", "sh.helm.release.v1.shop.v1", "--type=merge", "-p", &broken], "").await;

    let history = shop.revisions().await.expect("a history");
    let told: BTreeMap<u64, (&ReleaseStatus, bool)> =
        history.iter().map(|one| (one.revision, (&one.status, one.unreadable.is_some()))).collect();
    let expected = [(1, (&ReleaseStatus::Superseded, true)), (2, (&ReleaseStatus::Deployed, false))];
    assert_eq!(told, BTreeMap::from(expected));
    let error = shop.get(Some(1)).await.expect_err("it cannot be read");
    let secret =
        format!("Secret {}/sh.helm.release.v1.shop.v1: the release's record cannot be read", env.namespace);
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(&secret), "{error}");
    assert!(shop.get(None).await.is_ok(), "the newest is another");
    let left = env.kubectl(&["get", "secret", "sh.helm.release.v1.shop.v1", "-o", "name"], "").await;
    assert_eq!(left.trim(), "secret/sh.helm.release.v1.shop.v1");

    for (name, revision, why) in
        [("shop", Some(9), "revision 9 is not recorded"), ("none", None, "no such release")]
    {
        let error = env.release(name).get(revision).await.expect_err("it is not there");
        assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains(why), "{error}");
    }
});

/// The objects of a list without a field.
fn without(list: &Value, field: &str) -> Vec<Value> {
    let list = list.as_array().expect("a list").iter().cloned();
    list.map(|mut one| {
        one.as_object_mut().expect("an object").remove(field);
        one
    })
    .collect()
}
