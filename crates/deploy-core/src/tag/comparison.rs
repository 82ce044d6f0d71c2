//! One comparison of a version constraint.

use std::cmp::Ordering;

use super::problem::Problem;
use super::version::{Version, is_prerelease, number};

/// An operator and a version, of which not all numbers need be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) operator: Operator,
    /// The numbers that were written; the others are 0.
    given: usize,
    numbers: [u64; 3],
    pub(super) prerelease: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Same,
    Not,
    Over,
    AtLeast,
    Under,
    AtMost,
    Tilde,
    Caret,
}

/// Longer ones first: `>=` is no `>`.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::Not),
    (">=", Operator::AtLeast),
    ("=>", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("=<", Operator::AtMost),
    ("~>", Operator::Tilde),
    ("=", Operator::Same),
    (">", Operator::Over),
    ("<", Operator::Under),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

impl Comparison {
    /// `*`.
    pub(super) fn any() -> Self {
        Self { operator: Operator::Same, given: 0, numbers: [0; 3], prerelease: String::new() }
    }

    /// The comparison that `text` begins with, and what follows it.
    pub(super) fn check(text: &str) -> Result<(Self, &str), Problem> {
        let found = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)));
        let (operator, rest) = found.unwrap_or((Operator::Same, text));
        let version = rest.trim_start();
        let at = text.len() - version.len();
        let end = version
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '>' | '=' | '!' | '~' | '^' | '|'));
        let (version, rest) = version.split_at(end.unwrap_or(version.len()));
        let comparison = Self::version(operator, version).map_err(|problem| problem.after(at))?;
        if matches!(operator, Operator::Not | Operator::Over | Operator::Under | Operator::AtMost) {
            comparison.needs_numbers()?;
        }
        Ok((comparison, rest))
    }

    fn version(operator: Operator, text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new(0, "a version is missing here"));
        }
        if let Some(at) = text.find(|c: char| !(c.is_ascii_alphanumeric() || ".-+*".contains(c))) {
            return Err(Problem::new(at, "a version cannot hold this"));
        }
        let unprefixed = text.strip_prefix('v').unwrap_or(text);
        let without_build = unprefixed.split('+').next().unwrap_or_default();
        let (numbers, prerelease) = match without_build.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (without_build, None),
        };
        let no_version = || Problem::new(0, format!("{text:?} is no version, as in 1.2.3, 1.2 or 1.x"));
        if prerelease.is_some_and(|prerelease| !is_prerelease(prerelease)) {
            return Err(no_version());
        }
        let mut comparison =
            Self { operator, given: 0, numbers: [0; 3], prerelease: prerelease.unwrap_or_default().into() };
        let mut wildcard = false;
        let mut parts = numbers.split('.');
        for slot in &mut comparison.numbers {
            match parts.next() {
                Some(part) if part.len() == 1 && part.starts_with(is_wildcard) => wildcard = true,
                Some(part) if !wildcard => {
                    *slot = number(part).ok_or_else(no_version)?;
                    comparison.given += 1;
                }
                Some(_) => return Err(Problem::new(0, "after a wildcard there can be no number")),
                None => break,
            }
        }
        if parts.next().is_some() {
            return Err(no_version());
        }
        Ok(comparison)
    }

    /// For operators that a wildcard alone says nothing to.
    pub(super) fn needs_numbers(&self) -> Result<(), Problem> {
        if self.given == 0 {
            Err(Problem::new(0, "nothing can be compared with a wildcard alone"))
        } else {
            Ok(())
        }
    }

    pub(super) fn holds(&self, version: &Version<'_>) -> bool {
        let bound = Version { numbers: self.numbers, prerelease: &self.prerelease };
        let same =
            |numbers: usize| version.numbers.iter().zip(&self.numbers).take(numbers).all(|(a, b)| a == b);
        let from = |numbers: usize| *version >= bound && same(numbers);
        // The numbers that were written, against as many of the version.
        let written = || {
            let numbers = version.numbers.iter().zip(&self.numbers).take(self.given);
            numbers
                .map(|(ours, theirs)| ours.cmp(theirs))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        let whole = self.given == 3;
        match self.operator {
            Operator::Same if whole => *version == bound,
            Operator::Not if whole => *version != bound,
            Operator::Over if whole => *version > bound,
            Operator::AtMost if whole => *version <= bound,
            Operator::Same => self.given == 0 || from(self.given),
            Operator::Not => !same(self.given),
            Operator::Over => written().is_gt(),
            Operator::AtMost => written().is_le(),
            Operator::AtLeast => self.given == 0 || *version >= bound,
            Operator::Under => *version < bound,
            Operator::Tilde => self.given == 0 || from(self.given.min(2)),
            Operator::Caret => {
                let first = self.numbers.iter().position(|number| *number > 0).unwrap_or(2) + 1;
                self.given == 0 || from(first.min(self.given))
            }
        }
    }
}

pub(super) fn is_wildcard(c: char) -> bool {
    matches!(c, 'x' | 'X' | '*')
}
