//! A content digest.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Problem, text_type};
use crate::error::{Error, Result};

/// A content digest, `sha256:` (or `sha384:`, `sha512:`) and lowercase hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The sha256 of `bytes`.
    ///
    /// ```
    /// let digest = deploy_core::image::Digest::sha256(b"");
    /// assert!(digest.to_string().starts_with("sha256:e3b0c44298fc1c14"));
    /// ```
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::from_sha256(Sha256::digest(bytes).as_ref())
    }

    pub(crate) fn from_sha256(hash: &[u8]) -> Self {
        let mut text = String::from("sha256:");
        for byte in hash {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm, as in `sha256`.
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }

    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        let Some((algorithm, hex)) = text.split_once(':') else {
            return Err(Problem::new("a digest is an algorithm, ':' and hexadecimal digits, as in sha256:…"));
        };
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => {
                return Err(Problem::new("the digest's algorithm must be sha256, sha384 or sha512"));
            }
        };
        if let Some(at) = hex.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            let at = algorithm.len() + 1 + at;
            return Err(Problem::at("a digest holds lowercase hexadecimal digits only", at));
        }
        if hex.len() != length {
            return Err(Problem::new(format!("a {algorithm} digest has {length} digits, not {}", hex.len())));
        }
        Ok(Self(text.into()))
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("digest", text))
    }
}

text_type!(Digest);
