//! YAML to a tree, over the events of `saphyr-parser`.

use std::collections::HashMap;
use std::ops::Range;

use deploy_core::error::{Error, Result};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::edit::tree::{Id, Kind, Layout, List, Map, Scalar, Style, Tree};
use crate::edit::{MAX_DEPTH, MAX_VALUES, slice, too_many};

/// Reads all documents of `text`, which has no byte order mark.
pub(in crate::edit) fn parse(text: &str) -> Result<Tree> {
    check_size(text)?;
    let offsets = if text.is_ascii() {
        None
    } else {
        Some(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    };
    let mut reader = Reader { text, offsets, ..Reader::default() };
    // About what a values file has: growing costs more than reading.
    reader.tree.nodes.reserve(text.len() / 16);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let mark = error.marker();
            Error::invalid(format!("line {}: {}", mark.line(), error.info()))
        })?;
        reader.event(event, span)?;
    }
    Ok(reader.tree)
}

/// A flow collection is buffered by the scanner as a whole, so its size must be bounded before.
pub(super) fn check_size(text: &str) -> Result<()> {
    if text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_VALUES {
        return Err(too_many());
    }
    Ok(())
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    /// The byte of each character, where they differ: the parser counts characters.
    offsets: Option<Vec<usize>>,
    tree: Tree,
    /// The collections that are open, each with the key that waits for its value.
    open: Vec<(Id, Option<Id>)>,
    anchors: HashMap<usize, Id>,
    /// Where the last scalar, alias or bracket ended.
    last: usize,
}

impl Reader<'_> {
    fn range(&self, span: Span) -> Range<usize> {
        let byte = |index: usize| match &self.offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.text.len()),
            None => index.min(self.text.len()),
        };
        let start = byte(span.start.index());
        start..byte(span.end.index()).max(start)
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<()> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(_) => {
                self.anchors.clear();
                self.open.clear();
                self.last = self.last.max(range.end);
            }
            Event::MappingStart(anchor, _) => {
                let (start, layout) = self.layout(&range);
                let kind = Kind::Map(Map { entries: Vec::new(), layout });
                self.start(kind, anchor, start..range.end)?;
            }
            Event::SequenceStart(anchor, _) => {
                let (start, layout) = self.layout(&range);
                let kind = Kind::List(List { items: Vec::new(), layout });
                self.start(kind, anchor, start..range.end)?;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some((id, _)) = self.open.pop() else { return Ok(()) };
                if let Some(node) = self.tree.nodes.get_mut(id)
                    && let Kind::Map(Map { layout: Layout::Flow, .. })
                    | Kind::List(List { layout: Layout::Flow, .. }) = node.kind
                {
                    // The event's own place may be off: before a comma, or up to the end of a comment.
                    let close = find(self.text, self.last, self.text.len(), [b']', b'}']);
                    node.span.end = close.map_or(self.text.len(), |at| at + 1);
                    self.last = node.span.end;
                }
            }
            Event::Alias(anchor) => {
                let open = |id: &&Id| self.open.iter().all(|(open, _)| open != *id);
                let target = self.anchors.get(&anchor).filter(open).copied().ok_or_else(|| {
                    Error::invalid(format!(
                        "line {}: this alias stands inside the value that it repeats",
                        span.start.line()
                    ))
                })?;
                self.last = range.end;
                let id = self.tree.add(Kind::Alias(target), range);
                self.place(id)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
                let span = self.scalar_span(range, style);
                let style = match style {
                    ScalarStyle::Plain if tag.is_none() && is_null(&text) => Style::Null,
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                self.last = self.last.max(span.end);
                let mut text = text.into_owned();
                if style == Style::Block && self.is_cut_off(&span) {
                    text.pop();
                }
                let id = self.tree.add(Kind::Scalar(Scalar { text, style, tag }), span);
                self.anchor(id, anchor);
                self.place(id)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// Where a collection starts after its anchor and tag, and whether it is in brackets: then the event holds the first.
    fn layout(&self, range: &Range<usize>) -> (usize, Layout) {
        let start = self.after_properties(range);
        let flow = slice(self.text, start..range.end).starts_with(['[', '{']);
        (start, if flow { Layout::Flow } else { Layout::Block })
    }

    fn start(&mut self, kind: Kind, anchor: usize, range: Range<usize>) -> Result<()> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::invalid(format!("maps and lists are nested deeper than {MAX_DEPTH}")));
        }
        self.last = self.last.max(range.end);
        let id = self.tree.add(kind, range);
        self.anchor(id, anchor);
        self.place(id)?;
        self.open.push((id, None));
        Ok(())
    }

    fn anchor(&mut self, id: Id, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, id);
            if let Some(node) = self.tree.nodes.get_mut(id) {
                node.anchored = true;
            }
        }
    }

    /// Puts a node where it belongs: to a list, as a key, or as the value of the key before.
    fn place(&mut self, id: Id) -> Result<()> {
        if self.tree.nodes.len() > MAX_VALUES {
            return Err(too_many());
        }
        let Some((parent, key)) = self.open.last_mut() else {
            self.tree.roots.push(id);
            return Ok(());
        };
        match self.tree.nodes.get_mut(*parent).map(|node| &mut node.kind) {
            Some(Kind::List(list)) => list.items.push(id),
            Some(Kind::Map(map)) => match key.take() {
                Some(key) => map.entries.push((key, id)),
                None => *key = Some(id),
            },
            _ => {}
        }
        Ok(())
    }

    /// A scalar's own bytes: the parser counts an anchor and a tag to it, and of a block not its header.
    fn scalar_span(&self, range: Range<usize>, style: ScalarStyle) -> Range<usize> {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let header = find(self.text, self.last, range.end, [b'|', b'>']);
            return header.unwrap_or(range.start)..range.end;
        }
        let start = self.after_properties(&range);
        start..self.scalar_end(start, range.end, style)
    }

    /// Whether a block ends the text, which has no line break there: then its value has none to libyaml and to Go, but
    /// to this parser. A line below would add one.
    fn is_cut_off(&self, span: &Range<usize>) -> bool {
        let header = slice(self.text, span.clone()).split(['\n', '#']).next().unwrap_or_default();
        span.end == self.text.len() && !self.text.ends_with('\n') && !header.contains('-')
    }

    /// The first byte of a range after anchors, tags, and the blanks and comments that follow these.
    fn after_properties(&self, range: &Range<usize>) -> usize {
        let mut start = range.start;
        loop {
            let rest = slice(self.text, start..range.end);
            start += match rest.bytes().next() {
                Some(b'&' | b'!') => rest.find(char::is_whitespace).unwrap_or(rest.len()),
                Some(b'#') if start > range.start => rest.find('\n').unwrap_or(rest.len()),
                Some(b' ' | b'\t' | b'\r' | b'\n') if start > range.start => 1,
                _ => return start,
            };
        }
    }

    /// Where a scalar that starts at `start` ends: the parser counts what follows a closing quote to it, comments too.
    fn scalar_end(&self, start: usize, end: usize, style: ScalarStyle) -> usize {
        let written = slice(self.text, start..end);
        let bytes = written.as_bytes();
        let length = match style {
            ScalarStyle::DoubleQuoted => {
                let mut escaped = false;
                bytes.iter().skip(1).position(|byte| {
                    let ends = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    ends
                })
            }
            ScalarStyle::SingleQuoted => {
                let mut open = true;
                let quotes = bytes.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'\'');
                let mut closing = quotes.map(|(at, _)| at).filter(|at| {
                    // Two of them are one.
                    let first = open && bytes.get(at + 1) == Some(&b'\'');
                    let closes = open && !first;
                    open = !first;
                    closes
                });
                closing.next().map(|at| at - 1)
            }
            _ => return start + written.trim_end().len(),
        };
        length.map_or(end, |length| start + length + 2)
    }
}

/// Where the first of two bytes stands that is in no comment.
fn find(text: &str, from: usize, to: usize, wanted: [u8; 2]) -> Option<usize> {
    let mut comment = false;
    let mut before = b' ';
    for (at, byte) in slice(text, from..to).bytes().enumerate() {
        match byte {
            b'\n' => comment = false,
            b'#' if before.is_ascii_whitespace() => comment = true,
            _ if !comment && wanted.contains(&byte) => return Some(from + at),
            _ => {}
        }
        before = byte;
    }
    None
}

/// Whether an unquoted text means nothing.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
