//! JSON, strictly, with places.

use deploy_core::error::{Error, Result};

use super::tree::{Id, Kind, Layout, List, Map, Scalar, Style, Tree, line};
use super::{MAX_DEPTH, MAX_VALUES, slice, too_many};

/// Reads one value. A text of nothing has none.
pub(super) fn parse(text: &str) -> Result<Tree> {
    let mut reader = Reader { text, at: 0, tree: Tree::default() };
    reader.blank();
    if reader.at < text.len() {
        let root = reader.value(0)?;
        reader.tree.roots.push(root);
        reader.blank();
    }
    if reader.at < text.len() {
        return Err(reader.error("something follows the value"));
    }
    Ok(reader.tree)
}

/// `text` as a JSON string.
pub(super) fn write(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tree: Tree,
}

impl Reader<'_> {
    fn error(&self, what: &str) -> Error {
        Error::invalid(format!("line {}: {what}", line(self.text, self.at)))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.blank();
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn value(&mut self, depth: usize) -> Result<Id> {
        if depth > MAX_DEPTH {
            return Err(self.error(&format!("maps and lists are nested deeper than {MAX_DEPTH}")));
        }
        if self.tree.nodes.len() > MAX_VALUES {
            return Err(too_many());
        }
        self.blank();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => return self.string(),
            _ => self.literal()?,
        };
        Ok(self.tree.add(kind, start..self.at))
    }

    fn map(&mut self, depth: usize) -> Result<Kind> {
        self.at += 1;
        let mut entries = Vec::new();
        if !self.takes(b'}') {
            loop {
                self.blank();
                if self.peek() != Some(b'"') {
                    return Err(self.error("a key in double quotes is missing"));
                }
                let key = self.string()?;
                if !self.takes(b':') {
                    return Err(self.error("a colon is missing"));
                }
                entries.push((key, self.value(depth + 1)?));
                if self.takes(b'}') {
                    break;
                }
                if !self.takes(b',') {
                    return Err(self.error("a comma or a closing brace is missing"));
                }
            }
        }
        Ok(Kind::Map(Map { entries, layout: Layout::Flow }))
    }

    fn list(&mut self, depth: usize) -> Result<Kind> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.takes(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if self.takes(b']') {
                    break;
                }
                if !self.takes(b',') {
                    return Err(self.error("a comma or a closing bracket is missing"));
                }
            }
        }
        Ok(Kind::List(List { items, layout: Layout::Flow }))
    }

    fn string(&mut self) -> Result<Id> {
        let start = self.at;
        let mut escaped = false;
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let length = rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let Some(length) = length else { return Err(self.error("a closing quote is missing")) };
        let span = start..start + length + 2;
        let text: String = serde_json::from_str(slice(self.text, span.clone()))
            .map_err(|_| self.error("this is no string of JSON"))?;
        self.at = span.end;
        Ok(self.tree.add(Kind::Scalar(Scalar::new(text, Style::Double)), span))
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Result<Kind> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let word = slice(rest, 0..rest.find(|character| !is_part(character)).unwrap_or(rest.len()));
        let style = match serde_json::from_str::<serde_json::Value>(word) {
            Ok(serde_json::Value::Null) => Style::Null,
            // A number that no float holds is written right still.
            Ok(_) => Style::Plain,
            Err(_) => return Err(self.error("this is no value of JSON")),
        };
        let kind = Kind::Scalar(Scalar::new(word, style));
        self.at += word.len();
        Ok(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            "",
            " ",
            "null",
            "1",
            "-1.5e3",
            "01",
            "+1",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "[1 2]",
            "\"a\nb\"",
            "\"\\u00e9\"",
            "\"\\ud800\"",
            "\"a",
            "{}{}",
            "nul",
            "[",
            "{\"a\":[{}]}",
            "{a:1}",
            "'a'",
            "\t[\r\n]",
        ] {
            let theirs = text.trim().is_empty() || serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(parse(text).is_ok(), theirs, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
        assert!(parse(&"[".repeat(1_000_000)).is_err());
    }
}
