//! Hooks that helm recorded, run by us: at the same events, in the same way, and the same is left of them.

use deploy_core::outcome::{Outcome, Status};
use deploy_tests::{Chart, Env};
use serde_json::Value;

use super::live::assert_same;
use super::{Client, beside_helm_alone, for_each_helm};

const METADATA: &str = "apiVersion: v2\nname: hooked\nversion: 1.2.0\n";
const EVENTS: &str =
    "pre-install post-install pre-upgrade post-upgrade pre-rollback post-rollback pre-delete post-delete";
/// At each event a hook that stays and one that goes; with two releases, two of each.
const HOOKS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {a: {{ .Values.a | quote }}}
{{- range splitList " " .Values.events }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ . }}, annotations: {helm.sh/hook: {{ . }}, example.com/written: {{ $.Values.a | quote }}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ . }}-gone, annotations: {helm.sh/hook: {{ . }}, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}}
{{- end }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-upgrade,pre-rollback,pre-delete"}}
spec:
  template:
    metadata: {annotations: {example.com/written: {{ .Values.a | quote }}}}
    spec:
      terminationGracePeriodSeconds: 1
      restartPolicy: Never
      containers: [{name: migrate, image: $REGISTRY/worker:v1, command: ["true"]}]
"#;

struct Hooked<'a> {
    env: &'a Env,
    helm: Client,
    chart: Chart,
}

impl<'a> Hooked<'a> {
    fn new(env: &'a Env, helm: Client) -> Self {
        let values = format!("events: {EVENTS}\n");
        let files = [("Chart.yaml", METADATA), ("values.yaml", &values), ("templates/app.yaml", HOOKS)];
        Self { env, helm, chart: env.chart(&files) }
    }

    async fn helm(&self, command: &[&str]) -> String {
        self.env.helm_says(self.helm.helm, command).await
    }

    async fn helm_releases(&self, set: &str) {
        self.helm(&["upgrade", "--install", "app", self.chart.path(), "--set-string", set]).await;
    }

    async fn we_release(&self, set: &str) {
        let manifests = self.helm(&["template", "app", self.chart.path(), "--set-string", set]).await;
        let outcome = self.env.release("app").upgrade(&self.env.bundle(&manifests), self.env.run().0).await;
        assert_healthy(&outcome.expect("it started"));
    }
}

fn assert_healthy(outcome: &Outcome) {
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
}

for_each_helm!(we_run_the_hooks_of_helm_3, we_run_the_hooks_of_helm_4, we_run);

async fn we_run(env: &Env, helm: Client) {
    beside_helm_alone(env, async |alone| {
        let (ours, theirs) = (Hooked::new(env, helm), Hooked::new(&alone, helm));
        for shop in [&ours, &theirs] {
            shop.helm_releases("a=1").await;
        }
        ours.we_release("a=2").await;
        theirs.helm_releases("a=2").await;
        assert_same(env, &alone, "upgraded").await;
        let outcome = env.release("app").roll_back(Some(1), env.run().0).await;
        assert_healthy(&outcome.expect("it started"));
        theirs.helm(&["rollback", "app", "1"]).await;
        assert_same(env, &alone, "rolled back").await;
        assert_eq!(migrated(env).await, migrated(&alone).await);
        let outcome = env.release("app").uninstall(false, env.run().0).await;
        assert_healthy(&outcome.expect("it started"));
        theirs.helm(&["uninstall", "app"]).await;
        assert_same(env, &alone, "uninstalled").await;
        assert_eq!(migrated(env).await, migrated(&alone).await);
    })
    .await;
}

for_each_helm!(helm_3_runs_our_hooks, helm_4_runs_our_hooks, helm_runs);

async fn helm_runs(env: &Env, helm: Client) {
    beside_helm_alone(env, async |alone| {
        let (ours, theirs) = (Hooked::new(env, helm), Hooked::new(&alone, helm));
        for set in ["a=1", "a=2"] {
            ours.we_release(set).await;
            theirs.helm_releases(set).await;
            assert_same(env, &alone, set).await;
        }
        for command in [&["rollback", "app", "1"][..], &["uninstall", "app"]] {
            for shop in [&ours, &theirs] {
                shop.helm(command).await;
            }
            assert_same(env, &alone, command[0]).await;
            assert_eq!(migrated(env).await, migrated(&alone).await);
        }
    })
    .await;
}

/// Of which release the last Job is, and whether it came to its end.
async fn migrated(env: &Env) -> (Value, Value) {
    let job = env.get("batch/v1", "Job", "migrate").await.expect("it stays");
    let written = &job["spec"]["template"]["metadata"]["annotations"]["example.com/written"];
    (written.clone(), job["status"]["succeeded"].clone())
}
