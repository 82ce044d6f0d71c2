//! Collections in brackets: YAML's flow collections, JSON, TOML's inline tables.

use deploy_core::error::{Error, Result};

use super::format::Format;
use super::fragment::Fragment;
use super::slice;
use super::splice::{Splice, line_break, line_end, line_start, remove_lines};
use super::tree::{Id, Map, Style, Tree};

/// `value` on one line.
pub(super) fn write(format: Format, value: &Fragment) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Fragment::Text(text) => format.scalar(text, Style::Plain),
        Fragment::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| entry(format, name, value)).collect();
            format!("{{{}}}", join(entries))
        }
        Fragment::List(items) => {
            format!("[{}]", join(items.iter().map(|item| write(format, item)).collect()))
        }
    }
}

fn entry(format: Format, name: &str, value: &Fragment) -> String {
    format!("{}{}{}", format.name(name), format.colon(), write(format, value))
}

/// A new entry of the map `id`, after its last one.
pub(super) fn add_entry(
    format: Format,
    text: &str,
    tree: &Tree,
    id: Id,
    map: &Map,
    name: &str,
    value: &Fragment,
) -> Result<Vec<Splice>> {
    let last = map.entries.last().map(|(key, value)| {
        let end = tree.end(text, *value).max(tree.node(*key).span.end);
        (tree.node(*key).span.start, end)
    });
    add(text, tree, id, last, &entry(format, name, value))
}

/// A new item of the list `id`, after its last one.
pub(super) fn add_item(
    format: Format,
    text: &str,
    tree: &Tree,
    id: Id,
    items: &[Id],
    value: &Fragment,
) -> Result<Vec<Splice>> {
    let last = items.last().map(|item| (tree.node(*item).span.start, tree.end(text, *item)));
    add(text, tree, id, last, &write(format, value))
}

/// Puts `written` after the `last` part in the brackets of `id`: beside it, or below it where the closing bracket has
/// a line of its own.
fn add(text: &str, tree: &Tree, id: Id, last: Option<(usize, usize)>, written: &str) -> Result<Vec<Splice>> {
    let span = tree.node(id).span.clone();
    let open = span.start + 1;
    let close = span.end.saturating_sub(1);
    let Some((start, end)) = last else {
        if !slice(text, open..close).trim().is_empty() {
            return Err(Error::invalid("a comment stands between the brackets").help("edit it by hand"));
        }
        return Ok(vec![Splice::new(open..close, written.to_owned())]);
    };
    let rest = slice(text, end..close);
    let comma = rest.trim_start().starts_with(',');
    let after_comma = end + if comma { rest.find(',').unwrap_or_default() + 1 } else { 0 };
    if slice(text, line_start(text, close)..close).trim().is_empty() && line_start(text, close) > end {
        let first = slice(text, line_start(text, start)..start);
        let indent: String = first.chars().take_while(|character| character.is_whitespace()).collect();
        let trailing = if comma { "," } else { "" };
        let line = format!("{indent}{written}{trailing}{}", line_break(text));
        let at = line_start(text, close);
        let below = Splice::new(at..at, line);
        let separator = Splice::new(end..end, ",".to_owned());
        return Ok(if comma { vec![below] } else { vec![separator, below] });
    }
    let separator = if comma { " " } else { ", " };
    Ok(vec![Splice::new(after_comma..after_comma, format!("{separator}{written}"))])
}

/// Removes an entry with its comma; where it has lines of its own, these.
pub(super) fn remove_entry(
    text: &str,
    tree: &Tree,
    id: Id,
    map: &Map,
    index: usize,
    comments: bool,
) -> Result<Vec<Splice>> {
    let span = |index: usize| {
        map.entries.get(index).map(|(key, value)| {
            tree.node(*key).span.start..tree.end(text, *value).max(tree.node(*key).span.end)
        })
    };
    let Some(own) = span(index) else { return Ok(Vec::new()) };
    let close = tree.node(id).span.end.saturating_sub(1);
    let next = span(index + 1).map(|next| next.start);
    let alone = slice(text, line_start(text, own.start)..own.start).trim().is_empty()
        && next.is_none_or(|next| next > line_end(text, own.end))
        && close > line_end(text, own.end);
    let comma = slice(text, own.end..close).trim_start().starts_with(',');
    let previous = index.checked_sub(1).and_then(span).map(|previous| previous.end);
    let removed = match (alone, next, previous) {
        (true, _, None) | (true, Some(_), _) => return Ok(vec![remove_lines(text, own.start, own.end)]),
        (true, None, Some(_)) if comma => return Ok(vec![remove_lines(text, own.start, own.end)]),
        (true, None, Some(previous)) => {
            let at = slice(text, previous..own.start).find(',').map(|at| previous + at);
            let at = at.ok_or_else(|| Error::invalid("a comma is missing before it"))?;
            return Ok(vec![Splice::new(at..at + 1, String::new()), remove_lines(text, own.start, own.end)]);
        }
        (false, Some(next), _) => own.start..next,
        (false, None, Some(previous)) => previous..own.end,
        (false, None, None) => tree.node(id).span.start + 1..close,
    };
    // What is cut besides the entry itself holds a comma, and must hold no comment.
    let besides = [slice(text, removed.start..own.start), slice(text, own.end..removed.end)];
    if comments && besides.iter().any(|part| part.contains('#')) {
        return Err(Error::invalid("a comment would be removed with it").help("remove it by hand"));
    }
    Ok(vec![Splice::new(removed, String::new())])
}
