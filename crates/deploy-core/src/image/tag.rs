//! A tag.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{MAX_TAG_LENGTH, Problem, text_type};
use crate::error::{Error, Result};

/// A tag: a letter, digit or `_`, then up to 127 of those, `.` and `-`. Upper and lower case differ.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// What a reference without tag and digest means.
    pub fn latest() -> Self {
        Self("latest".into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("the tag is empty"));
        }
        let allowed = |at: usize, byte: u8| {
            byte.is_ascii_alphanumeric() || byte == b'_' || (at > 0 && (byte == b'.' || byte == b'-'))
        };
        if let Some((at, _)) = text.bytes().enumerate().find(|&(at, byte)| !allowed(at, byte)) {
            let what = match at {
                0 => "a tag starts with a letter, a digit or '_'",
                _ => "a tag holds letters, digits, '_', '.' and '-' only",
            };
            return Err(Problem::at(what, at));
        }
        if text.len() > MAX_TAG_LENGTH {
            return Err(Problem::new(format!("the tag is {} bytes, over {MAX_TAG_LENGTH}", text.len())));
        }
        Ok(Self(text.into()))
    }
}

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("tag", text))
    }
}

text_type!(Tag);
