//! YAML to a tree, over the events of `saphyr-parser`.

use std::collections::HashMap;
use std::ops::Range;

use deploy_core::error::{Error, Result};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::edit::tree::{Id, Kind, Layout, List, Map, Scalar, Style, Tree};
use crate::edit::{MAX_DEPTH, MAX_VALUES, slice, too_many};

/// Reads all documents of `text`, which has no byte order mark.
pub(in crate::edit) fn parse(text: &str) -> Result<Tree> {
    // A flow collection is buffered by the scanner as a whole, so its size must be bounded before.
    if text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_VALUES {
        return Err(too_many());
    }
    let offsets = if text.is_ascii() {
        None
    } else {
        Some(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    };
    let mut reader = Reader { text, offsets, ..Reader::default() };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let mark = error.marker();
            Error::invalid(format!("line {}: {}", mark.line(), error.info()))
        })?;
        reader.event(event, span)?;
    }
    Ok(reader.tree)
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
            Event::MappingStart(anchor, tag) => {
                let layout = self.layout(&range);
                let kind = Kind::Map(Map { entries: Vec::new(), layout });
                self.start(kind, anchor, tag.is_some(), range, layout)?;
            }
            Event::SequenceStart(anchor, tag) => {
                let layout = self.layout(&range);
                let kind = Kind::List(List { items: Vec::new(), layout });
                self.start(kind, anchor, tag.is_some(), range, layout)?;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some((id, _)) = self.open.pop() else { return Ok(()) };
                if let Some(node) = self.tree.nodes.get_mut(id)
                    && let Kind::Map(Map { layout: Layout::Flow, .. })
                    | Kind::List(List { layout: Layout::Flow, .. }) = node.kind
                {
                    // The parser takes a comment that follows to the bracket.
                    node.span.end = (range.start + 1).min(self.text.len());
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
                let id = self.tree.add(Kind::Scalar(Scalar { text: text.into_owned(), style, tag }), span);
                self.anchor(id, anchor);
                self.place(id)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// Brackets or lines: of a collection in brackets the event ends with the first of them.
    fn layout(&self, range: &Range<usize>) -> Layout {
        if slice(self.text, range.clone()).ends_with(['[', '{']) { Layout::Flow } else { Layout::Block }
    }

    fn start(
        &mut self,
        kind: Kind,
        anchor: usize,
        tagged: bool,
        range: Range<usize>,
        layout: Layout,
    ) -> Result<()> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Error::invalid(format!("maps and lists are nested deeper than {MAX_DEPTH}")));
        }
        let start = match layout {
            Layout::Flow => range.end.saturating_sub(1),
            _ if anchor > 0 || tagged => range.end,
            _ => range.start,
        };
        self.last = self.last.max(range.end);
        let id = self.tree.add(kind, start..range.end);
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
            return header(self.text, self.last, range.end).unwrap_or(range.start)..range.end;
        }
        let mut start = range.start;
        loop {
            let rest = slice(self.text, start..range.end);
            let skipped = match rest.bytes().next() {
                Some(b'&' | b'!') if style != ScalarStyle::Plain || rest.len() > 1 => {
                    rest.find(char::is_whitespace).unwrap_or(rest.len())
                }
                Some(b'!') => 1,
                Some(b'#') => rest.find('\n').unwrap_or(rest.len()),
                Some(b' ' | b'\t' | b'\r' | b'\n') if start > range.start => 1,
                _ => return start..range.end,
            };
            start += skipped;
        }
    }
}

/// Where the first `|` or `>` stands that is in no comment.
fn header(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut comment = false;
    let mut before = b' ';
    for (at, byte) in slice(text, from..to).bytes().enumerate() {
        match byte {
            b'\n' => comment = false,
            b'#' if before.is_ascii_whitespace() => comment = true,
            b'|' | b'>' if !comment => return Some(from + at),
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
