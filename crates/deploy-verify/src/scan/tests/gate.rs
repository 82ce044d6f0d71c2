use std::sync::Arc;

use deploy_core::clock::SystemClock;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::image::{Digest, Reference};
use deploy_core::memory::{Faults, Faulty, MemoryRegistry};
use deploy_core::registry::{Artifact, Layer};

use super::super::{
    AttachedReport, GivenReports, Ignore, IgnoreList, REPORT_TYPE, ReportSource, ScanPolicy, ScanReport,
};
use super::*;
use crate::misleading::Misleading;

async fn ask(source: impl ReportSource + 'static, policy: ScanPolicy, images: &[&str]) -> Result<Answer> {
    let mut subject = Subject::new("production");
    subject.images = images.iter().copied().map(str::to_owned).collect();
    let clock = Arc::new(SystemClock::starting_at(now()));
    ScanReport::new(source, clock).policy(policy).ask(&subject).await
}

fn on(image: &str, findings: &[&str]) -> Vec<u8> {
    let mut value = report(findings);
    value["ArtifactName"] = image.into();
    value["Metadata"] = Value::Null;
    serde_json::to_vec(&value).unwrap()
}

#[tokio::test]
async fn each_image_has_its_report() {
    let given = || {
        let reports = [("api", &[][..]), ("worker", &["HIGH CVE-1 libssl 1.0 1.1"][..])];
        reports.iter().fold(GivenReports::new(), |given, (name, findings)| {
            given.bytes(*name, on(&format!("registry.example/{name}:v1"), findings))
        })
    };
    let api = "registry.example/api:v1";
    let worker = "registry.example/worker:v1";
    assert!(ask(given(), ScanPolicy::new(), &[api]).await.unwrap().is_yes());
    let Answer::No { why } = ask(given(), ScanPolicy::new(), &[api, worker]).await.unwrap() else { panic!() };
    assert!(why.starts_with("registry.example/worker:v1: 1 of 1 findings refuse"), "{why}");
    let error = ask(given(), ScanPolicy::new(), &[api, "registry.example/web:v1"]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "image registry.example/web:v1: no report is on registry.example/web:v1: api is of registry.example/api:v1, \
         worker is of registry.example/worker:v1 (scan the image under the reference that is deployed)"
    );
    assert!(ask(given(), ScanPolicy::new(), &[]).await.is_err());
    assert!(ask(GivenReports::new(), ScanPolicy::new(), &[api]).await.is_err());
}

#[tokio::test]
async fn one_unreadable_report_decides_nothing() {
    let good = on("registry.example/api:v1", &[]);
    let api = ["registry.example/api:v1"];
    let given = GivenReports::new().bytes("good", good.clone()).bytes("bad", *b"{");
    assert!(
        ask(given, ScanPolicy::new(), &api).await.unwrap_err().to_string().starts_with("read report bad: ")
    );
    let given = GivenReports::new().bytes("good", good).file("no/such/report.json");
    let error = ask(given, ScanPolicy::new(), &api).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_newest_report_counts() {
    let old = on("registry.example/api:v1", &["HIGH CVE-1 libssl 1.0 1.1"]);
    let mut new: Value = serde_json::from_slice(&on("registry.example/api:v1", &[])).unwrap();
    new["CreatedAt"] = "2026-11-21T07:00:00Z".into();
    let new = serde_json::to_vec(&new).unwrap();
    for order in [[("old", &old), ("new", &new)], [("new", &new), ("old", &old)]] {
        let given = order
            .iter()
            .fold(GivenReports::new(), |given, (name, bytes)| given.bytes(*name, (*bytes).clone()));
        assert!(ask(given, ScanPolicy::new(), &["registry.example/api:v1"]).await.unwrap().is_yes());
    }
}

#[tokio::test]
async fn what_nobody_needs_to_ignore_is_named() {
    let entry = |id: &str| Ignore::until(id, "2026-12-31T00:00:00Z".parse().unwrap(), "x");
    let policy = || ScanPolicy::new().ignoring(IgnoreList::new([entry("CVE-1"), entry("CVE-2")]));
    let given = || {
        GivenReports::new()
            .bytes("a", on("registry.example/a:v1", &["HIGH CVE-1 libssl 1.0"]))
            .bytes("b", on("registry.example/b:v1", &["HIGH CVE-2 libssl 1.0"]))
    };
    let Answer::Yes { grounds } = ask(given(), policy(), &["registry.example/a:v1"]).await.unwrap() else {
        panic!()
    };
    assert!(grounds.ends_with("; nothing to ignore by CVE-2 until 2026-12-31 (x)"), "{grounds}");
    let both = ["registry.example/a:v1", "registry.example/b:v1"];
    let Answer::Yes { grounds } = ask(given(), policy(), &both).await.unwrap() else { panic!() };
    assert!(!grounds.contains("nothing to ignore"), "{grounds}");
}

struct Pushed {
    registry: MemoryRegistry,
    image: Reference,
    digest: Digest,
}

fn pushed() -> Pushed {
    let (registry, image) = (MemoryRegistry::new(), "registry.example/api:v1".parse::<Reference>().unwrap());
    let digest = registry.put(&image, "4f1c2d9");
    Pushed { registry, image, digest }
}

impl Pushed {
    fn report(&self, created: &str, findings: &[&str]) -> Vec<u8> {
        let mut value = report(findings);
        value["CreatedAt"] = created.into();
        value["Metadata"]["RepoDigests"] = json!([format!("registry.example/api@{}", self.digest)]);
        serde_json::to_vec(&value).unwrap()
    }

    fn attach(&self, content: &[u8]) {
        self.registry.attach(self.image.repository(), &self.digest, REPORT_TYPE, content);
    }

    fn attach_annotated(&self, created: &str, content: &[u8]) {
        let blob = Digest::sha256(content);
        let mut artifact = Artifact::new(Digest::sha256(created.as_bytes()), REPORT_TYPE);
        artifact.subject = Some(self.digest.clone());
        artifact.annotations.insert("org.opencontainers.image.created".into(), created.into());
        artifact.layers.push(Layer::new(blob.clone(), REPORT_TYPE, content.len() as u64));
        self.registry.put_artifact(self.image.repository(), artifact, [(blob, content.to_vec())]);
    }

    async fn ask(&self) -> Result<Answer> {
        let source = AttachedReport::new(Arc::new(self.registry.clone()));
        ask(source, ScanPolicy::new(), &[&self.image.to_string()]).await
    }
}

#[tokio::test]
async fn an_attached_report_is_found() {
    let pushed = pushed();
    let error = pushed.ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("no report is attached to registry.example/api:v1@sha256:"),
        "{error}"
    );
    pushed.registry.attach(pushed.image.repository(), &pushed.digest, "application/spdx+json", b"{}");
    pushed.attach(&pushed.report("2026-11-20T10:00:00Z", &["HIGH CVE-1 libssl 1.0"]));
    assert!(!pushed.ask().await.unwrap().is_yes());
    pushed.attach(&pushed.report("2026-11-21T10:00:00Z", &[]));
    let Answer::Yes { grounds } = pushed.ask().await.unwrap() else { panic!() };
    assert!(grounds.contains("in a report of 2026-11-21T10:00:00Z"), "{grounds}");
    // The tag moved on to an image that nobody scanned.
    pushed.registry.put(&pushed.image, "77aa001");
    assert_eq!(pushed.ask().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn with_a_registry_only_what_the_tag_stands_for_counts() {
    let pushed = pushed();
    let given = GivenReports::new().bytes("old", pushed.report("2026-11-20T10:00:00Z", &[]));
    let clock = Arc::new(SystemClock::starting_at(now()));
    let gate = ScanReport::new(given, clock).registry(Arc::new(pushed.registry.clone()));
    let mut subject = Subject::new("production");
    subject.images.push(pushed.image.to_string());
    assert!(gate.ask(&subject).await.unwrap().is_yes());
    pushed.registry.put(&pushed.image, "77aa001");
    let error = gate.ask(&subject).await.unwrap_err().to_string();
    assert!(error.contains("no report is on registry.example/api:v1@sha256:"), "{error}");
}

#[tokio::test]
async fn an_attached_report_of_another_image_decides_nothing() {
    let pushed = pushed();
    pushed.attach(&serde_json::to_vec(&report(&[])).unwrap());
    let error = pushed.ask().await.unwrap_err();
    assert!(error.to_string().contains("no report is on registry.example/api:v1@sha256:"), "{error}");
    pushed.attach(b"not a report");
    assert!(pushed.ask().await.unwrap_err().to_string().contains("it is no report of Trivy"));
}

#[tokio::test]
async fn what_refers_to_another_image_decides_nothing() {
    let pushed = pushed();
    pushed.attach(&pushed.report("2026-11-20T10:00:00Z", &[]));
    let registry = Misleading::new(pushed.registry.clone(), pushed.digest.clone());
    let source = AttachedReport::new(Arc::new(registry));
    let error = ask(source, ScanPolicy::new(), &["registry.example/api:v1"]).await.unwrap_err().to_string();
    assert!(error.contains("it does not refer to sha256:"), "{error}");
}

#[tokio::test]
async fn many_reports_are_told_apart_by_their_annotation() {
    let pushed = pushed();
    for day in 1..=28 {
        for hour in [10, 20] {
            let created = format!("2026-10-{day:02}T{hour}:00:00Z");
            pushed.attach_annotated(&created, &pushed.report(&created, &["HIGH CVE-1 libssl 1.0"]));
        }
    }
    assert!(!pushed.ask().await.unwrap().is_yes());
    pushed.attach_annotated("2026-11-01T10:00:00Z", &pushed.report("2026-11-01T10:00:00Z", &[]));
    assert!(pushed.ask().await.unwrap().is_yes());
    pushed.attach(&pushed.report("2026-10-01T10:00:00Z", &[]));
    let error = pushed.ask().await.unwrap_err().to_string();
    assert!(error.contains("58 reports are attached to"), "{error}");
}

#[tokio::test]
async fn a_registry_that_fails_decides_nothing() {
    let pushed = pushed();
    pushed.attach(&pushed.report("2026-11-20T10:00:00Z", &[]));
    // Resolved, listed, its manifest and its content: each before and after.
    for step in 0..8 {
        let faults = Faults::new();
        faults.fail_at(step, ErrorKind::Unavailable);
        let registry = Faulty::new(Arc::new(pushed.registry.clone()), faults);
        let source = AttachedReport::new(Arc::new(registry));
        let error = ask(source, ScanPolicy::new(), &["registry.example/api:v1"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{step}: {error}");
    }
}
