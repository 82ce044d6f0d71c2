//! What every gate keeps to.

#![allow(clippy::unwrap_used, reason = "clippy knows a test by its attribute, not its helpers")]

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
