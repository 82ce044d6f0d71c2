//! A program's version.

use std::fmt;

/// Major and minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a constant is written with it")]
pub struct Version {
    /// Raised where something breaks.
    pub major: u64,
    /// Raised where something is new.
    pub minor: u64,
}

impl Version {
    /// A version.
    pub const fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }

    /// The version that a text is, as in `v0.65.0` or `1.2.3-rc1`.
    pub fn of(text: &str) -> Option<Self> {
        let (major, rest) = text.strip_prefix('v').unwrap_or(text).split_once('.')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some(Self::new(number(major)?, number(rest.get(..digits)?)?))
    }

    /// The first version with a `v` in a text, as in `v3.8.1` or `"gitVersion": "v1.21+"`.
    pub fn find(text: &str) -> Option<Self> {
        text.split('v').skip(1).find_map(Self::of)
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
            assert_eq!(
                Version::find(text),
                expect.map(|(major, minor)| Version::new(major, minor)),
                "{text}"
            );
        };
        check("v4.1.4", Some((4, 1)));
        check("v3.8.0+gd141386\n", Some((3, 8)));
        check("Client: v2.16.1+gbbdfe5e", Some((2, 16)));
        check(
            r#"{"clientVersion": {"major": "1", "gitVersion": "v1.36.2", "goVersion": "go1.26.8"}}"#,
            Some((1, 36)),
        );
        check("v4.1+unreleased", Some((4, 1)));
        check("v10", None);
        check("v1.", None);
        check("v+1.+2", None);
        check("v99999999999999999999.1", None);
        check("very odd. v1 v.2 vv3.4", Some((3, 4)));
        check("", None);
    }

    #[test]
    fn a_text_is_a_version() {
        let check = |text: &str, expect: Option<(u64, u64)>| {
            assert_eq!(Version::of(text), expect.map(|(major, minor)| Version::new(major, minor)), "{text}");
        };
        check("0.65.0", Some((0, 65)));
        check("v1.2.3-rc1", Some((1, 2)));
        check("0.71", Some((0, 71)));
        check("dev", None);
        check("0", None);
        check("+1.2", None);
        check("99999999999999999999.1", None);
        check("Version: 0.65.0", None);
        check("", None);
    }

    #[test]
    fn is_ordered_by_major_then_minor() {
        assert!(Version::new(3, 8) < Version::new(3, 17) && Version::new(3, 17) < Version::new(4, 0));
    }
}
