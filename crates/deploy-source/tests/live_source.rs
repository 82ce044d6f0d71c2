//! The real helm, 3 and 4, and the real kubectl.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::conformance;
use deploy_core::error::ErrorKind;
use deploy_core::manifest::Object;
use deploy_core::source::Source;
use deploy_source::{HelmChart, Kustomization, Rendered, split_hooks};
use serde_json::{Value, json};

use support::folder;

#[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the tools are")]
fn tool(variable: &str) -> PathBuf {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run  eval \"$(tests/cluster/up)\"  first"))
        .into()
}

/// A test of each helm.
macro_rules! both_helms {
    ($name:ident, async |$helm:ident, $folder:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($helm: PathBuf, $folder: &str) $text

            #[tokio::test]
            #[ignore = "needs helm 3: tests/cluster/up"]
            async fn helm_3() {
                text(tool("HELM3"), concat!(stringify!($name), "-3")).await;
            }

            #[tokio::test]
            #[ignore = "needs helm 4: tests/cluster/up"]
            async fn helm_4() {
                text(tool("HELM"), concat!(stringify!($name), "-4")).await;
            }
        }
    };
}

const CHART: &str = "apiVersion: v2
name: shop
version: 1.2.0
appVersion: \"7\"
description: sells
dependencies: [{name: db, version: 0.1.0, condition: db.enabled}]
";

const VALUES: &str = "greeting: hello
image: {tag: v1, pull: true}
limits: {cpu: 1, memory: 2}
db: {enabled: true, size: 5}
";

const APP: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-app
  namespace: {{ .Release.Namespace }}
data:
  greeting: {{ .Values.greeting | quote }}
  image: \"{{ .Values.image.tag }} {{ .Values.image.pull }}\"
  limits: {{ .Values.limits | toJson | quote }}
  upgrade: \"{{ .Release.IsUpgrade }} {{ .Release.IsInstall }}\"
  kubernetes: {{ .Capabilities.KubeVersion.Version }}
  widgets: \"{{ .Capabilities.APIVersions.Has \"example.com/v1\" }}\"
  found: {{ lookup \"v1\" \"Namespace\" \"\" \"default\" | toJson | quote }}
---
# A comment.
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-api
";

const NOTES: &str = "Say {{ .Values.greeting }} to {{ include \"shop.name\" . }}, {{ .Values.image.tag }}{{ .Values.nothing }}\n";

fn hook(name: &str, hook: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations: {{helm.sh/hook: \"{hook}\"}}\n"
    )
}

fn crd(name: &str) -> String {
    format!(
        "# Source: somebody/templates/else.yaml\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {name}.example.com\n"
    )
}

/// A chart with all that a chart may have.
fn shop(name: &str) -> PathBuf {
    let (before, test) = (hook("before", "pre-install,pre-upgrade"), hook("check", "test"));
    let crds = format!("{}---\n{}", crd("widgets"), crd("gadgets"));
    folder(
        name,
        &[
            ("shop/Chart.yaml", CHART),
            ("shop/values.yaml", VALUES),
            ("shop/.helmignore", "deploy*\nignored.yaml\n"),
            ("shop/templates/app.yaml", APP),
            ("shop/templates/ignored.yaml", "not: [yaml"),
            ("shop/templates/_names.tpl", "{{ define \"shop.name\" }}{{ .Chart.Name }}-{{ .Release.Name }}{{ end }}"),
            ("shop/templates/hooks.yaml", &before),
            ("shop/templates/tests/test.yaml", &test),
            ("shop/templates/NOTES.txt", NOTES),
            ("shop/crds/z.yaml", &crds),
            ("shop/crds/readme.md", "not: [yaml"),
            ("shop/charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 0.1.0\n"),
            ("shop/charts/db/values.yaml", "size: 1\nengine: postgres\n"),
            (
                "shop/charts/db/templates/db.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData: {size: \"{{ .Values.size }}\", engine: {{ .Values.engine }}}\n",
            ),
            ("shop/charts/db/templates/NOTES.txt", "of the subchart"),
            ("shop/charts/db/crds/db.yaml", &crd("dbs")),
        ],
    )
    .join("shop")
}

fn ids(objects: &[Object]) -> Vec<String> {
    objects.iter().map(|object| format!("{} {}", object.id(), object.origin().unwrap())).collect()
}

fn data(rendered: &Rendered) -> Value {
    let app = rendered.objects.iter().find(|object| object.kind() == "ConfigMap").unwrap();
    app.get("/data").unwrap().clone()
}

both_helms!(a_chart_with_all_that_it_may_have, async |helm, name| {
    let chart = shop(name);
    let plain = HelmChart::new(&chart, "web").program(&helm).lint(true);
    let rendered = plain.render().await.unwrap();
    let (deployed, hooks) = split_hooks(rendered.objects.clone());
    assert_eq!(
        ids(&deployed),
        [
            "Secret db shop/charts/db/templates/db.yaml:1:1",
            "ConfigMap default/web-app shop/templates/app.yaml:1:1",
            "Service web-api shop/templates/app.yaml:16:1",
        ]
    );
    assert_eq!(
        ids(&hooks),
        ["Job before shop/templates/hooks.yaml:1:1", "Job check shop/templates/tests/test.yaml:1:1"]
    );
    let definition = "CustomResourceDefinition";
    assert_eq!(
        ids(&rendered.crds),
        [
            format!("{definition} widgets.example.com shop/crds/z.yaml:2:1"),
            format!("{definition} gadgets.example.com shop/crds/z.yaml:8:1"),
            format!("{definition} dbs.example.com shop/charts/db/crds/db.yaml:2:1"),
        ]
    );
    let all = [rendered.crds.clone(), rendered.objects.clone()].concat();
    assert_eq!(plain.load().await.unwrap(), all);

    let Rendered { chart: recorded, .. } = &rendered;
    assert_eq!(recorded.to_string(), "shop-1.2.0");
    let metadata = json!({
        "apiVersion": "v2", "name": "shop", "version": "1.2.0", "appVersion": "7", "description": "sells",
        "dependencies": [{"name": "db", "version": "0.1.0", "repository": "", "condition": "db.enabled"}],
    });
    assert_eq!(Value::from(recorded.metadata.clone()), metadata);
    assert_eq!(Value::from(recorded.values.clone()), json!({}));
    // Helm itself records the subchart's own values as well, and the room for global ones.
    let db = json!({"enabled": true, "size": 5, "engine": "postgres", "global": {}});
    let defaults = json!({
        "greeting": "hello", "image": {"tag": "v1", "pull": true}, "limits": {"cpu": 1, "memory": 2}, "db": db,
    });
    assert_eq!(Value::from(recorded.defaults.clone()), defaults);
    assert_eq!(recorded.notes, "Say hello to shop-web, v1\n");
    let found = data(&rendered);
    assert_eq!((&found["upgrade"], &found["found"]), (&json!("false true"), &json!("{}")));

    // An archive is the same.
    let packed = chart.with_file_name("packed");
    let status = tokio::process::Command::new(&helm)
        .arg("package")
        .args([&chart, Path::new("--destination"), &packed])
        .output()
        .await
        .unwrap();
    assert!(status.status.success());
    let archive = HelmChart::new(packed.join("shop-1.2.0.tgz"), "web").program(&helm);
    assert_eq!(archive.render().await.unwrap(), rendered);
});

both_helms!(values_and_options, async |helm, name| {
    let chart = shop(name);
    let folder = chart.parent().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    let first = write("-first, \"odd\".yaml", "greeting: first\nimage: {tag: first}\nlimits: {cpu: 9}\n");
    let second = write("second.json", r#"{"image": {"tag": "second"}, "db": {"size": 7}}"#);
    let rendered = HelmChart::new(&chart, "web")
        .program(&helm)
        .namespace("prod")
        .values(first)
        .values(second)
        .set("greeting=a\\, b=c,limits.cpu=null")
        .set("list={x,y},count=3")
        .set_string("zip=0123,text=3")
        .upgrade(true)
        .kube_version("v1.29.3")
        .api_version("example.com/v1")
        .render()
        .await
        .unwrap();
    let expect = json!({
        "greeting": "a, b=c", "image": "second true", "limits": "{\"memory\":2}", "upgrade": "true false",
        "kubernetes": "v1.29.3", "widgets": "true", "found": "{}",
    });
    assert_eq!(data(&rendered), expect);
    assert_eq!(rendered.objects[1].namespace(), Some("prod"));
    assert_eq!(rendered.chart.notes, "Say a, b=c to shop-web, second\n");
    let given = json!({
        "greeting": "a, b=c", "image": {"tag": "second"}, "limits": {"cpu": null}, "db": {"size": 7},
        "list": ["x", "y"], "count": 3, "zip": "0123", "text": "3",
    });
    assert_eq!(Value::from(rendered.chart.values.clone()), given);
    assert_eq!(rendered.chart.defaults["db"]["size"], 5, "what was given is no default");
    assert_eq!(rendered.chart.defaults["limits"], json!({"cpu": 1, "memory": 2}));

    // A subchart that is switched off is not there.
    let without =
        HelmChart::new(&chart, "web").program(&helm).set("db.enabled=false").render().await.unwrap();
    assert!(without.objects.iter().all(|object| object.name() != "db") && without.crds.len() == 2);
});

both_helms!(values_of_before, async |helm, name| {
    let values = |value: Value| serde_json::from_value(value).unwrap();
    let chart = HelmChart::new(shop(name), "web").program(&helm).lint(true).set("image.tag=now");
    let before =
        json!({"greeting": "before", "image": {"tag": "before", "pull": false}, "limits": {"cpu": null}});
    let chart = chart.given(values(before));
    let rendered = chart.render().await.unwrap();
    let found = data(&rendered);
    assert_eq!(
        (&found["greeting"], &found["image"], &found["limits"]),
        (&json!("before"), &json!("now false"), &json!("{\"memory\":2}"))
    );
    let given =
        json!({"greeting": "before", "image": {"tag": "now", "pull": false}, "limits": {"cpu": null}});
    assert_eq!(Value::from(rendered.chart.values), given);
    assert_eq!(rendered.chart.defaults["limits"], json!({"cpu": 1, "memory": 2}));

    // Of the chart's own nothing is left, but of its subchart's.
    let defaults = json!({"limits": {"memory": 8, "cpu": 7}, "db": {"enabled": true, "size": 9}});
    let rendered = chart.defaults(values(defaults)).render().await.unwrap();
    assert_eq!(data(&rendered)["limits"], "{\"memory\":8}");
    assert_eq!(Value::from(rendered.chart.values), given);
    let db = json!({"enabled": true, "size": 9, "engine": "postgres", "global": {}});
    assert_eq!(Value::from(rendered.chart.defaults), json!({"limits": {"memory": 8, "cpu": 7}, "db": db}));
    assert_eq!(
        (rendered.objects.len(), rendered.crds.len(), &*rendered.chart.notes),
        (5, 3, "Say before to shop-web, now\n")
    );
});

/// What Helm 4 tells of an install without a cluster; Helm 3 asks the API server first.
#[tokio::test]
#[ignore = "needs helm 4: tests/cluster/up"]
async fn what_is_recorded_is_what_helm_records() {
    let (chart, helm) = (shop("as-helm-records"), tool("HELM"));
    let pairs = ["greeting=hi,limits.cpu=null,db.size=3", "big=1000000000,f=1.5,n=007,t=a\\,b,l={x,y}"];
    let mut command = tokio::process::Command::new(&helm);
    command.args(["install", "web", "--dry-run=client", "--output=json", "--namespace=prod"]).arg(&chart);
    command.args(pairs.map(|pair| format!("--set={pair}"))).env("KUBECONFIG", chart.join("none"));
    let output = command.output().await.unwrap();
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours = HelmChart::new(&chart, "web").program(&helm).namespace("prod").set(pairs[0]).set(pairs[1]);
    let Rendered { chart: ours, objects, .. } = ours.render().await.unwrap();

    assert_eq!(Value::from(ours.values), theirs["config"]);
    assert_eq!(ours.notes, theirs["info"]["notes"]);
    let mut metadata = theirs["chart"]["metadata"].clone();
    // What Helm fills in while it works.
    metadata["dependencies"][0].as_object_mut().unwrap().remove("enabled");
    assert_eq!(Value::from(ours.metadata), metadata);
    let mut defaults = theirs["chart"]["values"].clone();
    // Given, so it is never seen; what was given takes its place in any case.
    defaults["db"]["size"] = ours.defaults["db"]["size"].clone();
    assert_eq!(Value::from(ours.defaults), defaults);

    let (deployed, hooks) = split_hooks(objects);
    let manifest = theirs["manifest"].as_str().unwrap();
    assert_eq!(deployed, deploy_core::manifest::read("manifest", manifest.as_bytes()).unwrap());
    let hooks: Vec<_> = hooks.iter().map(|hook| json!([hook.name(), hook.origin().unwrap().file])).collect();
    let theirs: Vec<_> =
        theirs["hooks"].as_array().unwrap().iter().map(|hook| json!([hook["name"], hook["path"]])).collect();
    assert_eq!(hooks, theirs);
}

both_helms!(small_charts, async |helm, name| {
    let folder = folder(name, &[]);
    let chart = |name: &str, files: &[(&str, &str)]| {
        let path = folder.join(name);
        fs::create_dir_all(path.join("templates")).unwrap();
        fs::write(path.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"))
            .unwrap();
        for (file, text) in files {
            fs::write(path.join(file), text).unwrap();
        }
        HelmChart::new(path, "web").program(&helm)
    };
    let nothing = chart("nothing", &[]);
    let rendered = nothing.render().await.unwrap();
    assert_eq!((rendered.objects.len(), rendered.crds.len(), &*rendered.chart.notes), (0, 0, ""));
    let error = nothing.load().await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.message().contains("no manifest"), "{error}");

    let quiet =
        chart("quiet", &[("templates/NOTES.txt", "{{- if false }}x{{ end }}"), ("values.yaml", "# none\n")]);
    assert_eq!(quiet.render().await.unwrap().chart.notes, "");

    // A value that stands twice: Helm takes the last one, and so does the record.
    let twice = chart("twice", &[("values.yaml", "a: 1\na: 2\n")]);
    assert_eq!(twice.render().await.unwrap().chart.defaults["a"], 2);
});

both_helms!(what_does_not_render, async |helm, name| {
    let folder = folder(name, &[]);
    let check = async |files: &[(&str, &str)], change: fn(HelmChart) -> HelmChart, expect: &[&str]| {
        let path = folder.join("bad");
        let _ = fs::remove_dir_all(&path);
        let files = [&[("Chart.yaml", "apiVersion: v2\nname: bad\nversion: 0.1.0\n")], files].concat();
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let error = change(HelmChart::new(&path, "web").program(&helm)).render().await.unwrap_err();
        let told = error.to_string().replace(&format!("{}/", folder.display()), "");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{told}");
        for text in expect {
            assert!(told.contains(text), "no \"{text}\" in {told}");
        }
        assert!(!told.contains("hunter") && !told.contains('\n') && !told.contains("Error:"), "{told}");
    };
    let same: fn(HelmChart) -> HelmChart = |chart| chart;
    let required = "{{ required \"greeting is required\" .Values.greeting }}";
    let app = "templates/app.yaml";
    let mine = "helm template bad: ";
    check(&[(app, required)], same, &[mine, "bad/templates/app.yaml:1:3", "greeting is required"]).await;
    check(&[(app, "{{ .Values.a.b.c }}")], same, &[mine, "nil pointer evaluating interface {}.b"]).await;
    check(&[(app, "kind: [\n")], same, &[mine, "YAML parse error on bad/templates/app.yaml"]).await;
    check(&[(app, "{{ if }}")], same, &[mine, "bad/templates/app.yaml:1", "missing value for if"]).await;
    check(&[("templates/NOTES.txt", "{{ fail \"no notes\" }}")], same, &[mine, "no notes"]).await;
    check(&[(app, "kind: A\n")], same, &["bad/templates/app.yaml:1:1: A: apiVersion is missing"]).await;
    check(&[("Chart.yaml", "apiVersion: v2\nname: bad\n")], same, &["helm package bad: ", "version"]).await;
    check(&[("Chart.yaml", ": : :")], same, &["helm package bad: "]).await;
    check(&[("values.yaml", "a: [\n")], same, &["helm package bad: ", "values.yaml"]).await;
    let lists = "apiVersion: v2\nname: bad\nversion: 0.1.0\ndependencies: [{name: db, version: 1.0.0}]\n";
    check(&[("Chart.yaml", lists)], same, &["db", "missing in charts"]).await;
    let schema = r#"{"properties": {"replicas": {"type": "integer"}}}"#;
    check(
        &[("values.schema.json", schema)],
        |chart| chart.set("replicas=hunter2"),
        &[mine, "replicas", "integer"],
    )
    .await;
    check(&[], |chart| chart.set("a.hunter2"), &[mine, "failed parsing --set data", "has no value"]).await;
    check(&[(app, "{{ fail .Values.a }}")], |chart| chart.set("a=hunter2"), &[mine, "***"]).await;
    check(&[], |chart| chart.kube_version("x"), &[mine, "x"]).await;
    check(&[(app, "{{ .Values.a.b.c }}")], |chart| chart.lint(true), &["helm lint bad: templates/: "]).await;
});

both_helms!(names_that_begin_with_a_dash, async |helm, name| {
    let chart = shop(name);
    let odd = chart.with_file_name("-chart");
    fs::rename(&chart, &odd).unwrap();
    let error = HelmChart::new(&odd, "-x").program(&helm).render().await.unwrap_err();
    assert!(
        error.message().contains("invalid release name") || error.message().contains("\"-x\": invalid"),
        "{error}"
    );
    let rendered = HelmChart::new(&odd, "x").program(&helm).namespace("--debug").render().await.unwrap();
    assert_eq!(rendered.objects[1].namespace(), Some("--debug"));
    let set = HelmChart::new(&odd, "x").program(&helm).set("--greeting=--help").render().await.unwrap();
    assert_eq!(set.chart.values["--greeting"], "--help");
});

#[cfg(unix)]
both_helms!(values_through_a_pipe, async |helm, name| {
    let chart = shop(name);
    let pipe = chart.with_file_name("pipe");
    let made = tokio::process::Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    let path = pipe.clone();
    let writer = tokio::task::spawn_blocking(move || fs::write(path, "greeting: piped\n"));
    let source = HelmChart::new(&chart, "web").program(&helm).lint(true).values(&pipe);
    let rendered = source.render().await.unwrap();
    writer.await.unwrap().unwrap();
    assert_eq!(data(&rendered)["greeting"], "piped");
    assert_eq!(rendered.chart.values["greeting"], "piped");
});

both_helms!(time_is_bounded, async |helm, name| {
    let chart = shop(name);
    let error = HelmChart::new(&chart, "web").program(&helm).timeout(Duration::from_millis(1)).render().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
});

const OBJECT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: api
        image: registry.example/api:v1
";

#[tokio::test]
#[ignore = "needs kubectl: tests/cluster/up"]
async fn a_kustomization() {
    let overlay = "resources: [../base]\nnamePrefix: prod-\nnamespace: prod\nimages: [{name: registry.example/api, newTag: v7}]\nconfigMapGenerator: [{name: app, literals: [a=b]}]\n";
    let folder = folder(
        "kustomization",
        &[
            ("base/kustomization.yaml", "resources: [api.yaml]\n"),
            ("base/api.yaml", OBJECT),
            ("-prod/kustomization.yaml", overlay),
            ("bad/kustomization.yaml", "resources: [nowhere.yaml]\n"),
            ("charts/kustomization.yaml", "helmCharts: [{name: x, repo: \"https://registry.example\"}]\n"),
            ("none/api.yaml", OBJECT),
        ],
    );
    let build = async |name: &str| {
        let source = Kustomization::new(folder.join(name)).program(tool("KUBECTL"));
        source.load().await.map_err(|error| (error.kind(), error.to_string()))
    };
    let objects = build("-prod").await.unwrap();
    let deployment = objects.iter().find(|object| object.kind() == "Deployment").unwrap();
    assert_eq!(deployment.id().to_string(), "Deployment prod/prod-api");
    let image = deployment.get("/spec/template/spec/containers/0/image").unwrap();
    assert_eq!(image, "registry.example/api:v7");
    let origin = deployment.origin().unwrap();
    let command = format!("kubectl kustomize {}", folder.join("-prod").display());
    assert!(*origin.file == *command && origin.line > 1, "{origin}");
    assert!(objects.iter().any(|object| object.name().starts_with("prod-app-")), "{objects:?}");

    let check = async |name: &str, text: &str| {
        let (kind, told) = build(name).await.unwrap_err();
        let command = format!("kubectl kustomize {}: ", folder.join(name).display());
        assert_eq!(kind, ErrorKind::InvalidInput, "{told}");
        assert!(told.starts_with(&command) && told.contains(text) && !told.contains("error: "), "{told}");
    };
    check("bad", "nowhere.yaml").await;
    check("none", "unable to find one of 'kustomization.yaml'").await;
    check("charts", "--enable-helm").await;
}

/// Where the texts of the suite lie.
struct Folders {
    path: PathBuf,
    made: AtomicUsize,
    helm: Option<PathBuf>,
}

impl Folders {
    fn new(name: &str, helm: Option<PathBuf>) -> Self {
        Self { path: folder(name, &[]), made: AtomicUsize::new(0), helm }
    }
}

#[async_trait]
impl conformance::source::Fixture for Folders {
    async fn source(&self, name: &str, text: &str) -> Box<dyn Source> {
        let folder = self.path.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        match &self.helm {
            Some(helm) => {
                write(folder.join("Chart.yaml"), "apiVersion: v2\nname: suite\nversion: 0.1.0\n");
                write(folder.join("templates").join(name), text);
                Box::new(HelmChart::new(folder, "suite").program(helm))
            }
            // What it builds is called after its folder.
            None => {
                write(
                    folder.join(name).join("kustomization.yaml"),
                    "resources: [text.yaml]\nsortOptions: {order: fifo}\n",
                );
                write(folder.join(name).join("text.yaml"), text);
                Box::new(Kustomization::new(folder.join(name)).program(tool("KUBECTL")))
            }
        }
    }
}

both_helms!(conforms, async |helm, name| {
    let made = AtomicUsize::new(0);
    let another = || format!("{name}/{}", made.fetch_add(1, Ordering::Relaxed));
    conformance::source::run(async || Folders::new(&another(), Some(helm.clone()))).await;
});

#[tokio::test]
#[ignore = "needs kubectl: tests/cluster/up"]
async fn a_kustomization_conforms() {
    let made = AtomicUsize::new(0);
    let another = || format!("conforms-kustomization/{}", made.fetch_add(1, Ordering::Relaxed));
    conformance::source::run(async || Folders::new(&another(), None)).await;
}
