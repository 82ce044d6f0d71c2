//! Gates and checks for the `deploy-core` engine that touch the world: before a deployment and after it.
//!
//! | gate | says no to | reads |
//! | --- | --- | --- |
//! | [`ScanReport`](scan::ScanReport) | images with vulnerabilities | Trivy's reports: files, artifacts attached to the image in its registry, or made on the spot by [`TrivyCli`](trivy::TrivyCli) |
//! | [`CosignKey`](cosign::CosignKey) | images that were not signed with a key | signatures of cosign 2 and 3 in the image's registry |
//!
//! | [`Terminal`](approval::Terminal), [`ApprovalFile`](approval::ApprovalFile) | what nobody approved | a terminal; a file of records |
//! | [`CommandCheck`](command::CommandCheck) | what a command fails on | its exit code |
//!
//! | check | says no to | reads |
//! | --- | --- | --- |
//! | [`HttpCheck`](http::HttpCheck) | answers other than expected | status, body, JSON, headers, latency, certificate |
//! | [`TcpCheck`](tcp::TcpCheck) | ports that nobody listens on | what is said first |
//! | [`QueryCheck`](metrics::QueryCheck), [`MetricCheck`](metrics::MetricCheck) | numbers other than expected | Prometheus; a program's own metrics |
//! | [`CommandCheck`](command::CommandCheck) | what a command fails on | its exit code |
//!
//! They are put together by [`deploy_core::check`]; gates that decide by data alone are in [`deploy_core::gate`].
//!
//! A gate over images is a [`Gate`](deploy_core::guard::Gate) that answers for every image of the [`Subject`](deploy_core::guard::Subject): one image that does
//! not pass is a no that names it, and a subject without images is an error. What cannot be read is an error and never a yes: the
//! driver takes both for a no.
//!
//! Deploy by digest, or give each gate a registry in which it looks up what a tag stands for: what a tag stood for yesterday is another image.
//!
//! The decisions are pure functions ([`scan::judge`], [`cosign::judge`]); a gate is what fetches their input.
//!
//! ```
//! use std::sync::Arc;
//!
//! use deploy_core::clock::SystemClock;
//! use deploy_core::guard::{Gate, Subject};
//! use deploy_verify::scan::{GivenReports, ScanReport};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let report = br#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1", "Results": [{"Class": "os-pkgs", "Vulnerabilities": [
//!     {"VulnerabilityID": "CVE-2026-1", "PkgName": "libssl", "InstalledVersion": "1.0", "FixedVersion": "1.1", "Severity": "HIGH"}]}]}"#;
//! let gate = ScanReport::new(GivenReports::new().bytes("report.json", report), Arc::new(SystemClock::new()));
//! let mut subject = Subject::new("production");
//! subject.images.push("shop/api:v1".into());
//! assert!(!gate.ask(&subject).await?.is_yes());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

pub mod approval;
pub mod command;
pub mod cosign;
mod der;
pub mod http;
mod images;
pub mod metrics;
#[cfg(test)]
mod misleading;
pub mod scan;
pub mod tcp;
mod text;
pub mod trivy;
