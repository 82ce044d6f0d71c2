//! Entries that stand on lines of their own.

use deploy_core::error::{Error, Result};

use super::scalar;
use crate::edit::flow;
use crate::edit::format::Format;
use crate::edit::fragment::Fragment;
use crate::edit::slice;
use crate::edit::splice::{Splice, insert_line, line_break, line_end, line_start, remove_lines};
use crate::edit::tree::{Id, Kind, Layout, List, Map, Style, Tree, line};

/// How deep entries are indented below their key where the text does not show it.
const INDENT: usize = 2;

/// A new entry, below the last one of `map`.
pub(in crate::edit) fn add_entry(
    text: &str,
    tree: &Tree,
    id: Id,
    map: &Map,
    name: &str,
    value: &Fragment,
) -> Result<Vec<Splice>> {
    let Some((first, _)) = map.entries.first() else {
        return Err(no_place(text, tree, id));
    };
    let indent = column(text, tree.node(*first).span.start);
    let mut out = String::new();
    let writer = Writer::new(text, tree);
    writer.entry(&mut out, name, value, indent);
    Ok(vec![insert_line(text, tree.end(text, id), &out)])
}

/// A new item, below the last one of `list`.
pub(in crate::edit) fn add_item(
    text: &str,
    tree: &Tree,
    id: Id,
    list: &List,
    value: &Fragment,
) -> Result<Vec<Splice>> {
    let dash = list.items.first().and_then(|first| {
        let start = tree.node(*first).span.start;
        let before = slice(text, line_start(text, start)..start);
        before.rfind('-').map(|at| before.get(..at).unwrap_or_default().chars().count())
    });
    let Some(indent) = dash else { return Err(no_place(text, tree, id)) };
    let mut out = String::new();
    Writer::new(text, tree).item(&mut out, value, indent);
    Ok(vec![insert_line(text, tree.end(text, id), &out)])
}

/// Puts a map or a list where nothing stands: `at` is null, or there is no value at all.
pub(in crate::edit) fn fill(
    text: &str,
    tree: &Tree,
    at: Option<Id>,
    value: &Fragment,
) -> Result<Vec<Splice>> {
    let writer = Writer::new(text, tree);
    let mut out = String::new();
    let owner = at.and_then(|id| key_of(tree, id));
    let Some((map, key)) = owner else {
        let written = at.is_some_and(|id| !tree.node(id).span.is_empty());
        if written || at.is_some_and(|id| !tree.roots.contains(&id)) {
            return Err(Error::invalid("null stands where a map would have to be made")
                .help("write the map by hand first"));
        }
        writer.block(&mut out, value, 0);
        // A document that is only comments: below them.
        return Ok(vec![insert_line(text, text.trim_end_matches(['\r', '\n', ' ', '\t']).len(), &out)]);
    };
    let id = at.unwrap_or_default();
    if !tree.node(id).span.is_empty() || map.layout == Layout::Flow {
        let written = flow::write(Format::Yaml, value);
        return Ok(vec![replace(text, tree, key, id, written)?]);
    }
    let indent = column(text, tree.node(key).span.start);
    match value {
        Fragment::List(_) => writer.block(&mut out, value, indent + writer.list_indent),
        _ => writer.block(&mut out, value, indent + writer.step),
    }
    Ok(vec![insert_line(text, after_colon(text, tree, key)?, &out)])
}

/// Removes the lines of an entry; comments before it stay. The last entry of a map leaves `{}`.
pub(in crate::edit) fn remove_entry(text: &str, tree: &Tree, map: &Map, index: usize) -> Result<Vec<Splice>> {
    let Some((key, value)) = map.entries.get(index).copied() else { return Ok(Vec::new()) };
    let start = tree.node(key).span.start;
    let end = tree.end(text, value).max(tree.end(text, key));
    let alone = slice(text, line_start(text, start)..start).trim().is_empty();
    if map.entries.len() > 1 {
        if alone {
            return Ok(vec![remove_lines(text, start, end)]);
        }
        // `- name: api`: the next entry moves up beside the dash.
        let next = map.entries.get(index + 1).map(|(key, _)| tree.node(*key).span.start);
        let rest = next.map(|next| slice(text, end..next));
        return match (rest, next) {
            (Some(rest), Some(next)) if rest.trim().is_empty() => {
                Ok(vec![Splice::new(start..next, String::new())])
            }
            _ => Err(Error::invalid("a comment stands between it and what would take its place")
                .help("remove it by hand")),
        };
    }
    let owner = tree.nodes.iter().position(
        |node| matches!(&node.kind, Kind::Map(other) if other.entries.first() == map.entries.first()),
    );
    match owner.and_then(|owner| key_of(tree, owner)) {
        Some((_, key)) if alone => {
            let colon = after_colon(text, tree, key)?;
            let beside = slice(text, colon..line_end(text, colon)).trim();
            if !beside.is_empty() && !beside.starts_with('#') {
                return Err(Error::invalid("a map with an anchor or a tag would be left empty")
                    .help("remove it by hand"));
            }
            Ok(vec![Splice::new(colon..colon, " {}".to_owned()), remove_lines(text, start, end)])
        }
        None if alone && owner.is_some_and(|owner| tree.roots.contains(&owner)) => {
            Ok(vec![remove_lines(text, start, end)])
        }
        _ => Ok(vec![Splice::new(start..end, "{}".to_owned())]),
    }
}

/// The map whose value `id` is, and the key.
fn key_of(tree: &Tree, id: Id) -> Option<(&Map, Id)> {
    tree.nodes.iter().find_map(|node| match &node.kind {
        Kind::Map(map) => map.entries.iter().find(|(_, value)| *value == id).map(|(key, _)| (map, *key)),
        _ => None,
    })
}

/// Puts `written` in the place of the null `id`, which may not even be written.
pub(in crate::edit) fn replace(text: &str, tree: &Tree, key: Id, id: Id, written: String) -> Result<Splice> {
    let span = tree.node(id).span.clone();
    if !span.is_empty() {
        return Ok(Splice::new(span, written));
    }
    let colon = after_colon(text, tree, key)?;
    Ok(Splice::new(colon..colon, format!(" {written}")))
}

/// The byte after the colon of `key`, where an unwritten value would stand.
fn after_colon(text: &str, tree: &Tree, key: Id) -> Result<usize> {
    let end = tree.node(key).span.end;
    let rest = text.get(end..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    if rest.get(blank..).is_some_and(|rest| rest.starts_with(':')) {
        return Ok(end + blank + 1);
    }
    Err(Error::invalid(format!("line {} has no colon right after its key", line(text, end))))
}

fn no_place(text: &str, tree: &Tree, id: Id) -> Error {
    let at = line(text, tree.node(id).span.start);
    Error::invalid(format!("nothing can be added at line {at}: its indentation is not clear"))
}

/// The character of its line at which a byte stands, counted from 0.
fn column(text: &str, at: usize) -> usize {
    slice(text, line_start(text, at)..at).chars().count()
}

/// Writes new lines the way the text has them.
struct Writer {
    line_break: &'static str,
    step: usize,
    list_indent: usize,
}

impl Writer {
    fn new(text: &str, tree: &Tree) -> Self {
        let (mut step, mut list_indent) = (None, None);
        for node in &tree.nodes {
            let Kind::Map(map) = &node.kind else { continue };
            if map.layout != Layout::Block {
                continue;
            }
            for (key, value) in &map.entries {
                let (own, inner) = match &tree.node(*value).kind {
                    Kind::Map(inner) if step.is_none() && inner.layout == Layout::Block => {
                        (key, inner.entries.first().map(|(key, _)| *key))
                    }
                    Kind::List(inner) if list_indent.is_none() && inner.layout == Layout::Block => {
                        (key, inner.items.first().copied())
                    }
                    _ => continue,
                };
                let Some(inner) = inner.map(|inner| tree.node(inner).span.start) else { continue };
                let own = column(text, tree.node(*own).span.start);
                if let Kind::List(_) = tree.node(*value).kind {
                    let before = slice(text, line_start(text, inner)..inner);
                    list_indent =
                        before.find('-').and_then(|dash| dash.checked_sub(own)).filter(|indent| *indent < 10);
                } else {
                    step = column(text, inner).checked_sub(own).filter(|step| (1..10).contains(step));
                }
            }
            if step.is_some() && list_indent.is_some() {
                break;
            }
        }
        Self {
            line_break: line_break(text),
            step: step.unwrap_or(INDENT),
            list_indent: list_indent.unwrap_or(0),
        }
    }

    fn block(&self, out: &mut String, value: &Fragment, indent: usize) {
        match value {
            Fragment::Map(entries) => {
                for (name, value) in entries {
                    self.entry(out, name, value, indent);
                }
            }
            Fragment::List(items) => {
                for item in items {
                    self.item(out, item, indent);
                }
            }
            Fragment::Text(text) => {
                out.push_str(&scalar::write(text, Style::Plain));
                out.push_str(self.line_break);
            }
        }
    }

    fn entry(&self, out: &mut String, name: &str, value: &Fragment, indent: usize) {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(&scalar::write(name, Style::Plain));
        out.push(':');
        match value {
            Fragment::Text(_) => {
                out.push(' ');
                self.block(out, value, indent);
            }
            Fragment::Map(_) => {
                out.push_str(self.line_break);
                self.block(out, value, indent + self.step);
            }
            Fragment::List(_) => {
                out.push_str(self.line_break);
                self.block(out, value, indent + self.list_indent);
            }
        }
    }

    fn item(&self, out: &mut String, value: &Fragment, indent: usize) {
        let mut inner = String::new();
        self.block(&mut inner, value, indent + 2);
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str("- ");
        out.push_str(inner.trim_start_matches(' '));
    }
}

/// That a block scalar's header has no comment, which a new value would lose.
pub(in crate::edit) fn has_header_comment(text: &str, start: usize) -> bool {
    slice(text, start..line_end(text, start)).contains('#')
}
