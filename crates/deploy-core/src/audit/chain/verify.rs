//! All lines, one after the other.

use std::fmt;

use super::{Head, Line, MAX_BYTES, MAX_LINE_BYTES};
use crate::audit::AuditRecord;
use crate::error::Error;

/// What a chain was found to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Its last line; `None` of an empty one. [Keep it](super#what-it-protects-against) where others cannot change it.
    pub head: Option<Head>,
}

impl Verified {
    /// How many lines it has.
    pub fn lines(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.line)
    }
}

/// The first line that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// Which line of the text, from 1.
    pub line: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Its bytes are not those that its digest is of.
    Changed,
    /// It is over [`MAX_LINE_BYTES`].
    TooLong,
    /// It has no break at its end: whoever wrote it was stopped, or it was cut off.
    Torn,
    /// It is the line number `found`: those before it were removed.
    Removed {
        /// The number that it has.
        found: u64,
    },
    /// It is the line number `found`, which stood before already: it was put in between, repeated or moved.
    Inserted {
        /// The number that it has.
        found: u64,
    },
    /// It is whole, and does not follow the line before: one of the two was written anew.
    Replaced,
    /// It is not the line of that number that was kept elsewhere: the chain was written anew.
    NotAnchored,
    /// It is not there, and a line kept elsewhere says that there were so many: lines were cut off the end.
    CutOff {
        /// How many there were.
        anchored: u64,
    },
    /// With it, the lines are over [`MAX_BYTES`].
    TooMany,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.flaw {
            Flaw::Changed => write!(f, "line {line} was changed"),
            Flaw::TooLong => write!(f, "line {line} is over {MAX_LINE_BYTES} bytes"),
            Flaw::Torn => write!(f, "line {line} is torn: it has no line break"),
            Flaw::Removed { found } if found - line == 1 => write!(f, "line {line} was removed"),
            Flaw::Removed { found } => write!(f, "lines {line} to {} were removed", found - 1),
            Flaw::Inserted { found } => {
                write!(f, "line {line} was put there: its number is {found}")
            }
            Flaw::Replaced => {
                write!(f, "line {line} does not follow the line before: one of them was written anew")
            }
            Flaw::NotAnchored => {
                write!(f, "line {line} is not the one that was kept elsewhere: lines were written anew")
            }
            Flaw::CutOff { anchored } => {
                write!(f, "the lines end before line {line}, and there were {anchored}: the end was cut off")
            }
            Flaw::TooMany => write!(f, "with line {line} it is over {} MiB", MAX_BYTES / 1024 / 1024),
        }
    }
}

impl std::error::Error for Broken {}

impl Broken {
    /// It as an error, with what can be done.
    pub fn error(&self) -> Error {
        let help = match self.flaw {
            Flaw::Torn => "the next record that is written mends it",
            Flaw::TooMany | Flaw::TooLong => "see what it is",
            _ => "keep it as it is; look for a copy, and for who could write it",
        };
        Error::invalid(self.to_string()).help(help)
    }
}

/// Follows a chain, line by line, without keeping the lines.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    head: Option<Head>,
    bytes: u64,
    anchor: Option<Head>,
}

impl Verifier {
    /// Starts at the first line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also holds the chain against a head that was kept elsewhere: it must have this line, and may go on after it.
    #[must_use]
    pub fn anchored(mut self, head: Head) -> Self {
        self.anchor = Some(head);
        self
    }

    /// The next line, without its break.
    ///
    /// # Errors
    /// If it is not the next one, as it was written.
    pub fn read(&mut self, line: &[u8]) -> Result<AuditRecord, Broken> {
        let number = self.head.as_ref().map_or(0, |head| head.line) + 1;
        let broken = |flaw| Broken { line: number, flaw };
        self.bytes = self.bytes.saturating_add(line.len() as u64 + 1);
        if self.bytes > MAX_BYTES {
            return Err(broken(Flaw::TooMany));
        }
        let Line { head, before, record, .. } = Line::read(line).map_err(broken)?;
        let found = head.line;
        if found > number {
            return Err(broken(Flaw::Removed { found }));
        }
        if found < number {
            return Err(broken(Flaw::Inserted { found }));
        }
        if before.as_ref() != self.head.as_ref().map(|head| &head.digest) {
            return Err(broken(Flaw::Replaced));
        }
        if self.anchor.as_ref().is_some_and(|anchor| anchor.line == number && *anchor != head) {
            return Err(broken(Flaw::NotAnchored));
        }
        self.head = Some(head);
        Ok(record)
    }

    /// A last line that has no break.
    pub fn torn(&self) -> Broken {
        Broken { line: self.head.as_ref().map_or(0, |head| head.line) + 1, flaw: Flaw::Torn }
    }

    /// That there are no more lines.
    ///
    /// # Errors
    /// If the head that was kept elsewhere is further on.
    pub fn finish(self) -> Result<Verified, Broken> {
        let verified = Verified { head: self.head };
        match self.anchor {
            Some(anchor) if anchor.line > verified.lines() => {
                Err(Broken { line: verified.lines() + 1, flaw: Flaw::CutOff { anchored: anchor.line } })
            }
            _ => Ok(verified),
        }
    }
}

/// That all lines of `text`, of which each has its break, are as they were written.
///
/// # Errors
/// The first one that is not.
pub fn verify(text: &[u8]) -> Result<Verified, Broken> {
    let mut verifier = Verifier::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { return Err(verifier.torn()) };
        verifier.read(line)?;
    }
    verifier.finish()
}
