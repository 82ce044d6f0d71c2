//! Lines of `NAME=value`, as shells and the libraries called dotenv read them: `export` may stand before the name,
//! the value in no quotes, in `'…'` (as it stands, over several lines too), or in `"…"` with `\n`, `\"`, `\\`, `\$`.
//!
//! A value that refers to another variable (`"$HOME/x"`) is neither read nor changed: what it is, only the program
//! knows that reads it.

use std::collections::HashMap;

use deploy_core::error::{Error, Result};

use super::fragment::Fragment;
use super::splice::{Splice, insert_line, line_break};
use super::tree::{Kind, Layout, Map, Scalar, Style, Tree};
use super::{MAX_VALUES, slice, too_many};

/// Reads all lines.
pub(super) fn parse(text: &str) -> Result<Tree> {
    let mut tree = Tree::default();
    let mut entries = Vec::new();
    let mut lines: HashMap<&str, usize> = HashMap::new();
    let (mut at, mut number, mut counted) = (0, 1, 0);
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest.find('\n').unwrap_or(rest.len());
        let content = slice(rest, 0..length);
        let trimmed = content.trim_start();
        if trimmed.trim_end().is_empty() || trimmed.starts_with('#') {
            at += length + 1;
            continue;
        }
        number += slice(text, counted..at).matches('\n').count();
        counted = at;
        let error = |what: &str| Error::invalid(format!("line {number}: {what}"));
        let declared = trimmed.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
        let declared = declared.map_or(trimmed, str::trim_start);
        let Some((name, value)) = declared.split_once('=') else { return Err(error("it has no =")) };
        if !is_name(name) {
            return Err(error("this is no name of a variable"));
        }
        let start = at + content.len() - declared.len();
        if let Some(first) = lines.insert(name, number) {
            return Err(error(&format!("the key {name:?} stands twice (first at line {first})")));
        }
        let from = start + name.len() + 1;
        let (scalar, end) = read(text, from, value).map_err(error)?;
        let key = tree.add(Kind::Scalar(Scalar::new(name, Style::Double)), start..start + name.len());
        let value = tree.add(Kind::Scalar(scalar), from..end);
        entries.push((key, value));
        if tree.nodes.len() > MAX_VALUES {
            return Err(too_many());
        }
        at = text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |found| end + found + 1);
    }
    let root = tree.add(Kind::Map(Map { entries, layout: Layout::Block }), 0..text.len());
    tree.roots.push(root);
    Ok(tree)
}

/// Whether `name` can be one.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The value at byte `from`, of which the line holds `rest`; and where it ends.
fn read(text: &str, from: usize, rest: &str) -> std::result::Result<(Scalar, usize), &'static str> {
    let all = text.get(from..).unwrap_or_default();
    let closed = |end: usize| {
        let after = text.get(end..).unwrap_or_default().split('\n').next().unwrap_or_default().trim_end();
        if after.is_empty() || after.trim_start().starts_with('#') && after.starts_with([' ', '\t']) {
            Ok(end)
        } else {
            Err("something follows the closing quote")
        }
    };
    if let Some(inner) = all.strip_prefix('\'') {
        let length = inner.find('\'').ok_or("a closing quote is missing")?;
        let end = closed(from + length + 2)?;
        return Ok((Scalar::new(slice(inner, 0..length), Style::Single), end));
    }
    if let Some(inner) = all.strip_prefix('"') {
        let (value, length) = quoted(inner)?;
        return Ok((Scalar { style: Style::Double, ..value }, closed(from + length + 2)?));
    }
    // A comment starts at a # after a blank.
    let comment = rest.char_indices().zip(std::iter::once(' ').chain(rest.chars()));
    let comment =
        comment.into_iter().find(|((_, character), before)| *character == '#' && before.is_whitespace());
    let value = slice(rest, 0..comment.map_or(rest.len(), |((at, _), _)| at)).trim_end();
    if value.starts_with([' ', '\t']) {
        return Err("a blank stands after the =");
    }
    let mut scalar = Scalar::new(value, Style::Bare);
    if value.contains(['$', '`', '\\', '\'', '"']) {
        scalar.tag = Some(REFERENCE.to_owned());
    }
    Ok((scalar, from + value.len()))
}

/// What marks a value that only a shell could read.
pub(super) const REFERENCE: &str = "reference";

/// What stands in double quotes, up to the closing one.
fn quoted(inner: &str) -> std::result::Result<(Scalar, usize), &'static str> {
    let mut scalar = Scalar::new("", Style::Double);
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((scalar, at)),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => scalar.text.push('\n'),
                Some('r') => scalar.text.push('\r'),
                Some('t') => scalar.text.push('\t'),
                Some(escaped @ ('"' | '\\' | '$' | '`')) => scalar.text.push(escaped),
                Some(other) => scalar.text.extend(['\\', other]),
                None => break,
            },
            _ => {
                if matches!(character, '$' | '`') {
                    scalar.tag = Some(REFERENCE.to_owned());
                }
                scalar.text.push(character);
            }
        }
    }
    Err("a closing quote is missing")
}

/// `text` as a value: in the `style` that stood there, where that can say it.
pub(super) fn write(text: &str, style: Style) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte);
    let literal = |character: char| character != '\'' && !character.is_control();
    match style {
        Style::Bare if text.bytes().all(bare) => return text.to_owned(),
        Style::Single | Style::Bare if text.chars().all(literal) => return format!("'{text}'"),
        _ => {}
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' | '$' | '`' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A new line at the end.
pub(super) fn add_entry(text: &str, name: &str, value: &Fragment) -> Result<Vec<Splice>> {
    let Fragment::Text(value) = value else {
        return Err(Error::invalid("a variable is no map"));
    };
    if !is_name(name) {
        return Err(Error::invalid("this is no name of a variable"));
    }
    let line = format!("{name}={}{}", write(value, Style::Bare), line_break(text));
    let end = text.len() - usize::from(text.ends_with('\n'));
    Ok(vec![if text.is_empty() { Splice::new(0..0, line) } else { insert_line(text, end, &line) }])
}
