//! JSON text to the composer: one object after the other, as Kubernetes reads them before it tries YAML.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Number;

use super::compose::Composer;
use super::scalar::{Scalar, json_number};
use crate::error::Result;
use crate::manifest::places::Mark;

/// Reads JSON objects from the start of `text` for as long as there are any, and returns where the rest starts.
/// What is not JSON is left to the YAML reader: it may be a flow map.
pub(super) fn read(text: &str, composer: &mut Composer<'_>) -> Result<(usize, Mark)> {
    let mut cursor = Cursor { text, at: 0, line: 1, column: 1 };
    loop {
        cursor.skip_space();
        let rest = text.get(cursor.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        if !rest.starts_with('{') || !matches!(values.next(), Some(Ok(_))) {
            return Ok((cursor.at, cursor.mark()));
        }
        let end = cursor.at + values.byte_offset();
        composer.start_document();
        object(&mut cursor, end, composer)?;
    }
}

/// Walks over an object that is known to be well formed: what a token means follows from its first byte.
fn object(cursor: &mut Cursor<'_>, end: usize, composer: &mut Composer<'_>) -> Result<()> {
    while cursor.at < end {
        let at = cursor.mark();
        match cursor.peek() {
            Some(b'{') => composer.start_map(0, at)?,
            Some(b'[') => composer.start_list(0, at)?,
            Some(b'}' | b']') => composer.end_collection()?,
            Some(b',' | b':') => {}
            Some(b' ' | b'\t' | b'\r' | b'\n') => {
                cursor.skip_space();
                continue;
            }
            Some(_) => {
                let token = cursor.token();
                let scalar = scalar(token)
                    .ok_or_else(|| composer.source().error(at, "JSON cannot hold this value"))?;
                composer.scalar(scalar, false, 0, at)?;
                cursor.skip(token);
                continue;
            }
            None => break,
        }
        cursor.at += 1;
        cursor.column += 1;
    }
    Ok(())
}

fn scalar(token: &str) -> Option<Scalar<'_>> {
    Some(match token {
        "null" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        text if text.starts_with('"') => {
            let plain = text.get(1..text.len().checked_sub(1)?)?;
            Scalar::Text(if plain.contains('\\') {
                Cow::Owned(serde_json::from_str(text).ok()?)
            } else {
                Cow::Borrowed(plain)
            })
        }
        number => {
            let number: Number = serde_json::from_str(number).ok()?;
            let whole = json_number(number.as_f64()?).filter(|_| number.is_f64()).unwrap_or(number);
            match (whole.as_i64(), whole.as_u64()) {
                (Some(value), _) => Scalar::Int(value),
                (None, Some(value)) => Scalar::Uint(value),
                (None, None) => Scalar::Float(whole.as_f64()?),
            }
        }
    })
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    fn mark(&self) -> Mark {
        Mark::new(self.line, self.column)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The string, number or word at the cursor.
    fn token(&self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut bytes = rest.bytes().enumerate();
        let end = if bytes.next().is_some_and(|(_, first)| first == b'"') {
            let mut escaped = false;
            bytes
                .find(|&(_, byte)| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                })
                .map(|(at, _)| at + 1)
        } else {
            bytes.find(|(_, byte)| b",]} \t\r\n".contains(byte)).map(|(at, _)| at)
        };
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    fn skip(&mut self, token: &str) {
        self.at += token.len();
        self.column += token.chars().count();
    }

    fn skip_space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.at += 1;
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 1;
            }
        }
    }
}
