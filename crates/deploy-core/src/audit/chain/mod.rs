//! Lines that hang together: each holds the digest of the one before, so that one that was changed is found.
//!
//! A line is a JSON object, in this order and without blanks:
//!
//! ```text
//! {"line":2,"before":"sha256:…","record":{…},"digest":"sha256:…"}
//! ```
//!
//! `digest` is the sha256 of the line's own bytes before `,"digest"`; `before` is the `digest` of the line before, `null` on the first line;
//! `line` counts from 1. The bytes that stand there are what counts, and no other way to write them: a record of a later version, with more
//! in it, is verified as well.
//!
//! # What it protects against
//!
//! [`verify`] finds any changed byte, a line that is missing, put in between, repeated or moved, and one that is not whole. Who can write the
//! file can still **write it anew from some line on**, or **cut lines off its end**: the chain holds no secret. Against both, keep the [`Head`]
//! of the chain where others cannot change it, and verify with [`Verifier::anchored`]: as the trailer `Audit-Head: 12 sha256:…` of a commit
//! that is pushed, in a CI job's log, in a message. Up to that line nothing can be changed unseen.
//!
//! ```
//! use deploy_core::audit::{AuditRecord, action, chain};
//! use deploy_core::clock::Timestamp;
//!
//! let record = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", action::PROMOTE, "shop");
//! let first = chain::append(None, &record)?;
//! let second = chain::append(Some(&first.head), &record)?;
//! let text = format!("{}\n{}\n", first.text, second.text);
//! assert_eq!(chain::verify(text.as_bytes()).unwrap().head, Some(second.head));
//!
//! let forged = text.replacen("ci", "me", 1);
//! assert_eq!(chain::verify(forged.as_bytes()).unwrap_err().to_string(), "line 1 was changed");
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod line;
mod tail;
mod verify;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::image::Digest;

pub use line::{Line, append};
pub use tail::{Tail, tail};
pub use verify::{Broken, Flaw, Verified, Verifier, verify};

/// The most bytes of a line, without its break: 128 KiB.
pub const MAX_LINE_BYTES: usize = 128 * 1024;

/// The most bytes of all lines: 256 MiB, some hundred thousand records.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How far a chain goes: the number and the digest of its last line. Its text is `12 sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the line, from 1.
    pub line: u64,
    /// Its digest.
    pub digest: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.line, self.digest)
    }
}

impl FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once(' ').and_then(|(line, digest)| Some((line.parse().ok()?, digest)));
        let Some((line, digest)) = parts.filter(|(line, _)| *line > 0) else {
            return Err(Error::invalid(
                "it is no head of a chain: a number and a digest, as in \"12 sha256:…\"",
            ));
        };
        Ok(Self { line, digest: digest.parse()? })
    }
}

#[cfg(test)]
mod tests;
