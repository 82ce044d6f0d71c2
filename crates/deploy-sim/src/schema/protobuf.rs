//! Objects as typed Go clients send them: protobuf, read by `protobuf.txt`. Answers are JSON, which such clients take as well.
//!
//! - `kind apps/v1 Deployment apps/v1.Deployment`: the type of a kind.
//! - `type apps/v1.Deployment NUMBER:NAME:TYPE …`: the fields of a type. A field without a name stands in the object itself. `[]T` is a list, `{}T` a
//!   map from strings, `*T` may be absent, so that what is there counts even if it is zero.

mod message;

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use message::{Message, Wire};

/// What every such body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// As deep as the built-in types are at most.
const MAX_DEPTH: usize = 32;

/// Why a body is not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not what it says to be.
    Malformed(&'static str),
    /// Of this kind nothing is known.
    Unknown,
}

const CUT_OFF: Unread = Unread::Malformed("unexpected EOF");

/// The object in a body, as JSON.
///
/// # Errors
/// See [`Unread`].
pub(crate) fn read(body: &[u8]) -> Result<Value, Unread> {
    let wrapped = body
        .strip_prefix(MAGIC)
        .ok_or(Unread::Malformed("provided data does not appear to be a protobuf message"))?;
    let wrapped = Message::read(wrapped)?;
    let of = Message::read(wrapped.bytes(1))?;
    let (api_version, kind) = (of.text(1)?, of.text(2)?);
    let table = &*TABLE;
    // Options come in the version of whatever is asked for.
    let name = match kind.as_str() {
        "DeleteOptions" => table.kinds.get("v1 DeleteOptions"),
        _ => table.kinds.get(format!("{api_version} {kind}").as_str()),
    };
    let name = name.ok_or(Unread::Unknown)?;
    let mut object =
        Map::from_iter([("apiVersion".to_owned(), api_version.into()), ("kind".to_owned(), kind.into())]);
    table.fill(&mut object, name, wrapped.bytes(2), MAX_DEPTH)?;
    Ok(object.into())
}

struct Table {
    /// By `apps/v1 Deployment`.
    kinds: HashMap<String, &'static str>,
    types: HashMap<&'static str, HashMap<u64, Field>>,
}

struct Field {
    name: &'static str,
    of: &'static str,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { kinds: HashMap::new(), types: HashMap::new() };
    for line in include_str!("protobuf.txt").lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("kind"), Some(api_version)) => {
                if let (Some(kind), Some(name)) = (words.next(), words.next()) {
                    table.kinds.insert(format!("{api_version} {kind}"), name);
                }
            }
            (Some("type"), Some(name)) => drop(table.types.insert(name, words.filter_map(field).collect())),
            _ => {}
        }
    }
    table
});

fn field(word: &'static str) -> Option<(u64, Field)> {
    let mut parts = word.splitn(3, ':');
    let number = parts.next()?.parse().ok()?;
    Some((number, Field { name: parts.next()?, of: parts.next()? }))
}

impl Table {
    /// Puts the fields of a message of the type into an object.
    fn fill(
        &self,
        object: &mut Map<String, Value>,
        name: &str,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(), Unread> {
        let depth = depth.checked_sub(1).ok_or(Unread::Malformed("it is nested too deeply"))?;
        let fields = self.types.get(name).ok_or(Unread::Unknown)?;
        for (number, wire) in &Message::read(bytes)?.0 {
            // A later version of the client has more of them; the server drops them as well.
            let Some(field) = fields.get(number) else { continue };
            if field.name.is_empty() {
                self.fill(object, field.of.trim_start_matches('*'), wire.bytes()?, depth)?;
            } else if let Some(of) = field.of.strip_prefix("[]") {
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(self.value(of, wire, depth)?);
                }
            } else if let Some(of) = field.of.strip_prefix("{}") {
                let entry = Message::read(wire.bytes()?)?;
                let value = match entry.last(2) {
                    Some(value) => self.value(of, value, depth)?,
                    None => self.value(of, &Wire::Bytes(&[]), depth)?,
                };
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                if let Some(map) = map.as_object_mut() {
                    map.insert(entry.text(1)?, value);
                }
            } else if let Some(of) = field.of.strip_prefix('*') {
                object.insert(field.name.to_owned(), self.value(of, wire, depth)?);
            } else {
                let value = self.value(field.of, wire, depth)?;
                if !is_zero(&value) {
                    object.insert(field.name.to_owned(), value);
                }
            }
        }
        Ok(())
    }

    fn value(&self, of: &str, wire: &Wire<'_>, depth: usize) -> Result<Value, Unread> {
        Ok(match of {
            "bool" => (wire.number()? != 0).into(),
            "int32" | "int64" => signed(wire.number()?).into(),
            "string" => wire.text()?.into(),
            "bytes" => serde_json::to_value(ByteString(wire.bytes()?.to_vec())).unwrap_or_default(),
            "quantity" => Message::read(wire.bytes()?)?.text(1)?.into(),
            "time" | "micro-time" => time(&Message::read(wire.bytes()?)?, of == "micro-time"),
            "int-or-string" => {
                let either = Message::read(wire.bytes()?)?;
                if either.number(1) == 0 { signed(either.number(2)).into() } else { either.text(3)?.into() }
            }
            "raw" => {
                let raw = Message::read(wire.bytes()?)?;
                match raw.bytes(1) {
                    [] => Value::Null,
                    json => serde_json::from_slice(json)
                        .map_err(|_| Unread::Malformed("what is raw in it is not JSON"))?,
                }
            }
            "strings" => {
                let list = Message::read(wire.bytes()?)?;
                let texts: Result<Vec<String>, Unread> = list.0.iter().map(|(_, wire)| wire.text()).collect();
                texts?.into()
            }
            name => {
                let mut object = Map::new();
                self.fill(&mut object, name, wire.bytes()?, depth)?;
                object.into()
            }
        })
    }
}

/// What a field has that nobody set: it is sent all the same.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// As two's complement.
fn signed(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

fn time(message: &Message<'_>, exact: bool) -> Value {
    if message.0.is_empty() {
        return Value::Null;
    }
    let since = SignedDuration::from_secs(signed(message.number(1)));
    let nanos = if exact { signed(message.number(2)).clamp(0, 999_999_999) } else { 0 };
    let time = since
        .checked_add(SignedDuration::from_nanos(nanos))
        .and_then(|since| Timestamp::from_duration(since).ok());
    // The Go type's own zero.
    time.map_or(Value::Null, |time| if exact { format!("{time:.6}") } else { time.to_string() }.into())
}

#[cfg(test)]
mod tests;
