//! Which versions fit: constraints as Helm and Flux users write them.
//!
//! Not `semver::VersionReq`: that one has no `||`, `!=`, hyphen range or `v`, wants commas between comparisons, and lets a prerelease in only
//! where the very same numbers stand in the constraint.

use std::fmt;
use std::str::FromStr;

use super::comparison::{Comparison, Operator, is_wildcard};
use super::problem::Problem;
use super::version::Version;
use crate::error::{Error, Result};

/// The longest constraint, in bytes.
pub const MAX_CONSTRAINT_LENGTH: usize = 512;

/// The most alternatives (`||`).
const MAX_ALTERNATIVES: usize = 32;

/// A set of versions, written as for Helm (`github.com/Masterminds/semver` v3).
///
/// | written | means |
/// | --- | --- |
/// | `1.2.3`, `=1.2.3`, `!=1.2.3` | this one; all but this one |
/// | `>1.2.3`, `>=1.2`, `<2`, `<=1.4` | `>1.4` begins at 1.5, and `<=1.4` holds all of 1.4 |
/// | `1.2`, `1.2.x`, `1.2.*`, `~1.2`, `~1.2.3` | from there, in the same minor version |
/// | `1`, `1.x`, `~1` | in the same major version |
/// | `^1.2.3`, `^0.2.3`, `^0.0.3` | from there, up to the next change of the first number that is not 0 |
/// | `*` | every release |
/// | `1.2 - 1.4.5` | `>=1.2 <=1.4.5`; the spaces are needed |
/// | `>=1.2 <2`, `>=1.2, <2` | both |
/// | `>=1.2 <2 \|\| 3.x` | either |
///
/// A prerelease fits only an alternative that itself names a prerelease: `>=1.2.0-0` lets them in, `>=1.2.0` does not.
///
/// ```
/// use deploy_core::tag::VersionConstraint;
///
/// let constraint: VersionConstraint = ">=1.2 <2 || 3.x".parse()?;
/// assert!(constraint.matches("v1.9.0") && constraint.matches("3.0.1"));
/// assert!(!constraint.matches("2.0.0") && !constraint.matches("1.9.0-rc.1"));
///
/// let error = ">=1.2 <<2".parse::<VersionConstraint>().unwrap_err();
/// let place = deploy_core::manifest::excerpt(&error).unwrap().to_string();
/// assert_eq!(place, "    1 | >=1.2 <<2\n      |        ^");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionConstraint {
    text: String,
    alternatives: Vec<Alternative>,
}

/// Comparisons that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    comparisons: Vec<Comparison>,
    /// Whether one of them names a prerelease.
    prereleases: bool,
}

/// Whether a version fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    /// It would, were it no prerelease.
    Prerelease,
}

impl VersionConstraint {
    /// Every release: what a policy without a range takes.
    pub(super) fn any() -> Self {
        let alternative = Alternative { comparisons: vec![Comparison::any()], prereleases: false };
        Self { text: "*".into(), alternatives: vec![alternative] }
    }

    /// Whether `version`, with or without `v`, is in the set; a text that is no version is not.
    pub fn matches(&self, version: &str) -> bool {
        Version::read(version).is_some_and(|version| self.fit(&version) == Fit::Yes)
    }

    pub(super) fn fit(&self, version: &Version<'_>) -> Fit {
        let mut fit = Fit::No;
        for alternative in &self.alternatives {
            if alternative.comparisons.iter().all(|comparison| comparison.holds(version)) {
                if version.prerelease.is_empty() || alternative.prereleases {
                    return Fit::Yes;
                }
                fit = Fit::Prerelease;
            }
        }
        fit
    }

    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_CONSTRAINT_LENGTH {
            let what = format!("a version constraint has at most {MAX_CONSTRAINT_LENGTH} bytes");
            return Err(Problem::new(MAX_CONSTRAINT_LENGTH, what));
        }
        if let Some(at) = text.find(char::is_control) {
            return Err(Problem::new(at, "a version constraint is one line without control characters"));
        }
        let mut alternatives = Vec::new();
        let mut at = 0;
        for part in text.split("||") {
            if alternatives.len() == MAX_ALTERNATIVES {
                return Err(Problem::new(at, format!("more than {MAX_ALTERNATIVES} alternatives")));
            }
            alternatives.push(Alternative::check(part).map_err(|problem| problem.after(at))?);
            at += part.len() + 2;
        }
        Ok(Self { text: text.into(), alternatives })
    }
}

impl Alternative {
    fn check(text: &str) -> Result<Self, Problem> {
        let mut comparisons: Vec<Comparison> = Vec::new();
        let mut rest = text.trim_start();
        loop {
            let at = text.len() - rest.len();
            let (mut comparison, after) = Comparison::check(rest).map_err(|problem| problem.after(at))?;
            // ` - ` makes a range of what is before and after it.
            let upper = after.trim_start().strip_prefix('-').filter(|upper| upper.starts_with(' '));
            match upper.filter(|_| after.starts_with(' ')) {
                Some(upper) => {
                    let at = text.len() - upper.trim_start().len();
                    let plain = |text: &str| {
                        text.starts_with(|c: char| c == 'v' || is_wildcard(c) || c.is_ascii_digit())
                    };
                    if !plain(rest) || !plain(upper.trim_start()) {
                        return Err(Problem::new(at, "a range is two plain versions, as in 1.2 - 1.4"));
                    }
                    let (mut last, after) =
                        Comparison::check(upper.trim_start()).map_err(|problem| problem.after(at))?;
                    comparison.operator = Operator::AtLeast;
                    last.operator = Operator::AtMost;
                    last.needs_numbers().map_err(|problem| problem.after(at))?;
                    comparisons.extend([comparison, last]);
                    rest = after;
                }
                None => {
                    comparisons.push(comparison);
                    rest = after;
                }
            }
            let spaced = rest.trim_start();
            let next = spaced.strip_prefix(',').map_or(spaced, str::trim_start);
            if next.is_empty() && next.len() == spaced.len() {
                break;
            }
            if next.len() == rest.len() {
                return Err(Problem::new(
                    text.len() - rest.len(),
                    "a version ends here: write a space before what follows",
                ));
            }
            rest = next;
        }
        let prereleases = comparisons.iter().any(|comparison| !comparison.prerelease.is_empty());
        Ok(Self { comparisons, prereleases })
    }
}

impl fmt::Display for VersionConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for VersionConstraint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("version constraint", text))
    }
}
