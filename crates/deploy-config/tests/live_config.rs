//! What the real kubectl makes of files that were edited.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

use std::fs;

use deploy_config::store::{Kustomization, YamlFile};
use deploy_core::config::{ConfigStore, Edit, Note};

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  template:
    spec:
      containers:
      - name: api
        image: api:dev # by CI
      - name: web
        image: web:dev
        env:
        - name: MODE
          value: x
      - name: job
        image: job:dev
";

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own edge: the real kubectl, where the environment has it"
)]
fn kustomize(folder: &std::path::Path) -> String {
    let kubectl = std::env::var("KUBECTL")
        .unwrap_or_else(|_| panic!("KUBECTL is not set: run  eval \"$(tests/cluster/up)\"  first"));
    let output = std::process::Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs kubectl: tests/cluster/up"]
async fn kubectl_renders_the_images_that_were_set() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kustomization.yaml");
    fs::write(folder.path().join("shop.yaml"), DEPLOYMENT).unwrap();
    fs::write(&path, "resources: [shop.yaml] # all\nimages:\n- name: web\n  digest: sha256:00\n").unwrap();
    let images = [
        ("api", "ghcr.io/acme/api:1.10".to_owned()),
        ("web", "web:v2".to_owned()),
        ("job", format!("ghcr.io/acme/job:v3@{digest}")),
    ];
    let edits: Vec<Edit> = images.iter().map(|(name, image)| Edit::put(*name, image)).collect();
    Kustomization::new(&path).set(&edits, &Note::new("a test")).await.unwrap();
    let rendered = kustomize(folder.path());
    for (_, image) in images {
        assert!(rendered.contains(&format!("image: {image}\n")), "{image}:\n{rendered}");
    }
}

/// What a value looks like must not make it anything but text.
#[tokio::test]
#[ignore = "needs kubectl: tests/cluster/up"]
async fn kubectl_reads_text_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.yaml");
    fs::write(folder.path().join("kustomization.yaml"), "resources: [shop.yaml]\n").unwrap();
    fs::write(&path, DEPLOYMENT).unwrap();
    let store = YamlFile::new(&path);
    let key = "spec.template.spec.containers[name=web].env[name=MODE].value";
    for text in [
        "1.10",
        "0123",
        "1e3",
        "0o17",
        "0x1F",
        "1_000",
        "12:30",
        "yes",
        "y",
        "null",
        "2026-11-21",
        "it's",
        "4f1c2d9",
        "1.2.3",
    ] {
        store.set(&[Edit::put(key, text)], &Note::new("a test")).await.unwrap();
        // What is no text, kustomize writes without quotes, or refuses.
        let rendered = kustomize(folder.path());
        let value = rendered.lines().find_map(|line| line.trim().strip_prefix("value: ")).unwrap();
        let document = format!("value: {value}");
        let read = deploy_core::manifest::documents("rendered", document.as_bytes()).unwrap();
        assert_eq!(read[0]["value"], text, "{value}");
    }
}
