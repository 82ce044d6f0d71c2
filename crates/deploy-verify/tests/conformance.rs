//! What every gate keeps to.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

#[cfg(unix)]
mod support;

mod scan {
    use std::sync::Arc;

    use deploy_core::clock::SystemClock;
    use deploy_core::conformance::gate::Fixture;
    use deploy_core::guard::{Gate, Subject};
    use deploy_verify::scan::{GivenReports, ScanReport};

    struct Reports;

    fn gate(report: &str) -> Box<dyn Gate> {
        Box::new(ScanReport::new(
            GivenReports::new().bytes("report.json", report),
            Arc::new(SystemClock::new()),
        ))
    }

    impl Fixture for Reports {
        fn subject(&self) -> Subject {
            let mut subject = Subject::new("production");
            subject.images.push("shop/api:v1".into());
            subject
        }

        fn willing(&self) -> Box<dyn Gate> {
            gate(r#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1", "Results": [{"Class": "os-pkgs"}]}"#)
        }

        fn unwilling(&self) -> Box<dyn Gate> {
            gate(
                r#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1",
                    "Results": [{"Class": "os-pkgs", "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1", "Severity": "HIGH"}]}]}"#,
            )
        }

        fn undecided(&self) -> Option<Box<dyn Gate>> {
            Some(gate(
                r#"{"SchemaVersion": 2, "ArtifactName": "shop/web:v1", "Results": [{"Class": "os-pkgs"}]}"#,
            ))
        }
    }

    deploy_core::gate_conformance! { #[tokio::test] || async { Reports } }
}

#[cfg(unix)]
mod trivy {
    use std::path::Path;
    use std::sync::Arc;

    use deploy_core::clock::SystemClock;
    use deploy_core::conformance::gate::Fixture;
    use deploy_core::guard::{Gate, Subject};
    use deploy_verify::scan::ScanReport;
    use deploy_verify::trivy::TrivyCli;

    use crate::support::with_program;

    struct Scans;

    fn gate(name: &str, findings: &str) -> Box<dyn Gate> {
        let says = format!(
            r#"case $1 in version) echo '{{"Version":"0.65.0"}}'; exit;; esac
               for image; do :; done
               echo "{{\"SchemaVersion\": 2, \"ArtifactName\": \"$image\", \"Results\": [{{\"Class\": \"os-pkgs\"{findings}}}]}}""#
        );
        let program = with_program(&format!("conformance-{name}"), &says).join("trivy");
        Box::new(ScanReport::new(TrivyCli::new().program(program), Arc::new(SystemClock::new())))
    }

    impl Fixture for Scans {
        fn subject(&self) -> Subject {
            let mut subject = Subject::new("production");
            subject.images.push("shop/api:v1".into());
            subject
        }

        fn willing(&self) -> Box<dyn Gate> {
            gate("willing", "")
        }

        fn unwilling(&self) -> Box<dyn Gate> {
            gate("unwilling", r#", \"Vulnerabilities\": [{\"VulnerabilityID\": \"CVE-2026-1\"}]"#)
        }

        fn undecided(&self) -> Option<Box<dyn Gate>> {
            let trivy = TrivyCli::new().program(Path::new("no-such-program"));
            Some(Box::new(ScanReport::new(trivy, Arc::new(SystemClock::new()))))
        }
    }

    // One after the other: they share their programs' folders.
    #[tokio::test]
    async fn keeps_to_every_clause() {
        deploy_core::conformance::gate::run(|| async { Scans }).await;
    }
}

mod cosign {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::Arc;

    use deploy_core::conformance::gate::Fixture;
    use deploy_core::error::ErrorKind;
    use deploy_core::guard::{Gate, Subject};
    use deploy_core::image::{Digest, Reference};
    use deploy_core::memory::{Faults, Faulty, MemoryRegistry};
    use deploy_core::registry::{ImageFacts, Registry};
    use deploy_verify::cosign::{CosignKey, PublicKey};

    const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

    struct Keys;

    fn read(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cosign").join(name)).unwrap()
    }

    /// An image with the bundle that cosign 3 attached to it.
    fn registry() -> MemoryRegistry {
        #[derive(serde::Deserialize)]
        struct Recorded {
            image: Digest,
            blobs: BTreeMap<Digest, String>,
        }
        let recorded: Recorded = serde_json::from_slice(&read("bundle.json")).unwrap();
        let (registry, image) = (MemoryRegistry::new(), "shop/api:v1".parse::<Reference>().unwrap());
        registry.put_facts(&image, ImageFacts::new(recorded.image.clone()));
        for bundle in recorded.blobs.values() {
            registry.attach(image.repository(), &recorded.image, BUNDLE, bundle.as_bytes());
        }
        registry
    }

    fn gate(registry: impl Registry + 'static, key: &str) -> Box<dyn Gate> {
        let key = PublicKey::read(key, &read(&format!("{key}.pub"))).unwrap();
        Box::new(CosignKey::new(Arc::new(registry), key))
    }

    impl Fixture for Keys {
        fn subject(&self) -> Subject {
            let mut subject = Subject::new("production");
            subject.images.push("shop/api:v1".into());
            subject
        }

        fn willing(&self) -> Box<dyn Gate> {
            gate(registry(), "p256")
        }

        fn unwilling(&self) -> Box<dyn Gate> {
            gate(registry(), "other")
        }

        fn undecided(&self) -> Option<Box<dyn Gate>> {
            let faults = Faults::new();
            faults.fail_at(2, ErrorKind::Unavailable);
            Some(gate(Faulty::new(Arc::new(registry()), faults), "p256"))
        }
    }

    deploy_core::gate_conformance! { #[tokio::test] || async { Keys } }
}
