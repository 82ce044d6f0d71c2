//! Whether images were scanned, and what was found.
//!
//! [`Report`] reads what Trivy writes, [`judge`] decides by a [`ScanPolicy`], and [`ScanReport`] is the gate around both: it takes the report on each
//! image from a [`ReportSource`].
//!
//! ```
//! use deploy_verify::scan::{IgnoreList, Report, ScanPolicy, judge};
//!
//! let report = Report::read("report.json", br#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1", "Results": [{"Class": "os-pkgs",
//!     "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1", "PkgName": "libssl", "InstalledVersion": "1.0", "Severity": "HIGH"}]}]}"#)?;
//! let ignored = IgnoreList::read(".trivyignore.yaml", b"
//! vulnerabilities:
//!   - id: CVE-2026-1
//!     expired_at: 2026-12-31
//!     statement: no untrusted input gets there
//! ")?;
//! let policy = ScanPolicy::new().ignoring(ignored);
//! let image = "shop/api:v1".parse()?;
//! assert!(judge(&report, &image, &policy, "2026-11-21T08:00:00Z".parse()?)?.answer().is_yes());
//! assert!(!judge(&report, &image, &policy, "2026-12-31T00:00:00Z".parse()?)?.answer().is_yes());
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod attached;
mod gate;
mod given;
mod glob;
mod ignore;
mod judge;
mod policy;
mod purl;
mod report;
mod severity;
mod source;
#[cfg(test)]
mod tests;
mod verdict;

pub use attached::{AttachedReport, REPORT_TYPE};
pub use gate::ScanReport;
pub use given::GivenReports;
pub use ignore::{Ignore, IgnoreList, MAX_IGNORED};
pub use judge::judge;
pub use policy::ScanPolicy;
pub use report::{Finding, MAX_REPORT_BYTES, MAX_REPORT_OBJECTS, Others, Report};
pub use severity::Severity;
pub use source::{ReportSource, Scanned};
pub use verdict::{Count, Verdict};
