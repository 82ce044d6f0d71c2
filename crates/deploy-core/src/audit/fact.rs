//! What the facts in records are called. Other names are as good.
//!
//! ```
//! use deploy_core::audit::{AuditRecord, action, fact};
//! use deploy_core::clock::Timestamp;
//!
//! let record = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", action::PROMOTE, "shop")
//!     .fact(fact::digest("ghcr.io/acme/api"), "sha256:0")
//!     .fact(fact::RUN, "6b1d");
//! assert_eq!(record.fact_of("digest:ghcr.io/acme/api"), Some("sha256:0"));
//! ```

/// The run that did it: the same in all its records, and in no other run's.
pub const RUN: &str = "run";

/// The git commit that it brings.
pub const COMMIT: &str = "commit";

/// When that commit was made, in RFC 3339.
pub const COMMITTED: &str = "committed";

/// When its images were built, in RFC 3339.
pub const BUILT: &str = "built";

/// When it was seen to fail, in RFC 3339: when the deployment failed, a check said no, or an incident began.
pub const FAILED: &str = "failed";

/// What it was decided on: what a gate or a check found.
pub const EVIDENCE: &str = "evidence";

/// The digest of one of its images.
pub fn digest(image: &str) -> String {
    format!("digest:{image}")
}
