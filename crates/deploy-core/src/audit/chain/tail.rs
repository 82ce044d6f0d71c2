//! The end of a text of lines, as somebody needs it who adds one.

use super::{Flaw, Line, MAX_LINE_BYTES};
use crate::audit::{AuditRecord, fact};
use crate::error::{Error, Result};

/// The end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tail<'a> {
    /// The last line; `None` if there is none.
    pub last: Option<Line>,
    /// How many bytes at the end are no line, because whoever wrote them was stopped: they are to be removed.
    pub torn: usize,
    /// Whether the last line is whole but for its break, which is to be written.
    pub unbroken: bool,
    /// The whole lines.
    lines: &'a [u8],
}

/// Reads the end of a text: its last bytes, at least two of the longest lines, and whether these are the `whole` text.
///
/// What comes after the last line break is what a crash left. It is the whole of a line, or is no line: in both cases nobody was told that it
/// is kept. So it is completed or removed; what stands before it stays.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) where the last whole line was changed, or there is none in what must hold one:
/// nothing can be added to that.
pub fn tail(bytes: &[u8], whole: bool) -> Result<Tail<'_>> {
    let end = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
    let (lines, rest) = bytes.split_at(end(bytes).map_or(0, |at| at + 1));
    // Within the longest line there must be a break.
    if lines.is_empty() && !whole || rest.len() > MAX_LINE_BYTES + 1 {
        return Err(Error::invalid("it does not end with lines of a record").help("see what it is"));
    }
    if let Ok(last) = Line::read(rest) {
        return Ok(Tail { last: Some(last), torn: 0, unbroken: true, lines: bytes });
    }
    let last = match lines.strip_suffix(b"\n") {
        None => None,
        Some(lines) => {
            let last = lines.get(end(lines).map_or(0, |at| at + 1)..).unwrap_or_default();
            Some(Line::read(last).map_err(|flaw| {
                let what = if flaw == Flaw::TooLong { "is too long" } else { "was changed" };
                Error::invalid(format!("its last line {what}, so nothing is added to it"))
                    .help("keep it as it is, look who could write it, and record to another file")
            })?)
        }
    };
    Ok(Tail { last, torn: rest.len(), unbroken: false, lines })
}

impl Tail<'_> {
    /// Whether one of its lines [tells](AuditRecord::repeats) of `record` already.
    pub fn tells(&self, record: &AuditRecord) -> bool {
        let Some(run) = record.fact_of(fact::RUN) else { return false };
        let Ok(run) = serde_json::to_string(run) else { return false };
        // Most lines need no reading: they do not even hold its text.
        let lines = self.lines.split(|byte| *byte == b'\n');
        let may = |line: &&[u8]| std::str::from_utf8(line).is_ok_and(|line| line.contains(&run));
        lines.filter(may).filter_map(|line| Line::read(line).ok()).any(|line| line.record.repeats(record))
    }
}
