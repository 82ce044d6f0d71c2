//! Reports, and what becomes of them.

mod gate;
mod ignore;
mod judge;
mod random;
mod report;

use deploy_core::clock::Timestamp;
use serde_json::{Value, json};

use super::Report;

pub(super) const DIGEST: &str = "sha256:87703314048c40236c6d674424159ee862e2b96ce1c37c62d877e21ed27a387e";
pub(super) const OTHER: &str = "sha256:c19173c5ada610a5989151111163d28a67368362762534d8a8121ce95cf2bd5a";

pub(super) fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// A finding as `SEVERITY ID PACKAGE INSTALLED [FIXED]`.
pub(super) fn finding(text: &str) -> Value {
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (severity, id, package, installed, fixed) = (next(), next(), next(), next(), next());
    json!({
        "VulnerabilityID": id, "PkgName": package, "InstalledVersion": installed, "FixedVersion": fixed,
        "Status": if fixed.is_empty() { "affected" } else { "fixed" }, "Severity": severity,
        "PkgIdentifier": {"PURL": format!("pkg:apk/alpine/{package}@{installed}?arch=x86_64&distro=3.10.2")},
        "Layer": {"DiffID": OTHER}, "DataSource": {"ID": "alpine"}, "CVSS": {"nvd": {"V3Score": 5.3}},
    })
}

/// A report on `registry.example/api:v1` as Trivy writes it.
pub(super) fn report(findings: &[&str]) -> Value {
    let findings: Vec<_> = findings.iter().map(|text| finding(text)).collect();
    json!({
        "SchemaVersion": 2,
        "CreatedAt": "2026-11-20T10:00:00.123456789+01:00",
        "ArtifactName": "registry.example/api:v1",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "alpine", "Name": "3.21.0"},
            "ImageID": OTHER,
            "RepoTags": ["registry.example/api:v1"],
            "RepoDigests": [format!("registry.example/api@{DIGEST}")],
            "ImageConfig": {"architecture": "amd64", "os": "linux"},
        },
        "Results": [
            {"Target": "registry.example/api:v1 (alpine 3.21.0)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": findings},
            {"Target": "app/main", "Class": "lang-pkgs", "Type": "gobinary", "Vulnerabilities": null},
        ],
    })
}

pub(super) fn read(report: &Value) -> Report {
    Report::read("report.json", &serde_json::to_vec(report).unwrap()).unwrap()
}
