//! Regular expressions over tags.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use super::problem::Problem;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_LENGTH: usize = 512;

/// The most bytes of a compiled pattern; with the crate's linear time this bounds what a hostile one costs.
const MAX_COMPILED: usize = 256 * 1024;

/// How deep groups may be nested.
const MAX_NESTING: u32 = 32;

/// A regular expression that must match the whole text; equal if it is written equally.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    pub(super) regex: Regex,
}

impl Pattern {
    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_PATTERN_LENGTH {
            let what = format!("a regular expression has at most {MAX_PATTERN_LENGTH} bytes");
            return Err(Problem::new(MAX_PATTERN_LENGTH, what));
        }
        if let Some(at) = text.find(char::is_control) {
            return Err(Problem::new(at, "a regular expression here is one line without control characters"));
        }
        // By itself first: `a)(b` is none, though it would be one between the anchors.
        build(text)?;
        let anchored = build(&format!("^(?:{text})$"));
        let regex =
            anchored.map_err(|_| Problem::new(0, "a regular expression cannot end with a comment"))?;
        Ok(Self { text: text.into(), regex })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

/// Without Unicode: a tag is ASCII, and the tables would double the size.
fn build(text: &str) -> Result<Regex, Problem> {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(false).size_limit(MAX_COMPILED).nest_limit(MAX_NESTING);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            Problem::new(0, "the regular expression is too large when compiled")
        }
        error => place(text, &error),
    })
}

/// What is wrong, from the crate's message: it draws a caret under the pattern, and ends with `error: …`.
fn place(text: &str, error: &regex::Error) -> Problem {
    let message = error.to_string();
    let what = message.rsplit("error: ").next().unwrap_or_default().trim();
    let caret = message.lines().skip_while(|line| line.trim() != text.trim()).find_map(|line| line.find('^'));
    let indent = message.lines().find(|line| line.trim() == text.trim()).and_then(|line| line.find(text));
    let at = caret.zip(indent).map_or(0, |(caret, indent)| caret.saturating_sub(indent));
    Problem::new(at.min(text.len()), format!("no regular expression: {what}"))
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
