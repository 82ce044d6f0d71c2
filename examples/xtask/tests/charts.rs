//! What a chart is rendered with: the cluster's own APIs, and the values that were given before.

use std::collections::BTreeSet;

use deploy_tests::{Env, Helm, live};

use crate::process::{value, xtask};

const METADATA: (&str, &str) = ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.0\n");

/// A group that helm does not know by itself, and a kind, of which it knows none.
const APIS: &str = "
{{ define \"map\" }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .name }}}
data: {a: {{ .a | quote }}}
{{ end }}
{{ include \"map\" (dict \"name\" \"version\" \"a\" .Capabilities.KubeVersion.Version) }}
{{ include \"map\" (dict \"name\" \"apis\" \"a\" (join \" \" .Capabilities.APIVersions)) }}
{{ if .Capabilities.APIVersions.Has \"apiregistration.k8s.io/v1\" }}
{{ include \"map\" (dict \"name\" \"group\" \"a\" \"is served\") }}
{{ end }}
{{ if .Capabilities.APIVersions.Has \"apps/v1/Deployment\" }}
{{ include \"map\" (dict \"name\" \"kind\" \"a\" \"is served\") }}
{{ end }}
";

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn what_helm_3_released_for_an_api_stays() {
    live("x-chart-apis-3", async |env| what_is_released_for_an_api_stays(&env, Helm::Three).await).await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn what_helm_4_released_for_an_api_stays() {
    live("x-chart-apis-4", async |env| what_is_released_for_an_api_stays(&env, Helm::Four).await).await;
}

async fn what_is_released_for_an_api_stays(env: &Env, helm: Helm) {
    let chart = env.chart(&[METADATA, ("templates/app.yaml", APIS)]);
    let path = chart.path();
    let planned = xtask(env, &format!("diff --chart {path} --name app"), "").await.with(1);
    for name in ["group", "kind"] {
        assert!(planned.contains(&format!("ConfigMap {}/{name}\n", env.namespace)), "{planned}");
    }
    xtask(env, &format!("apply --chart {path} --name app --dry-run"), "").await.with(0);

    env.helm_says(helm, &["install", "app", path]).await;
    let (version, theirs) = (value(env, "version").await, apis(env).await);
    let uid =
        async || env.get("v1", "ConfigMap", "group").await.map(|found| found["metadata"]["uid"].clone());
    let before = uid().await;
    assert!(before.is_some(), "helm made it");

    xtask(env, &format!("release upgrade app --chart {path}"), "").await.with(0);
    assert_eq!(uid().await, before, "it stays");
    assert_eq!(value(env, "kind").await.as_deref(), Some("is served"));
    assert_eq!(value(env, "version").await, version);
    let ours = apis(env).await;
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&String>::new());
    // Groups that helm knows by itself, served or not.
    let more: Vec<_> = ours.difference(&theirs).filter(|api| api.split('/').count() > 2).collect();
    assert_eq!(more, Vec::<&String>::new());
}

/// Those of Kubernetes itself: other tests bring some of their own, and take them away.
async fn apis(env: &Env) -> BTreeSet<String> {
    let all = value(env, "apis").await.expect("they were written down");
    let is_built_in = |api: &&str| {
        let group = api.split('/').next().unwrap_or_default();
        group.ends_with(".k8s.io") || !group.contains('.')
    };
    all.split(' ').filter(is_built_in).map(str::to_owned).collect()
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn values_stay_as_with_helm_3() {
    live("x-chart-values-3", async |env| values_stay(&env, Helm::Three).await).await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn values_stay_as_with_helm_4() {
    live("x-chart-values-4", async |env| values_stay(&env, Helm::Four).await).await;
}

async fn values_stay(env: &Env, helm: Helm) {
    let app = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: \"{{ .Values.a }} {{ .Values.b.c }} {{ .Values.b.d }}\"}\n";
    let chart = |of_chart: &str| {
        env.chart(&[
            METADATA,
            ("templates/app.yaml", app),
            ("values.yaml", &format!("a: {of_chart}\nb: {{c: {of_chart}, d: {of_chart}}}\n")),
        ])
    };
    // What the release comes to with a chart of other values, and which of them are recorded as given.
    let upgraded = async |of_chart: &str, options: &str, came_to: &str, given: &str| {
        let chart = chart(of_chart);
        let (path, words) = (chart.path(), options.split_whitespace().collect::<Vec<_>>());
        let helms = [&["upgrade", "app", path, "--dry-run=server"], &words[..]].concat();
        let theirs = env.helm_says(helm, &helms).await;
        assert!(theirs.contains(&format!("data: {{a: \"{came_to}\"}}")), "{options}: {theirs}");
        xtask(env, &format!("release upgrade app --chart {path} {options}"), "").await.with(0);
        assert_eq!(value(env, "app").await.as_deref(), Some(came_to), "{options}");
        assert_eq!(env.helm_json(helm, &["get", "values", "app"]).await.to_string(), given, "{options}");
    };
    let first = chart("one");
    env.helm_says(helm, &["install", "app", first.path(), "--set", "a=given,b.c=given"]).await;
    let given = r#"{"a":"given","b":{"c":"given"}}"#;
    upgraded("two", "", "given given two", given).await;
    upgraded("three", "--reuse-values --set b.c=now", "given now two", r#"{"a":"given","b":{"c":"now"}}"#)
        .await;
    upgraded("four", "", "given now four", r#"{"a":"given","b":{"c":"now"}}"#).await;
    upgraded("five", "--set b.d=now", "five five now", r#"{"b":{"d":"now"}}"#).await;
    upgraded("six", "--reset-values", "six six six", "null").await;
    upgraded("seven", "--set a=given", "given seven seven", r#"{"a":"given"}"#).await;
    upgraded("eight", "--reuse-values --reset-values", "eight eight eight", "null").await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn values_of_a_revision_that_failed_are_not_kept() {
    live("x-chart-failed", async |env| {
        let app =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: {{ .Values.a | toJson }}}\n";
        let chart = env.chart(&[METADATA, ("templates/app.yaml", app), ("values.yaml", "a: default\n")]);
        let upgrade = format!("release upgrade app --chart {}", chart.path());
        // Nothing is there, so nothing is kept.
        xtask(&env, &upgrade, "").await.with(0);
        xtask(&env, &format!("{upgrade} --set a=given"), "").await.with(0);
        // The API server takes no number for a text.
        let bad = ["upgrade", "app", chart.path(), "--set", "a=3", "--disable-openapi-validation"];
        env.helm_fails(Helm::Four, &bad).await;
        let history = xtask(&env, "release history app --json", "").await.json(0);
        assert_eq!(history["revisions"][0]["status"], "failed", "{history}");
        xtask(&env, &upgrade, "").await.with(0);
        assert_eq!(value(&env, "app").await.as_deref(), Some("given"));

        // What a chart says of a value that was given before is not shown.
        xtask(&env, &format!("{upgrade} --set a=hunter2"), "").await.with(0);
        let failing =
            env.chart(&[METADATA, ("templates/app.yaml", "{{ fail (print \"not \" .Values.a) }}\n")]);
        let failed = xtask(&env, &format!("release upgrade app --chart {}", failing.path()), "").await;
        assert!(!failed.err.contains("hunter2"), "{}", failed.err);
        failed.error(2, "not ***");
    })
    .await;
}
