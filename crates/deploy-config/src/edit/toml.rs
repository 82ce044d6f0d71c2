//! TOML: read by `toml_edit`, which says where each value stands. What is written is spliced in as everywhere else,
//! because `toml_edit`'s own writer ends every line with `\n` and takes comments along with what it removes.

use std::fmt::Write as _;

use deploy_core::error::{Error, Result};
use toml_edit::{Document, Item, Key, TableLike, Value};

use super::flow;
use super::format::Format;
use super::fragment::Fragment;
use super::slice;
use super::splice::{Splice, insert_line, line_break, line_start, remove_lines};
use super::tree::{Id, Kind, Layout, List, Map, Scalar, Style, Tree, line};

/// Reads a text; empty, it is a table without entries.
pub(super) fn parse(text: &str) -> Result<Tree> {
    let document = Document::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default();
        Error::invalid(format!("line {}: {message}", line(text, at)))
    })?;
    let mut reader = Reader { text, tree: Tree::default() };
    let root = reader.table(document.as_table(), 0);
    reader.tree.roots.push(root);
    Ok(reader.tree)
}

struct Reader<'a> {
    text: &'a str,
    tree: Tree,
}

impl Reader<'_> {
    /// A table that entries can be added to after byte `header`.
    fn table(&mut self, table: &dyn TableLike, header: usize) -> Id {
        let mut end = header;
        let mut entries = Vec::new();
        for (key, item) in keys(table) {
            let id = self.item(item);
            if is_inside(item) {
                end = end.max(self.end(id));
            }
            entries.push((self.key(key), id));
        }
        self.tree.add(Kind::Map(Map { entries, layout: Layout::Table { end } }), header..end.max(header))
    }

    fn end(&self, id: Id) -> usize {
        match &self.tree.node(id).kind {
            Kind::Map(Map { layout: Layout::Table { end }, .. }) => *end,
            _ => self.tree.node(id).span.end,
        }
    }

    fn key(&mut self, key: &Key) -> Id {
        let span = key.span().unwrap_or_default();
        self.tree.add(Kind::Scalar(Scalar::new(key.get(), Style::Double)), span)
    }

    fn item(&mut self, item: &Item) -> Id {
        match item {
            Item::Value(value) => self.value(value),
            // One that only its inner tables imply has no header.
            Item::Table(table) if table.is_implicit() => self.table(table, 0),
            Item::Table(table) => self.table(table, table.span().unwrap_or_default().end),
            Item::ArrayOfTables(tables) => {
                let items: Vec<Id> = tables
                    .iter()
                    .map(|table| self.table(table, table.span().unwrap_or_default().end))
                    .collect();
                let kind = Kind::List(List { items, layout: Layout::Block });
                self.tree.add(kind, tables.span().unwrap_or_default())
            }
            Item::None => self.tree.add(Kind::Scalar(Scalar::new("", Style::Null)), 0..0),
        }
    }

    fn value(&mut self, value: &Value) -> Id {
        let span = value.span().unwrap_or_default();
        let kind = match value {
            Value::String(text) => {
                let written = slice(self.text, span.clone());
                let style = match written.as_bytes() {
                    [b'"', b'"', b'"', ..] | [b'\'', b'\'', b'\'', ..] => Style::Block,
                    [b'\'', ..] => Style::Single,
                    _ => Style::Double,
                };
                Kind::Scalar(Scalar::new(text.value().as_str(), style))
            }
            Value::Array(array) => {
                let items = array.iter().map(|value| self.value(value)).collect();
                Kind::List(List { items, layout: Layout::Flow })
            }
            Value::InlineTable(table) => {
                let entries = keys(table)
                    .into_iter()
                    .map(|(key, item)| {
                        let id = self.item(item);
                        (self.key(key), id)
                    })
                    .collect();
                Kind::Map(Map { entries, layout: Layout::Flow })
            }
            _ => Kind::Scalar(Scalar::new(slice(self.text, span.clone()), Style::Plain)),
        };
        self.tree.add(kind, span)
    }
}

fn keys(table: &dyn TableLike) -> Vec<(&Key, &Item)> {
    table.iter().filter_map(|(name, _)| table.get_key_value(name)).collect()
}

/// Whether an item stands among its table's own lines, under no header of its own.
fn is_inside(item: &Item) -> bool {
    match item {
        Item::Value(_) => true,
        Item::Table(table) => table.is_dotted(),
        _ => false,
    }
}

/// `text` as a TOML string: without escapes where such stood there, and where that can say it.
pub(super) fn write(text: &str, style: Style) -> String {
    let literal = |character: char| character != '\'' && (character == '\t' || !character.is_control());
    if style == Style::Single && text.chars().all(literal) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        // Writing to a String cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            _ if character.is_control() => write!(out, "\\u{:04x}", u32::from(character)),
            _ => write!(out, "{character}"),
        };
    }
    out.push('"');
    out
}

/// A key as it is written.
pub(super) fn name(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { write(name, Style::Double) }
}

/// A new line in the table `id`, below its last one. A table within it becomes a key with dots.
pub(super) fn add_entry(
    text: &str,
    tree: &Tree,
    id: Id,
    map: &Map,
    end: usize,
    key: &str,
    value: &Fragment,
) -> Result<Vec<Splice>> {
    if end == 0 && !tree.roots.contains(&id) {
        return Err(
            Error::invalid("its table has no header of its own").help("write the header by hand first")
        );
    }
    // What stands before the first key of the table: its indentation, and the key with dots that it is under.
    let first = map.entries.iter().map(|(key, _)| tree.node(*key).span.start).filter(|start| *start < end);
    let mut prefix = first.min().map_or("", |start| slice(text, line_start(text, start)..start));
    if tree.roots.contains(&id) {
        prefix = "";
    }
    let mut keys = name(key);
    let mut value = value;
    while let Fragment::Map(entries) = value
        && let [(inner, deeper)] = entries.as_slice()
    {
        keys = format!("{keys}.{}", name(inner));
        value = deeper;
    }
    let written = flow::write(Format::Toml, value);
    Ok(vec![insert_line(text, end, &format!("{prefix}{keys} = {written}{}", line_break(text)))])
}

/// Removes the lines of an entry; comments before it stay.
pub(super) fn remove_entry(text: &str, tree: &Tree, map: &Map, index: usize) -> Splice {
    let (key, value) = map.entries.get(index).copied().unwrap_or_default();
    let start = tree.node(key).span.start;
    remove_lines(text, start, tree.node(value).span.end.max(start))
}
