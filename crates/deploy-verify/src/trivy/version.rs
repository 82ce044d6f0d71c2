//! Trivy's version.

use std::fmt;

use serde::Deserialize;

/// Major and minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Version")]
    version: String,
}

impl Version {
    /// The version in what `trivy version --format json` prints. One that was built from sources calls itself `dev`, which is none.
    pub(super) fn find(answer: &[u8]) -> Option<Self> {
        let Answer { version } = serde_json::from_slice(answer).ok()?;
        let mut parts = version.strip_prefix('v').unwrap_or(&version).split('.').map(number);
        Some(Self { major: parts.next()??, minor: parts.next()?? })
    }
}

/// Digits alone: Rust takes a plus sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_version() {
        let check = |text: &str, expect: Option<(u64, u64)>| {
            let found = Version::find(text.as_bytes()).map(|version| (version.major, version.minor));
            assert_eq!(found, expect, "{text}");
        };
        check(r#"{"Version":"0.65.0","VulnerabilityDB":{"Version":2}}"#, Some((0, 65)));
        check(r#"{"Version":"v1.2.3-rc1"}"#, Some((1, 2)));
        check(r#"{"Version":"0.71"}"#, Some((0, 71)));
        check(r#"{"Version":"dev"}"#, None);
        check(r#"{"Version":"0"}"#, None);
        check(r#"{"Version":"+1.2"}"#, None);
        check(r#"{"Version":"99999999999999999999.1"}"#, None);
        check("Version: 0.65.0", None);
        check("", None);
    }
}
