//! `release`, beside the real helm.

use deploy_tests::{Env, Helm, live};
use serde_json::Value;

use crate::process::{command, config, deployment, end, interrupted, somebody, start, started, value, xtask};

/// With a readiness probe that answers.
fn api(image: &str) -> String {
    deployment(image, "/healthz")
}

/// The revisions that helm tells of, the oldest first: number, status, description.
async fn history(env: &Env) -> Vec<(u64, String, String)> {
    let told = env.helm_json(Helm::Four, &["history", "app"]).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let revisions = told.as_array().expect("a list").iter();
    revisions
        .map(|one| (one["revision"].as_u64().unwrap_or(0), text(&one["status"]), text(&one["description"])))
        .collect()
}

/// Their statuses alone.
async fn statuses(env: &Env) -> Vec<String> {
    history(env).await.into_iter().map(|(_, status, _)| status).collect()
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn a_release_comes_changes_fails_and_goes() {
    live("x-release-life", async |env| {
        let upgrade = "release upgrade app -f - --git-revision 4f1c2d9 --label team=shop";
        let done = xtask(&env, upgrade, &(api("api:v1") + &config("old", "x"))).await.with(0);
        assert!(done.starts_with("revision 1 deployed after ") && done.ends_with(": 2 created\n"), "{done}");
        let json = xtask(&env, &format!("{upgrade} --json"), &api("api:v2")).await.json(0);
        assert_eq!((&json["status"], &json["revision"]), (&"healthy".into(), &2.into()), "{json}");
        assert_eq!(value(&env, "old").await, None, "the second revision has it no more");

        let bad = format!("release upgrade app -f - --image api={}/api:no-such-tag", env.registry);
        let told = xtask(&env, &bad, &api("api:v2")).await.with(1);
        assert!(told.starts_with("revision 3 failed; the old state is back after "), "{told}");
        assert!(told.contains("/api:no-such-tag\" not found (container \"api\" of pod "), "{told}");
        let json = xtask(&env, &format!("{bad} --json"), &api("api:v2")).await.json(1);
        assert_eq!((&json["status"], &json["revision"]), (&"rolledBack".into(), &5.into()), "{json}");
        assert_eq!(env.image("Deployment").await, "api:v2");

        let table = xtask(&env, "release history app", "").await.with(0);
        assert!(
            table.lines().any(|line| line.starts_with("5 ") && line.contains("no-such-tag\" not found")),
            "{table}"
        );
        let expected = ["superseded", "superseded", "failed", "superseded", "failed", "deployed"];
        assert_eq!(statuses(&env).await, expected);
        let list = env.helm_json(Helm::Four, &["list", "--selector", "team=shop"]).await;
        assert_eq!(list[0]["revision"], "6", "{list}");

        let back = xtask(&env, "release rollback app 1", "").await.with(0);
        assert!(
            back.starts_with("revision 7 deployed after ") && back.contains("1 created, 1 changed"),
            "{back}"
        );
        assert_eq!(
            (env.image("Deployment").await.as_str(), value(&env, "old").await.as_deref()),
            ("api:v1", Some("x"))
        );

        assert_eq!(xtask(&env, "release diff app", "").await.with(0), "");
        somebody(&env, &config("old", "theirs")).await;
        let diff = xtask(&env, "release diff app 2", "").await.with(1);
        assert!(
            diff.contains(&format!("--- live/ConfigMap {}/old\n+++ /dev/null\n", env.namespace)),
            "{diff}"
        );
        let diff = xtask(&env, "release diff app --json", "").await.json(1);
        assert_eq!(diff["objects"].as_array().map(Vec::len), Some(2), "{diff}");
        let diff = xtask(&env, "release diff app", "").await.with(1);
        assert!(diff.contains("\n-  a: theirs\n+  a: x\n") && !diff.contains("Deployment"), "{diff}");
        xtask(&env, "release rollback app 1", "").await.error(1, "somebody");
        assert_eq!(statuses(&env).await.len(), 7, "nothing is written");

        let back = xtask(&env, "release rollback app 1 --force-conflicts --json", "").await.json(0);
        assert_eq!(
            (&back["revision"], value(&env, "old").await.as_deref()),
            (&8.into(), Some("x")),
            "{back}"
        );

        let gone = xtask(&env, "release uninstall app --keep-history", "").await.with(0);
        assert!(gone.starts_with("uninstalled after ") && gone.ends_with(": 2 deleted\n"), "{gone}");
        assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
        assert_eq!(statuses(&env).await.last().map(String::as_str), Some("uninstalled"));
        let json = xtask(&env, "release uninstall app --json", "").await.json(0);
        assert_eq!(json["status"], "healthy", "{json}");
        xtask(&env, "release history app", "").await.error(2, "there is no such release");
    })
    .await;
}

/// A chart with two hooks of one name, a definition and tests.
const CHART: [(&str, &str); 5] = [
    ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.0\nappVersion: \"7\"\n"),
    ("values.yaml", "tests: [\"true\"]\n"),
    (
        "templates/app.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: \"{{ .Release.IsUpgrade }}\"}\n",
    ),
    (
        "templates/hooks.yaml",
        "{{ range tuple \"install\" \"upgrade\" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: before, annotations: {helm.sh/hook: pre-{{ . }}}}
data: {a: {{ . }}}
---
{{ end }}",
    ),
    (
        "templates/tests.yaml",
        "{{ range .Values.tests }}
apiVersion: v1
kind: Pod
metadata: {name: test-{{ . }}, annotations: {helm.sh/hook: test}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers: [{name: test, image: $REGISTRY/api:v1, command: [/bin/sh, -c, echo asked; {{ . }}]}]
---
{{ end }}",
    ),
];

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn a_chart_runs_its_hooks_and_tests() {
    live("x-release-chart", async |env| {
        let chart = env.chart(&CHART);
        let upgrade = format!("release upgrade app --chart {}", chart.path());
        let planned = xtask(&env, &format!("{upgrade} --dry-run"), "").await.with(0);
        assert!(planned.ends_with("planned: 1 to create; nothing was written\n"), "{planned}");

        let ran = async || (value(&env, "before").await, value(&env, "app").await);
        let both = |before: &str, app: &str| (Some(before.to_owned()), Some(app.to_owned()));
        xtask(&env, &upgrade, "").await.with(0);
        assert_eq!(ran().await, both("install", "false"));
        xtask(&env, &upgrade, "").await.with(0);
        assert_eq!(ran().await, both("upgrade", "true"));
        let list = env.helm_json(Helm::Four, &["list"]).await;
        assert_eq!(
            (&list[0]["chart"], &list[0]["app_version"]),
            (&"shop-1.2.0".into(), &"7".into()),
            "{list}"
        );

        let tested = xtask(&env, "release test app", "").await.with(0);
        assert!(
            tested.starts_with("revision 2 tested after ") && tested.ends_with(": 1 passed\n"),
            "{tested}"
        );
        assert!(env.helm_says(Helm::Four, &["status", "app"]).await.contains("Succeeded"));

        xtask(&env, &format!("{upgrade} --set tests={{true,false}}"), "").await.with(0);
        let failed = xtask(&env, "release test app", "").await.with(1);
        assert!(
            failed.starts_with("test of revision 3 failed after ") && failed.contains("| asked\n"),
            "{failed}"
        );
        let json = xtask(&env, "release test app --json", "").await.json(1);
        assert_eq!(json["status"], "failed", "{json}");
        assert!(env.helm_says(Helm::Four, &["status", "app"]).await.contains("Failed"));
        assert_eq!(
            statuses(&env).await.last().map(String::as_str),
            Some("deployed"),
            "the release is as it was"
        );
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn a_namespace_is_made_for_a_release() {
    live("x-release-place", async |env| {
        let place = format!("{}-new", env.namespace);
        let run =
            async |words: &str| end(started(command(&env, &place, words), &config("app", "x")).await).await;
        let planned = run("release upgrade app -f - --create-namespace --dry-run").await.with(0);
        assert!(planned.contains(&format!("\ncreate Namespace {place}\n")), "{planned}");
        run("release upgrade app -f -").await.error(2, &format!("the namespace \"{place}\" must exist"));
        let made = run("release upgrade app -f - --create-namespace").await;
        let found = env.get_in(&place, "v1", "ConfigMap", "app").await;
        env.begin_to_delete_namespace(&place).await;
        assert!(made.with(0).starts_with("revision 1 deployed after ") && found.is_some());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn a_first_install_that_fails_goes_or_is_kept() {
    live("x-release-first", async |env| {
        let bad = api("api:no-such-tag");
        let failed = xtask(&env, "release upgrade app -f -", &bad).await.with(1);
        assert!(failed.starts_with("revision 1 failed; the old state is back after "), "{failed}");
        assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
        assert_eq!(statuses(&env).await, ["failed"]);

        let kept = xtask(&env, "release upgrade app -f - --keep-failed-install", &bad).await.with(1);
        assert!(
            kept.starts_with("revision 2 failed after ") && kept.contains(", and left as it is\n"),
            "{kept}"
        );
        assert_eq!(env.image("Deployment").await, "api:no-such-tag");
        xtask(&env, "release upgrade app -f - --keep-failed-install", &api("api:v1")).await.with(0);
        let back = xtask(&env, "release upgrade app -f - --keep-failed-install", &bad).await.with(1);
        assert!(back.starts_with("revision 4 failed; the old state is back after "), "{back}");
        assert_eq!(env.image("Deployment").await, "api:v1");
        xtask(&env, "release upgrade app -f - --no-atomic", &bad).await.with(1);
        assert_eq!(env.image("Deployment").await, "api:no-such-tag");
        assert_eq!(statuses(&env).await, ["failed", "failed", "superseded", "failed", "deployed", "failed"]);
        xtask(&env, "release rollback app", "").await.with(0);
        assert_eq!(env.image("Deployment").await, "api:v1");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn an_interrupted_upgrade_is_rolled_back() {
    live("x-release-stop", async |env| {
        xtask(&env, "release upgrade app -f -", &api("api:v1")).await.with(0);
        let child = start(&env, "release upgrade app -f -", &deployment("api:v2", "/nowhere")).await;
        let out = interrupted(child, "api changed").await.with(1);
        assert!(out.starts_with("revision 2 cancelled; the old state is back after "), "{out}");
        assert_eq!(env.image("Deployment").await, "api:v1");
        assert_eq!(statuses(&env).await, ["superseded", "failed", "deployed"]);
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn what_helm_left_pending_is_taken_over_where_it_is_asked_for() {
    live("x-release-left", async |env| {
        env.helm(&api("api:v1")).await;
        let endless = deployment("api:v2", "/nowhere");
        let killed = env.helm(&endless);
        let pending = env.eventually("helm is at work", || async {
            statuses(&env).await.last().map(String::as_str) == Some("pending-upgrade")
                && env.image("Deployment").await == "api:v2"
        });
        tokio::select! {
            () = killed => panic!("helm ended"),
            () = pending => {}
        }
        xtask(&env, "release upgrade app -f -", &api("api:v3")).await.error(1, "held by helm");
        let young = "release upgrade app -f - --take-over-helm=20h";
        xtask(&env, young, &api("api:v3")).await.error(1, "held by helm");
        xtask(&env, "release upgrade app -f - --take-over-helm", &api("api:v3")).await.with(0);
        assert_eq!(env.image("Deployment").await, "api:v3");
        assert_eq!(statuses(&env).await, ["superseded", "failed", "deployed"]);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn bad_input_changes_nothing() {
    live("x-release-bad", async |env| {
        let long = "a".repeat(54);
        xtask(&env, &format!("release upgrade {long} -f -"), &config("a", "x"))
            .await
            .error(2, "at most 53 characters, and this has 54");
        xtask(&env, "release upgrade app -f - --label owner=me", &config("a", "x"))
            .await
            .error(2, "the label owner is Helm's own");
        xtask(&env, "release rollback app", "").await.error(2, "there is no such release");
        xtask(&env, "release uninstall app", "").await.error(2, "there is no such release");
        xtask(&env, "release test app", "").await.error(2, "there is no such release");
        xtask(&env, "release diff app", "").await.error(2, "there is no such release");

        let chart = env.chart(&[
            ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.0\n"),
            ("templates/app.yaml", "a: {{ required \"the value a is missing\" .Values.a }}\n"),
        ]);
        let upgrade = format!("release upgrade app --chart {}", chart.path());
        xtask(&env, &upgrade, "").await.error(2, "the value a is missing");
        let mut without_helm = command(&env, &env.namespace, &upgrade);
        without_helm.env("PATH", chart.path());
        end(started(without_helm, "").await).await.error(2, "helm");
        assert_eq!(env.helm_json(Helm::Four, &["list"]).await, Value::Array(Vec::new()));

        xtask(&env, "release upgrade app -f -", &config("app", "x")).await.with(0);
        xtask(&env, "release rollback app 7", "").await.error(2, "revision 7 is not recorded");
        xtask(&env, "release rollback app", "").await.error(2, "name the revision to go back to");
        xtask(&env, "release diff app 7", "").await.error(2, "revision 7 is not recorded");
        xtask(&env, "release test app", "").await.error(2, "revision 1 has no tests");
        xtask(&env, "release upgrade other -f -", &config("app", "z"))
            .await
            .error(1, &format!("belongs to the release {}/app", env.namespace));
        assert_eq!(value(&env, "app").await.as_deref(), Some("x"));
        assert_eq!(statuses(&env).await, ["deployed"]);
        xtask(&env, "release upgrade other -f - --take-ownership", &config("app", "z")).await.with(0);
        assert_eq!(value(&env, "app").await.as_deref(), Some("z"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster and helm: tests/cluster/up"]
async fn releases_are_helms() {
    live("x-release", async |env| {
        assert_eq!(
            xtask(&env, "release list", "").await.with(0),
            format!("no releases in namespace {}\n", env.namespace)
        );
        xtask(&env, "release history app", "").await.error(2, "there is no such release");
        env.helm(&config("app", "x")).await;

        let list = xtask(&env, "release list", "").await.with(0);
        let [head, line] = list.lines().collect::<Vec<_>>()[..] else { panic!("{list}") };
        assert!(
            head.starts_with("NAMESPACE") && line.starts_with(&format!("{}  app   1 ", env.namespace)),
            "{list}"
        );
        let all = xtask(&env, "release list --json", "").await.json(0);
        assert_eq!(
            (&all["releases"][0]["status"], &all["releases"][0]["chart"]),
            (&"deployed".into(), &"app-1.0.0".into())
        );
        let history = xtask(&env, "release history app --json", "").await.json(0);
        assert_eq!(
            (&history["name"], &history["revisions"][0]["description"]),
            (&"app".into(), &"Install complete".into())
        );

        let manifest = xtask(&env, "release get app", "").await.with(0);
        assert!(
            manifest.contains("# Source: app/templates/app.yaml\n") && manifest.ends_with("a: x}\n"),
            "{manifest}"
        );
        assert_eq!(xtask(&env, "release get app --show values", "").await.with(0), "{}\n");
        let whole = xtask(&env, "release get app 1 --json", "").await.json(0);
        assert_eq!(whole["manifest"].as_str().map(str::trim_end), Some(manifest.trim_end()));
        let status = xtask(&env, "release status app", "").await.with(0);
        assert!(
            status.starts_with(&format!(
                "release      {}/app\nrevision     1\nstatus       deployed\n",
                env.namespace
            )),
            "{status}"
        );

        xtask(&env, "release get app 7", "").await.error(2, "revision 7 is not recorded");
        xtask(&env, "release status App", "").await.error(2, "lowercase letters");
    })
    .await;
}
