//! What is demanded of a report.

use std::time::Duration;

use super::{IgnoreList, Severity};

/// What is demanded of a report.
///
/// | | default |
/// | --- | --- |
/// | [`refuse_from`](ScanPolicy::refuse_from) | `HIGH`: high and critical findings refuse |
/// | [`unknown_as`](ScanPolicy::unknown_as) | `CRITICAL`: what nobody rated yet refuses |
/// | [`fixable_only`](ScanPolicy::fixable_only) | no: findings without a fix refuse too |
/// | [`ignoring`](ScanPolicy::ignoring) | nothing |
/// | [`max_age`](ScanPolicy::max_age) | none: a report may be of any age |
/// | [`allow_end_of_life`](ScanPolicy::allow_end_of_life) | no: a distribution without security updates refuses |
/// | [`allow_no_packages`](ScanPolicy::allow_no_packages) | no: a report that looked at no package decides nothing |
/// | [`shown`](ScanPolicy::shown) | 10 findings are named, the others counted |
///
/// ```
/// use std::time::Duration;
/// use deploy_verify::scan::{ScanPolicy, Severity};
///
/// let policy = ScanPolicy::new().refuse_from(Severity::Critical).fixable_only(true).max_age(Duration::from_secs(7 * 24 * 3600));
/// ```
#[derive(Clone, Debug)]
pub struct ScanPolicy {
    pub(super) refuse_from: Severity,
    pub(super) unknown_as: Severity,
    pub(super) fixable_only: bool,
    pub(super) ignored: IgnoreList,
    pub(super) max_age: Option<Duration>,
    pub(super) allow_end_of_life: bool,
    pub(super) allow_no_packages: bool,
    pub(super) shown: usize,
}

impl ScanPolicy {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            refuse_from: Severity::High,
            unknown_as: Severity::Critical,
            fixable_only: false,
            ignored: IgnoreList::default(),
            max_age: None,
            allow_end_of_life: false,
            allow_no_packages: false,
            shown: 10,
        }
    }

    /// Findings of this severity and of worse ones refuse.
    #[must_use]
    pub fn refuse_from(self, severity: Severity) -> Self {
        Self { refuse_from: severity, ..self }
    }

    /// What a finding that nobody rated counts as. It may be anything, so it refuses unless that is said here.
    #[must_use]
    pub fn unknown_as(self, severity: Severity) -> Self {
        Self { unknown_as: severity, ..self }
    }

    /// Whether only findings refuse that a newer version of the package is free of.
    #[must_use]
    pub fn fixable_only(self, only: bool) -> Self {
        Self { fixable_only: only, ..self }
    }

    /// What is known and borne for a while.
    #[must_use]
    pub fn ignoring(self, ignored: IgnoreList) -> Self {
        Self { ignored, ..self }
    }

    /// A report that is older decides nothing, and neither does one that does not say when it was made, or that was made in the future.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(age), ..self }
    }

    /// Whether an image may hold a distribution that gets no security updates any more: Trivy finds little in those, because nobody
    /// reports it any more.
    #[must_use]
    pub fn allow_end_of_life(self, allow: bool) -> Self {
        Self { allow_end_of_life: allow, ..self }
    }

    /// Whether a report may hold no packages at all, as that of an image `FROM scratch` with a C program in it; or as that of another
    /// scanner than the one for vulnerabilities, which nobody can tell from it.
    #[must_use]
    pub fn allow_no_packages(self, allow: bool) -> Self {
        Self { allow_no_packages: allow, ..self }
    }

    /// How many findings an answer names.
    #[must_use]
    pub fn shown(self, most: usize) -> Self {
        Self { shown: most, ..self }
    }
}

impl Default for ScanPolicy {
    fn default() -> Self {
        Self::new()
    }
}
