//! The line an error is about, with a caret, fit to be shown.

use std::fmt;
use std::sync::Arc;

use super::MASK;
use super::places::Mark;
use crate::error::Error;

/// The most characters of a line that are shown.
const WIDTH: usize = 100;

/// The line an error is about, with a caret under the place: the [`source`](std::error::Error::source) of an error
/// of [`read`](super::read), or about a text that a person wrote, such as a [tag policy](crate::tag).
///
/// A manifest's value is masked unless its document is surely no Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    number: u32,
    line: String,
    /// Characters before the caret.
    indent: usize,
}

impl Excerpt {
    /// Line `number`, with the caret under its character `column`, counted from 0. A long line is cut around it.
    #[must_use]
    pub fn new(number: u32, line: &str, column: usize) -> Self {
        let from = if line.chars().count() > WIDTH { column.saturating_sub(WIDTH / 2) } else { 0 };
        let shown = line.chars().skip(from).take(WIDTH);
        let line = shown.map(|character| if character.is_control() { ' ' } else { character }).collect();
        Self { number, indent: (column - from).min(WIDTH), line }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.to_string();
        writeln!(f, "{number:>5} | {}", self.line)?;
        write!(f, "{:>5} | {:indent$}^", "", "", indent = self.indent)
    }
}

impl std::error::Error for Excerpt {}

/// The line that an error is about, if it is one about a text.
///
/// ```
/// let error = deploy_core::manifest::read("shop.yaml", b"kind: Service\nport: 80\nport: 81\n").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "shop.yaml:3:1: duplicate key \"port\" (first at shop.yaml:2:1)"
/// );
/// let excerpt = deploy_core::manifest::excerpt(&error).unwrap();
/// assert_eq!(excerpt.to_string(), "    3 | port: 81\n      | ^");
/// ```
pub fn excerpt(error: &Error) -> Option<&Excerpt> {
    std::error::Error::source(error)?.downcast_ref()
}

/// A text being read: its name, and errors about places in it.
pub(super) struct Source<'a> {
    pub(super) name: Arc<str>,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// An error at `mark`. `message` must not hold a value of the text: it may be a Secret's.
    pub(super) fn error(&self, mark: Mark, message: impl Into<String>) -> Error {
        let mut error = Error::invalid(message).on(mark.origin(&self.name));
        if self.line(mark).is_some_and(|line| line.contains("{{")) {
            error = error.help("this looks like a template: render it first");
        }
        match self.excerpt(mark) {
            Some(excerpt) => error.source(excerpt),
            None => error,
        }
    }

    fn line(&self, mark: Mark) -> Option<&str> {
        lines(self.text).nth((mark.line as usize).checked_sub(1)?)
    }

    fn excerpt(&self, mark: Mark) -> Option<Excerpt> {
        let line = self.line(mark)?;
        let column = (mark.column as usize).saturating_sub(1);
        if !self.may_be_secret(mark.line as usize) {
            return Some(Excerpt::new(mark.line, line, column));
        }
        let key = key_part(line);
        let rest = line.get(key.len()..).unwrap_or_default();
        let masked = match (key, rest.trim()) {
            (_, "") => key.to_owned(),
            ("", _) => MASK.to_owned(),
            _ => format!("{key} {MASK}"),
        };
        let indent = if key.is_empty() { 0 } else { column.min(key.chars().count() + 1) };
        Some(Excerpt { number: mark.line, line: masked, indent })
    }

    /// Whether the document around line `number` is a Secret, or does not say what it is.
    fn may_be_secret(&self, number: usize) -> bool {
        let mut kinds = 0;
        let mut secret = false;
        for (index, line) in lines(self.text).enumerate() {
            if line.starts_with("---") {
                if index >= number {
                    break;
                }
                (kinds, secret) = (0, false);
            }
            // Both YAML and JSON; that a name holds the word too only masks more.
            for (at, _) in line.match_indices("kind") {
                let after = line.get(at + 4..).unwrap_or_default().trim_start_matches(['"', '\'', ' ']);
                if let Some(value) = after.strip_prefix(':') {
                    kinds += 1;
                    secret |=
                        value.contains("Secret") || value.trim_start().starts_with(['&', '*', '!', '|', '>']);
                }
            }
        }
        kinds == 0 || secret
    }
}

/// Lines as YAML counts them: `\n`, `\r\n` and a lone `\r` end one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The part of `line` up to the colon of a plain or quoted key at its start; empty if there is none.
fn key_part(line: &str) -> &str {
    let is_key = |character: char| character.is_ascii_alphanumeric() || " -_./\"'".contains(character);
    match line.find(|character| !is_key(character)) {
        Some(colon) if line.get(colon..).is_some_and(|rest| rest.starts_with(": ") || rest == ":") => {
            line.get(..=colon).unwrap_or_default()
        }
        _ => "",
    }
}
