//! A semantic version in a tag.
//!
//! Not the crate `semver`'s: a tag has a `v` or not, writes `_` for the `+` that it cannot hold, and calendar versions have leading zeros;
//! a million of them must be read without an allocation each. The order is the same, and held against that crate in the tests.

use std::cmp::Ordering;

/// A semantic version, borrowed from a tag.
///
/// The order is that of [semver.org](https://semver.org/#spec-item-11): build metadata does not count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version<'a> {
    pub(super) numbers: [u64; 3],
    /// Empty for a release.
    pub(super) prerelease: &'a str,
}

impl<'a> Version<'a> {
    /// `1.2.3`, `v1.2.3-rc.1`, `1.2.3_build.5`. All three numbers are needed: `1.2` is how people call a tag that moves.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = match text.split_once(['_', '+']) {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
            return None;
        }
        let (numbers, prerelease) = match text.split_once('-') {
            Some((numbers, prerelease)) if is_prerelease(prerelease) => (numbers, prerelease),
            Some(_) => return None,
            None => (text, ""),
        };
        let mut parts = numbers.split('.');
        let mut next = || number(parts.next()?);
        let numbers = [next()?, next()?, next()?];
        if parts.next().is_some() {
            return None;
        }
        Some(Self { numbers, prerelease })
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let release = |version: &Self| version.prerelease.is_empty();
        self.numbers.cmp(&other.numbers).then_with(|| release(self).cmp(&release(other))).then_with(|| {
            let (mut ours, mut theirs) = (self.prerelease.split('.'), other.prerelease.split('.'));
            loop {
                match (ours.next(), theirs.next()) {
                    (Some(our), Some(their)) => match by_identifier(our, their) {
                        Ordering::Equal => {}
                        order => return order,
                    },
                    (our, their) => return our.is_some().cmp(&their.is_some()),
                }
            }
        })
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version<'_> {}

/// Numbers by value and before words, words by their bytes.
fn by_identifier(left: &str, right: &str) -> Ordering {
    match (is_digits(left), is_digits(right)) {
        (true, true) => by_number(left, right),
        (false, false) => left.cmp(right),
        (left, right) => right.cmp(&left),
    }
}

/// Digits by their value, however many there are.
pub(super) fn by_number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// A number of a version; leading zeros are those of calendar versions.
pub(super) fn number(digits: &str) -> Option<u64> {
    if is_digits(digits) { digits.parse().ok() } else { None }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Identifiers between dots; a number has no leading zero (semver.org, 9).
pub(super) fn is_prerelease(text: &str) -> bool {
    text.split('.')
        .all(|part| is_identifier(part) && !(part.len() > 1 && part.starts_with('0') && is_digits(part)))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
