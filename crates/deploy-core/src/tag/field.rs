//! The parts that a tag is made of.

use std::fmt;
use std::str::FromStr;

use super::problem::Problem;
use super::time::TimeFormat;
use super::version::{Version, by_number, is_digits};
use crate::error::{Error, Result};

/// The fewest digits of an abbreviated commit: what git prints at least.
pub(super) const MIN_COMMIT: usize = 7;

/// What a field holds, and so how it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldType {
    /// Anything that a tag can hold; compared by its bytes.
    Text,
    /// A commit: 7 to 40 lowercase hexadecimal digits, or the 64 of a SHA-256 repository. It has no order of its own.
    Commit {
        /// To how many digits it is cut when a tag is rendered; any number is read.
        digits: Option<u8>,
    },
    /// Decimal digits, any number of them; compared by their value.
    Integer,
    /// A time.
    Timestamp(TimeFormat),
    /// A semantic version, with or without `v`, and `_` for its `+`.
    Version,
}

impl FieldType {
    /// What a field called `name` holds unless something else is said.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "sha" => Self::Commit { digits: None },
            "run" => Self::Integer,
            "version" => Self::Version,
            "timestamp" => TimeFormat::check("%Y%m%d-%H%M%S").map_or(Self::Text, Self::Timestamp),
            _ => Self::Text,
        }
    }

    /// `text`, `integer`, `version`, `commit`, a number (a commit cut to so many digits), or a time's format.
    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        match text {
            "text" => Ok(Self::Text),
            "integer" => Ok(Self::Integer),
            "version" => Ok(Self::Version),
            "commit" => Ok(Self::Commit { digits: None }),
            _ if is_digits(text) => match text.parse() {
                Ok(digits @ 7..=40) => Ok(Self::Commit { digits: Some(digits) }),
                _ => Err(Problem::new(0, "a commit is cut to 7 to 40 digits")),
            },
            _ if text.contains('%') => TimeFormat::check(text).map(Self::Timestamp),
            _ => {
                let known =
                    "text, integer, version, commit, a commit's number of digits, or a time as in %Y%m%d";
                Err(Problem::new(0, format!("no such type; there are {known}")))
            }
        }
    }

    /// Whether `text`, which holds a tag's characters only, is one.
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Text => !text.is_empty(),
            Self::Commit { .. } => is_commit(text),
            Self::Integer => is_digits(text),
            Self::Timestamp(format) => format.read(text).is_some(),
            Self::Version => Version::read(text).is_some(),
        }
    }

    /// Whether two texts that it accepts mean the same.
    pub(super) fn is_same(&self, left: &str, right: &str) -> bool {
        match self {
            Self::Commit { .. } => same_commit(left, right),
            Self::Integer => by_number(left, right).is_eq(),
            Self::Version => Version::read(left) == Version::read(right),
            Self::Text | Self::Timestamp(_) => left == right,
        }
    }

    /// What it may look like, for a person.
    pub(super) fn expects(&self) -> String {
        match self {
            Self::Text => "not empty".into(),
            Self::Commit { .. } => "7 to 40 (or 64) digits of 0-9 and a-f".into(),
            Self::Integer => "decimal digits".into(),
            Self::Timestamp(format) => format!("a time as {format}"),
            Self::Version => "a version as v1.2.3 or 1.2.3-rc.1".into(),
        }
    }

    /// Whether it may hold any character of a tag, so that only what stands around it says where it ends.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Text | Self::Version)
    }

    /// How many bytes it always has.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Self::Timestamp(format) => format.width(),
            _ => None,
        }
    }

    /// Whether `byte` may be in it.
    pub(super) fn holds(&self, byte: u8) -> bool {
        match self {
            Self::Commit { .. } => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Integer | Self::Timestamp(_) => byte.is_ascii_digit(),
            Self::Text | Self::Version => true,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Commit { digits: None } => f.write_str("commit"),
            Self::Commit { digits: Some(digits) } => digits.fmt(f),
            Self::Integer => f.write_str("integer"),
            Self::Timestamp(format) => format.fmt(f),
            Self::Version => f.write_str("version"),
        }
    }
}

/// `text`, `integer`, `version`, `commit`, `7` (a commit cut to so many digits), or a time's format, as in `%Y%m%d`.
impl FromStr for FieldType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("field type", text))
    }
}

/// A field of a scheme: what it is called, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: FieldType,
}

impl Field {
    /// What stands between a template's braces: a name, and a type unless it is the usual one of that name.
    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        let (name, kind) = match text.split_once(':') {
            Some((name, kind)) => {
                (name, FieldType::check(kind).map_err(|problem| problem.after(name.len() + 1))?)
            }
            None => (text, FieldType::of(text)),
        };
        check_name(name)?;
        Ok(Self { name: name.into(), kind })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.kind == FieldType::of(&self.name) { Ok(()) } else { write!(f, ":{}", self.kind) }
    }
}

/// Words that a policy's text uses itself.
const RESERVED: [&str; 9] =
    ["tag", "scheme", "type", "order", "range", "skew", "downgrade", "lexical", "ancestry"];

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(Problem::new(0, "a field has a name, which starts with a letter"));
    }
    if let Some(at) = name.find(|c| !allowed(c)) {
        return Err(Problem::new(at, "a field's name holds letters, digits and '_' only"));
    }
    if RESERVED.contains(&name) {
        return Err(Problem::new(
            0,
            format!("a field cannot be called {name:?}: a policy uses the word itself"),
        ));
    }
    Ok(())
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), MIN_COMMIT..=40 | 64)
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether two names, each whole or abbreviated, may be of one commit.
pub(super) fn same_commit(left: &str, right: &str) -> bool {
    let shorter = left.len().min(right.len());
    shorter >= MIN_COMMIT && left.get(..shorter) == right.get(..shorter)
}
