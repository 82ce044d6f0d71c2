//! The chart that both release, as the release `app`.

use deploy_core::chart::Chart as Told;
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::run::Run;
use deploy_k8s::Release;
use deploy_tests::{Chart, Env};
use serde_json::{Map, Value, json};

use super::Client;

const METADATA: &str = "apiVersion: v2\nname: shop\nversion: 1.2.0\nappVersion: \"7\"\n";
const VALUES: &str = r#"{"greeting": "hello", "tag": "v1", "path": "/healthz", "extra": true, "more": false, "label": "", "env": ["A", "B"], "limits": {"cpu": 1, "memory": 2}}"#;
const NOTES: &str = "Say {{ .Values.greeting }} to {{ .Release.Name }}.\n";
/// Objects of which each release changes something: a value, a label, an annotation, an item of a list, a whole object.
const APP: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
  {{- with .Values.label }}
  labels: {example.com/label: {{ . | quote }}, example.com/other: same}
  annotations: {example.com/annotation: {{ . | quote }}}
  {{- end }}
data:
  greeting: {{ .Values.greeting | quote }}
  on: "yes"
  {{- range .Values.env }}
  {{ . }}: ""
  {{- end }}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: {{ .Values.greeting | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  clusterIP: None
  selector: {app: api}
  ports:
  - {name: http, port: 8080}
  {{- if .Values.extra }}
  - {name: metrics, port: 9090}
  {{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: api
        image: $REGISTRY/api:{{ .Values.tag }}
        readinessProbe: {httpGet: {path: {{ .Values.path }}, port: 8080}, periodSeconds: 1}
        env:
        {{- range .Values.env }}
        - {name: {{ . }}, value: {{ $.Values.greeting | quote }}}
        {{- end }}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
data: {a: b}
{{- else }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: instead}
data: {c: d}
{{- end }}
{{- if .Values.more }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: more}
data: {e: f}
{{- end }}
"#;
const HOOKS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata:
  name: before
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "5"}
data: {greeting: {{ .Values.greeting | quote }}}
---
apiVersion: v1
kind: Pod
metadata:
  name: probe
  annotations: {helm.sh/hook: test}
spec:
  terminationGracePeriodSeconds: 1
  automountServiceAccountToken: false
  restartPolicy: Never
  containers: [{name: probe, image: "$REGISTRY/worker:v1", command: ["{{ .Values.probe | default "true" }}"]}]
"#;

/// The chart in the hands of both.
pub(super) struct Shop<'a> {
    pub(super) env: &'a Env,
    pub(super) helm: Client,
    pub(super) chart: Chart,
}

impl<'a> Shop<'a> {
    pub(super) fn new(env: &'a Env, helm: Client) -> Self {
        let files = [
            ("Chart.yaml", METADATA),
            ("values.yaml", VALUES),
            ("templates/NOTES.txt", NOTES),
            ("templates/app.yaml", APP),
            ("templates/hooks.yaml", HOOKS),
        ];
        Self { env, helm, chart: env.chart(&files) }
    }

    /// The release, as this engine sees it.
    pub(super) fn release(&self) -> Release {
        self.env.release("app").holder("scenario")
    }

    /// Installs or upgrades by our hand.
    pub(super) async fn we_release(&self, values: &Value) -> Outcome {
        let outcome = self.try_release(self.release(), values).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"));
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        outcome
    }

    /// The same with another release, whatever comes of it.
    pub(super) async fn try_release(
        &self,
        release: Release,
        values: &Value,
    ) -> deploy_core::error::Result<Outcome> {
        self.try_release_in(self.env.run().0, release, values).await
    }

    /// The same in a run.
    pub(super) async fn try_release_in(
        &self,
        run: Run,
        release: Release,
        values: &Value,
    ) -> deploy_core::error::Result<Outcome> {
        let bundle = self.bundle(values).await;
        release.chart(told(values)).upgrade(&bundle, run).await
    }

    /// What helm makes of the chart.
    async fn bundle(&self, values: &Value) -> Bundle {
        let rendered = self.helm_with(&["template", "app", self.chart.path()], values).await;
        let objects = read("shop", rendered.as_bytes()).expect("good manifests");
        Bundle::builder().objects(objects).namespace(&self.env.namespace).build().expect("a good bundle")
    }

    /// Rolls back by our hand.
    pub(super) async fn we_roll_back(&self, revision: Option<u64>) -> Outcome {
        let outcome = self.release().roll_back(revision, self.env.run().0).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"));
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        outcome
    }

    /// Installs or upgrades by helm's hand.
    pub(super) async fn helm_releases(&self, values: &Value) {
        // Where none are given, helm takes those of before.
        let command = ["upgrade", "--install", "app", self.chart.path(), "--reset-values"];
        self.helm_with(&[&command, self.helm.more].concat(), values).await;
    }

    async fn helm_with(&self, command: &[&str], values: &Value) -> String {
        let values = values.as_object().expect("an object").iter();
        let values: Vec<String> = values.map(|(key, value)| format!("--set-json={key}={value}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.helm(&[command, &values].concat()).await
    }

    /// Rolls back by helm's hand.
    pub(super) async fn helm_rolls_back(&self, revision: u64) {
        self.helm(&[&["rollback", "app", &revision.to_string()], self.helm.more].concat()).await;
    }

    /// What helm says; it must not complain of anything.
    pub(super) async fn helm(&self, command: &[&str]) -> String {
        let (said, complained) = self.env.helm_tells(self.helm.helm, command).await;
        // Helm 4 ends its watches, and its client library may tell of that as of an error.
        let of_a_watch = |line: &&str| line.contains("reflector.go") && line.contains("context canceled");
        let complained: Vec<&str> = complained.lines().filter(|line| !of_a_watch(line)).collect();
        assert!(complained.is_empty(), "helm {}: {complained:?}", command.join(" "));
        said
    }

    /// The same as JSON, without what differs between two runs: times, and the name of the namespace.
    pub(super) async fn helm_json(&self, command: &[&str]) -> Value {
        let said = self.helm(&[command, &["--output", "json"]].concat()).await;
        let said = said.replace(&self.env.namespace, "NAMESPACE");
        let mut json: Value = serde_json::from_str(&said)
            .unwrap_or_else(|error| panic!("helm {}: {error}: {said}", command.join(" ")));
        untimed(&mut json);
        json
    }

    /// Asserts that the history has no gap and nothing pending, and that only the newest revision is deployed.
    pub(super) async fn assert_history(&self, newest: u64) {
        let first = (newest + 1).saturating_sub(10).max(1);
        let status = |revision| if revision == newest { "deployed" } else { "superseded" };
        let expected: Vec<_> = (first..=newest).map(|revision| (revision, status(revision))).collect();
        self.assert_statuses(&expected).await;
    }

    /// Asserts which revisions are recorded, and how they stand: as helm reads it, and as we do.
    pub(super) async fn assert_statuses(&self, expected: &[(u64, &str)]) {
        let history = self.helm_json(&["history", "app"]).await;
        let told = history.as_array().expect("a list").iter().map(|one| {
            (one["revision"].as_u64().expect("a number"), one["status"].as_str().expect("a word"))
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "helm's");
        let ours = self.release().revisions().await.expect("a history");
        let ours: Vec<_> = ours.iter().rev().map(|one| (one.revision, one.status.as_str())).collect();
        assert_eq!(ours, expected, "ours");
    }

    /// What is said of a revision: by helm, and the same by us.
    pub(super) async fn description(&self, revision: u64) -> String {
        let history = self.helm_json(&["history", "app"]).await;
        let told = history.as_array().expect("a list").iter().find(|one| one["revision"] == revision);
        let ours = self.release().get(Some(revision)).await.expect("it is recorded").revision.description;
        let ours = ours.replace(&self.env.namespace, "NAMESPACE");
        assert_eq!(told.expect("it is recorded")["description"], ours.as_str());
        ours
    }
}

/// What we tell of the chart: what helm records of it.
fn told(values: &Value) -> Told {
    let map = |json: &str| serde_json::from_str::<Map<String, Value>>(json).expect("an object");
    let defaults = map(VALUES);
    let greeting = values.get("greeting").or(defaults.get("greeting")).and_then(Value::as_str);
    let notes = format!("Say {} to app.\n", greeting.expect("a text"));
    Told::new("shop", "1.2.0")
        .app_version("7")
        .defaults(defaults)
        .values(map(&values.to_string()))
        .notes(notes)
}

/// Takes away what differs between two runs.
fn untimed(value: &mut Value) {
    const TIMES: [&str; 9] = [
        "updated",
        "deployedAt",
        "first_deployed",
        "last_deployed",
        "deleted",
        "started_at",
        "completed_at",
        "createdAt",
        "modifiedAt",
    ];
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !TIMES.contains(&key.as_str()));
            map.values_mut().for_each(untimed);
        }
        Value::Array(items) => items.iter_mut().for_each(untimed),
        _ => {}
    }
}

/// Values that change something of every object, and which objects there are.
pub(super) fn changed() -> Value {
    json!({"greeting": "hi", "tag": "v2", "extra": false, "label": "x", "env": ["B", "C"]})
}

/// Values of an image that the registry does not have, and with the object `instead`.
pub(super) fn bad() -> Value {
    json!({"tag": "does-not-exist", "extra": false})
}
