//! One line.

use serde::{Deserialize, Serialize};

use super::verify::Flaw;
use super::{Head, MAX_LINE_BYTES};
use crate::audit::AuditRecord;
use crate::error::{Error, Result};
use crate::image::Digest;

/// A line of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// As it is written, without its break.
    pub text: String,
    /// Its number and digest.
    pub head: Head,
    /// The digest of the line before; `None` for the first.
    pub before: Option<Digest>,
    /// What it tells.
    pub record: AuditRecord,
}

/// All of a line but its own digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<R> {
    line: u64,
    before: Option<Digest>,
    record: R,
}

const DIGEST: &str = ",\"digest\":\"";
const END: &str = "\"}";

/// The line that tells of `record` after the line `after`; the first one after `None`.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for a record that makes a line over [`MAX_LINE_BYTES`].
pub fn append(after: Option<&Head>, record: &AuditRecord) -> Result<Line> {
    let before = after.map(|head| head.digest.clone());
    let number = after.map_or(0, |head| head.line).saturating_add(1);
    let body = Body { line: number, before: before.clone(), record };
    let mut text = serde_json::to_string(&body)
        .map_err(|source| Error::invalid("the record cannot be written as JSON").source(source))?;
    text.pop();
    let digest = Digest::sha256(text.as_bytes());
    text.extend([DIGEST, digest.as_str(), END]);
    if text.len() > MAX_LINE_BYTES {
        return Err(Error::invalid(format!(
            "the record makes a line of {} bytes, over the limit of {MAX_LINE_BYTES}",
            text.len()
        ))
        .help("put what is long somewhere else, and its digest into a fact"));
    }
    Ok(Line { text, head: Head { line: number, digest }, before, record: record.clone() })
}

impl Line {
    /// Reads a line by itself: that its bytes are those that were written.
    ///
    /// # Errors
    /// [`Flaw::Changed`] or [`Flaw::TooLong`].
    pub fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        if bytes.len() > MAX_LINE_BYTES {
            return Err(Flaw::TooLong);
        }
        Self::read_checked(bytes).ok_or(Flaw::Changed)
    }

    fn read_checked(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (body, digest) = text.strip_suffix(END)?.rsplit_once(DIGEST)?;
        let own = Digest::sha256(body.as_bytes());
        if own.as_str() != digest {
            return None;
        }
        let Body { line, before, record } = serde_json::from_str(&format!("{body}}}")).ok()?;
        Some(Self { text: text.to_owned(), head: Head { line, digest: own }, before, record })
    }
}
