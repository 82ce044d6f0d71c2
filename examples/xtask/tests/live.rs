//! The program as it is called, on a live cluster: what it prints and how it exits.

#![allow(clippy::expect_used, clippy::panic, reason = "a scenario ends by panicking, and says why")]

mod charts;
mod images;
mod killed;
mod process;
mod release;

use std::fs;

use deploy_tests::live;
use serde_json::Value;

use process::{config, deployment, interrupted, somebody, start, value, xtask};

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn diff_tells_differences_from_errors() {
    live("x-diff", async |env| {
        let app = format!("ConfigMap {}/app", env.namespace);
        let created = xtask(&env, "diff -f -", &config("app", "x")).await.with(1);
        assert!(created.starts_with(&format!("--- /dev/null\n+++ planned/{app}\n@@ -0,0 +1,")), "{created}");
        assert_eq!(value(&env, "app").await, None, "nothing is written");

        assert!(xtask(&env, "apply -f -", &config("app", "x")).await.with(0).starts_with("healthy after "));
        assert_eq!(xtask(&env, "diff -f -", &config("app", "x")).await.with(0), "");
        let changed = xtask(&env, "diff -f -", &config("app", "new")).await.with(1);
        assert!(changed.starts_with(&format!("--- live/{app}\n+++ planned/{app}\n")), "{changed}");
        assert!(changed.contains("\n data:\n-  a: x\n+  a: new\n"), "{changed}");

        somebody(&env, &config("theirs", "x")).await;
        let owners = format!("# ConfigMap {}/theirs: only who owns its fields changes\n", env.namespace);
        let told = xtask(&env, "diff -f -", &config("theirs", "x")).await.with(1);
        assert!(told.starts_with(&owners), "{told}");

        xtask(&env, "diff -f -", "kind: [").await.error(2, "standard input");
        xtask(&env, "diff -f -", &config("theirs", "new")).await.error(2, "somebody");
        xtask(&env, "diff -f - --context limited", &config("app", "new")).await.error(2, "configmaps");
        let nowhere = std::env::temp_dir().join(&env.namespace);
        fs::write(&nowhere, NOWHERE).expect("written");
        let unreachable = format!("diff -f - --kubeconfig {}", nowhere.display());
        let unreachable = xtask(&env, &unreachable, &config("app", "new")).await;
        fs::remove_file(&nowhere).expect("removed");
        unreachable.error(2, "127.0.0.1");
    })
    .await;
}

/// A cluster where nothing listens.
const NOWHERE: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: \"https://127.0.0.1:1\"}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
users: [{name: nobody, user: {token: none}}]
current-context: nowhere
";

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn prune_is_shown_and_then_done() {
    live("x-prune", async |env| {
        let both = config("alpha", "x") + &config("beta", "x");
        xtask(&env, "apply -f - --name app --prune", &both).await.with(0);

        let dry = xtask(&env, "apply -f - --name app --prune --dry-run", &config("alpha", "x")).await.with(0);
        assert!(dry.contains(&format!("delete ConfigMap {}/beta\n", env.namespace)), "{dry}");
        assert!(dry.contains("1 to delete") && dry.ends_with("; nothing was written\n"), "{dry}");
        let diff = xtask(&env, "diff -f - --name app --prune", &config("alpha", "x")).await.with(1);
        let deleted = format!("--- live/ConfigMap {}/beta\n+++ /dev/null\n", env.namespace);
        assert!(diff.contains(&deleted), "{diff}");
        assert!(value(&env, "beta").await.is_some(), "nothing is written");

        let done = xtask(&env, "apply -f - --name app --prune", &config("alpha", "x")).await.with(0);
        assert!(done.starts_with("healthy after ") && done.contains("1 deleted"), "{done}");
        assert_eq!(value(&env, "beta").await, None);
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn conflicts_are_told_as_data_and_may_be_yielded() {
    live("x-conflict", async |env| {
        xtask(&env, "apply -f -", &config("app", "x")).await.with(0);
        somebody(&env, &config("app", "theirs")).await;

        let error = xtask(&env, "apply -f - --json", &config("app", "ours")).await.json(1);
        let conflict = &error["error"]["conflicts"][0];
        assert_eq!(error["error"]["kind"], "conflict", "{error}");
        assert_eq!(
            (&conflict["field"], &conflict["manager"]),
            (&".data.a".into(), &"somebody".into()),
            "{error}"
        );
        assert_eq!((&conflict["byApply"], &conflict["subresource"]), (&true.into(), &Value::Null), "{error}");
        assert!(conflict["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{error}");

        let yielded = xtask(&env, "apply -f - --yield data.a --json", &config("app", "ours")).await.json(0);
        assert_eq!(yielded["status"], "healthy", "{yielded}");
        assert_eq!(yielded["objects"][0]["yielded"][0]["field"], ".data.a", "{yielded}");
        assert_eq!(value(&env, "app").await.as_deref(), Some("theirs"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_kind_is_created_anew_where_it_is_asked_for() {
    live("x-recreate", async |env| {
        let bound = |role: &str| {
            format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: app}}\n\
                 roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n"
            )
        };
        xtask(&env, "apply -f -", &bound("view")).await.with(0);
        xtask(&env, "apply -f - --recreate Job.foo.example.com", &bound("edit")).await.error(2, "roleRef");
        xtask(&env, "apply -f - --recreate pvc", &bound("edit")).await.error(2, "would be lost");

        let diff = xtask(&env, "diff -f - --recreate rolebinding", &bound("edit")).await.with(1);
        let anew = format!("# RoleBinding {}/app is deleted and created anew\n--- live/", env.namespace);
        assert!(diff.starts_with(&anew) && diff.contains("\n-  name: view\n+  name: edit\n"), "{diff}");
        let done = xtask(&env, "apply -f - --recreate rolebinding", &bound("edit")).await.with(0);
        assert!(done.contains(": 1 created anew\n"), "{done}");
        let found = env.get("rbac.authorization.k8s.io/v1", "RoleBinding", "app").await.expect("there");
        assert_eq!(found["roleRef"]["name"], "edit");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn the_rollout_verbs() {
    live("x-verbs", async |env| {
        for image in ["api:v1", "api:v2"] {
            xtask(&env, "apply -f -", &deployment(image, "/healthz")).await.with(0);
        }
        let history = xtask(&env, "history deploy/api --json", "").await.json(0);
        let told = |index: usize| {
            let revision = &history["revisions"][index];
            (revision["number"].as_u64(), revision["current"].as_bool(), revision["images"][0].as_str())
        };
        let image = |tag: &str| format!("{}/api:{tag}", env.registry);
        assert_eq!(told(0), (Some(2), Some(true), Some(image("v2").as_str())), "{history}");
        assert_eq!(told(1), (Some(1), Some(false), Some(image("v1").as_str())), "{history}");

        let undone = xtask(&env, "undo deploy/api", "").await.with(0);
        assert!(undone.starts_with("healthy after ") && undone.contains(": 1 changed\n"), "{undone}");
        assert_eq!(env.image("Deployment").await, "api:v1");
        let history = xtask(&env, "history deploy/api", "").await.with(0);
        assert!(history.starts_with("   3  ") && history.contains("/api:v1  (current)\n   2  "), "{history}");

        xtask(&env, "restart job/migrate", "").await.error(2, "can be restarted");
        let restarted = xtask(&env, "restart deploy/api --json", "").await.json(0);
        assert_eq!(restarted["objects"][0]["action"], "update", "{restarted}");
        assert_eq!(env.replica_sets().await, 3);

        let paused =
            async || env.get("apps/v1", "Deployment", "api").await.expect("there")["spec"]["paused"].clone();
        xtask(&env, "pause deploy/api", "").await.with(0);
        assert_eq!(paused().await, true);
        xtask(&env, "restart deploy/api", "").await.error(2, "paused");
        xtask(&env, "resume deploy/api", "").await.with(0);
        assert_eq!(paused().await, Value::Null);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_failed_rollout_is_reported_with_its_pods() {
    live("x-report", async |env| {
        let folder = std::env::temp_dir().join(&env.namespace);
        fs::create_dir(&folder).expect("made");
        let report = |name: &str| folder.join(name).display().to_string();
        let command = format!(
            "apply -f - --report {} --report {} --report {}",
            report("a.md"),
            report("a.html"),
            report("a.json")
        );
        xtask(&env, &command, &deployment("api:v1", "/healthz")).await.with(0);
        let out = xtask(&env, &command, &deployment("api:no-such-tag", "/healthz")).await.with(1);
        assert!(out.starts_with("failed; the old state is back after "), "{out}");

        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("written");
        let (markdown, html, json) = (read("a.md"), read("a.html"), read("a.json"));
        fs::remove_dir_all(&folder).expect("removed");
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let events = json["timeline"].as_array().expect("a timeline");
        let phases_of = |pod: &str| -> Vec<&str> {
            let of_pod = events.iter().filter(|event| event["event"] == "pod" && event["pod"] == pod);
            of_pod.filter_map(|event| event["phase"].as_str()).collect()
        };
        let failed = json["cause"]["failures"][0]["pod"].as_str().expect("a pod");
        let phases = phases_of(failed);
        assert!(phases.contains(&"starting") && phases.contains(&"terminating"), "{phases:?}");
        let stayed = events.iter().filter(|event| event["phase"] == "ready").map(|event| &event["pod"]);
        assert!(stayed.clone().count() > 0, "the old pod is told of too: {events:?}");
        for page in [&markdown, &html] {
            assert!(page.contains("failed, the old state is back") && page.contains(failed), "{page}");
        }
        assert!(markdown.contains(&format!("    section {failed}\n")), "{markdown}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn an_interrupted_apply_comes_back() {
    live("x-interrupted", async |env| {
        xtask(&env, "apply -f - --name app", &deployment("api:v1", "/healthz")).await.with(0);
        let child = start(&env, "apply -f - --name app", &deployment("api:v2", "/nowhere")).await;
        let out = interrupted(child, "api changed").await.with(1);
        assert!(out.starts_with("cancelled; the old state is back after "), "{out}");
        assert_eq!(env.image("Deployment").await, "api:v1");
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn charts_and_kustomizations_are_applied() {
    live("x-sources", async |env| {
        let app = config("{{ .Release.Name }}-app", "{{ .Values.a }}");
        let hook = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: before, annotations: {helm.sh/hook: pre-install}}\n";
        let chart = env.chart(&[
            ("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
            ("chart/values.yaml", "a: chart\n"),
            ("chart/templates/app.yaml", &app),
            ("chart/templates/hook.yaml", hook),
            ("values.yaml", "a: file\n"),
            ("base/app.yaml", &config("app", "base")),
            ("base/kustomization.yaml", "resources: [app.yaml]\nnamePrefix: k-\n"),
        ]);
        let path = |name: &str| format!("{}/{name}", chart.path());
        let note = "left out, because only a release runs hooks: ConfigMap before";
        let from_chart = format!("--chart {} --name web --values {}", path("chart"), path("values.yaml"));

        let diff = xtask(&env, &format!("diff {from_chart}"), "").await.with(1);
        assert!(diff.contains("+  a: file\n") && diff.ends_with(&format!("# {note}\n")), "{diff}");
        let applied = xtask(&env, &format!("apply {from_chart} --json"), "").await.json(0);
        assert_eq!(applied["notes"][0], note);
        assert_eq!(value(&env, "web-app").await.as_deref(), Some("file"));
        assert_eq!(value(&env, "before").await, None);
        xtask(&env, &format!("apply {from_chart} --set a=pair --lint"), "").await.with(0);
        assert_eq!(value(&env, "web-app").await.as_deref(), Some("pair"));
        assert_eq!(xtask(&env, &format!("diff {from_chart} --set a=pair"), "").await.with(0), format!("# {note}\n"));

        xtask(&env, &format!("apply -k {}", path("base")), "").await.with(0);
        assert_eq!(value(&env, "k-app").await.as_deref(), Some("base"));

        xtask(&env, &format!("apply -k {}", path("chart")), "").await.error(2, "kubectl kustomize ");
        xtask(&env, &format!("apply --chart {} --name web", path("base")), "").await.error(2, "Chart.yaml");
        xtask(&env, &format!("apply --chart {} --name web", path("none")), "").await.error(2, "No such file");
    })
    .await;
}
