//! Changes to a text by bytes, and by lines.

use std::ops::Range;

use deploy_core::error::{Error, Result};

use super::slice;

/// What stands in the place of some bytes.
#[derive(Clone, Debug)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

impl Splice {
    pub(super) fn new(range: Range<usize>, with: String) -> Self {
        Self { range, with }
    }
}

/// The text with all splices made; what lies between them stays byte for byte.
pub(super) fn splice(text: &str, splices: &[Splice]) -> Result<String> {
    let mut splices: Vec<&Splice> = splices.iter().collect();
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for Splice { range, with } in splices {
        let between = text.get(at..range.start).filter(|_| range.end >= range.start);
        let Some(between) = between else {
            return Err(Error::invalid("two keys name the same place"));
        };
        out.push_str(between);
        out.push_str(with);
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

/// What ends a line of `text`: as its first line does.
pub(super) fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// Where the line of byte `at` starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    slice(text, 0..at).rfind('\n').map_or(0, |at| at + 1)
}

/// Where the line of byte `at` ends: before its break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    at + if line.len() < rest.len() { line.strip_suffix('\r').unwrap_or(line).len() } else { line.len() }
}

/// Where the line after that of byte `at` starts; `None` if there is no break.
fn next_line(text: &str, at: usize) -> Option<usize> {
    text.get(at..)?.find('\n').map(|found| at + found + 1)
}

/// Puts `lines`, of which each has its break, below the line of the byte before `at`; at 0, before all lines. Where
/// the text has no break at its end it gets none.
pub(super) fn insert_line(text: &str, at: usize, lines: &str) -> Splice {
    if at == 0 {
        return Splice::new(0..0, lines.to_owned());
    }
    if let Some(next) = next_line(text, at) {
        return Splice::new(next..next, lines.to_owned());
    }
    let break_at_end = line_break(text);
    let lines = lines.strip_suffix(break_at_end).unwrap_or(lines);
    Splice::new(text.len()..text.len(), format!("{break_at_end}{lines}"))
}

/// Removes the lines from that of byte `from` to that of byte `to`, with their breaks.
pub(super) fn remove_lines(text: &str, from: usize, to: usize) -> Splice {
    let start = line_start(text, from);
    if let Some(next) = next_line(text, to) {
        return Splice::new(start..next, String::new());
    }
    // The last line has no break: that of the line before goes, so that there is none at the end as before.
    let before = slice(text, 0..start);
    let kept = before.strip_suffix('\n').map_or(before, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Splice::new(kept.len()..text.len(), String::new())
}
