//! Reads JSON into the types of the table, as `sigs.k8s.io/json` does: fields that no type has go, and what is wrong is told in its words.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Type;
use crate::defaults::quantity::Quantity;

pub(super) const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/// More unknown and duplicate fields than these are not told.
const MAX_STRICT: usize = 100;

/// What is wrong with what was read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// Unknown and duplicate fields, in the order of the text.
    pub(crate) strict: Vec<String>,
    /// The first value of another type.
    mistyped: Option<String>,
    /// What stopped the reading: types that read themselves do.
    fatal: Option<String>,
}

impl Problems {
    /// Why it cannot be read at all.
    pub(crate) fn error(&self) -> Option<&str> {
        self.fatal.as_deref().or(self.mistyped.as_deref())
    }
}

/// Reads a text.
///
/// # Errors
/// What is no JSON.
pub(crate) fn read(text: &[u8], of: &Type) -> Result<(Value, Problems), serde_json::Error> {
    let mut reader = Reader::default();
    let mut text = serde_json::Deserializer::from_slice(text);
    let value = Seed { of, reader: &mut reader }.deserialize(&mut text)?;
    text.end()?;
    Ok((value, reader.problems))
}

/// Reads what was JSON already.
pub(crate) fn check(value: &Value, of: &Type) -> (Value, Problems) {
    let mut reader = Reader::default();
    // A value is read whatever it is.
    let value = Seed { of, reader: &mut reader }.deserialize(value).unwrap_or_default();
    (value, reader.problems)
}

/// Why a text is no JSON, in Go's words where that is easy.
pub(crate) fn shown_json(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".into() } else { error.to_string() }
}

#[derive(Default)]
struct Reader {
    path: Vec<Step>,
    problems: Problems,
}

enum Step {
    /// The struct's name, the field's embedded structs and its name.
    Field(&'static str, &'static str, &'static str),
    Key(String),
    Index(usize),
}

impl Reader {
    /// `spec.containers[0].image`
    fn place(&self, last: &str) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Field(_, _, name) => text.extend([*name, "."]),
                Step::Key(name) => text.extend([name.as_str(), "."]),
                Step::Index(index) => {
                    text.pop();
                    text.extend(["[", &index.to_string(), "]."]);
                }
            }
        }
        text + last
    }

    fn strict(&mut self, what: &str, name: &str) {
        if self.problems.strict.len() < MAX_STRICT {
            let place = self.place(name);
            self.problems.strict.push(format!("{what} field {}", Value::from(place)));
        }
    }

    fn mistyped(&self, found: &str, of: &Type) -> String {
        let (mut owner, mut names) = ("", String::new());
        for step in &self.path {
            let Step::Field(of, embedded, name) = step else { continue };
            owner = of;
            names.push('.');
            names.push_str(&embedded.replace('/', "."));
            names.push_str(name);
        }
        let of = of.go();
        match owner {
            "" => format!("json: cannot unmarshal {found} into Go value of type {of}"),
            owner => {
                format!("json: cannot unmarshal {found} into Go struct field {owner}{names} of type {of}")
            }
        }
    }

    fn refuse(&mut self, found: &str, of: &Type) {
        let why = self.mistyped(found, of);
        let stops = matches!(of, Type::IntOrString | Type::Time);
        self.stop_or_note(why, stops);
    }

    fn stop_or_note(&mut self, why: String, stops: bool) {
        let place = if stops { &mut self.problems.fatal } else { &mut self.problems.mistyped };
        place.get_or_insert(why);
    }

    fn scalar(&mut self, value: &Value, of: &Type) {
        if self.problems.fatal.is_some() {
            return;
        }
        match (of, value) {
            (Type::Any, _)
            | (_, Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::String(_) | Type::IntOrString, Value::String(_))
            | (Type::Float, Value::Number(_)) => {}
            (Type::Quantity, value) => {
                if Quantity::of(value).is_none() {
                    self.stop_or_note(QUANTITY.to_owned(), true);
                }
            }
            (Type::Bytes, Value::String(text)) => {
                if let Some(index) = base64_error(text) {
                    self.stop_or_note(format!("illegal base64 data at input byte {index}"), false);
                }
            }
            (Type::Time, Value::String(text)) => {
                if !text.is_empty() && text.parse::<jiff::Timestamp>().is_err() {
                    let why = format!(
                        "parsing time {shown} as \"2006-01-02T15:04:05Z07:00\": cannot parse {shown} as \"2006\"",
                        shown = Value::from(text.as_str())
                    );
                    self.stop_or_note(why, true);
                }
            }
            (Type::Integer(_, least, most), Value::Number(number)) => {
                if number.as_i64().is_none_or(|number| number < *least || number > *most) {
                    self.refuse(&format!("number {number}"), of);
                }
            }
            (Type::IntOrString, Value::Number(number)) => {
                if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
                    self.refuse(&format!("number {number}"), of);
                }
            }
            (_, Value::Bool(_)) => self.refuse("bool", of),
            (_, Value::Number(_)) => self.refuse("number", of),
            (_, Value::String(_)) => self.refuse("string", of),
            (_, Value::Array(_) | Value::Object(_)) => {}
        }
    }
}

struct Seed<'r, 't> {
    of: &'t Type,
    reader: &'r mut Reader,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_, '_> {
    fn scalar(self, value: Value) -> Value {
        self.reader.scalar(&value, self.of);
        value
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(self.scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Self { of, reader } = self;
        let item = match of {
            Type::List(item, _) => &**item,
            Type::Any => of,
            Type::Quantity => {
                reader.stop_or_note(QUANTITY.to_owned(), true);
                &Type::Any
            }
            _ => {
                reader.refuse("array", of);
                &Type::Any
            }
        };
        let mut items = Vec::new();
        loop {
            reader.path.push(Step::Index(items.len()));
            let next = list.next_element_seed(Seed { of: item, reader: &mut *reader });
            reader.path.pop();
            match next? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let Self { of, reader } = self;
        let (fields, value) = match of {
            Type::Struct(_) => (of.fields(), &Type::Any),
            Type::Map(value, _) => (None, &**value),
            Type::Any => (None, of),
            Type::Quantity => {
                reader.stop_or_note(QUANTITY.to_owned(), true);
                (None, &Type::Any)
            }
            _ => {
                reader.refuse("object", of);
                (None, &Type::Any)
            }
        };
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if map.contains_key(&name) {
                reader.strict("duplicate", &name);
            }
            let (step, of) = match fields.map(|fields| fields.get_key_value(name.as_str())) {
                None => (Step::Key(name.clone()), value),
                Some(Some((name, field))) => {
                    let owner = match of {
                        Type::Struct(id) => id.rsplit('.').next().unwrap_or(id),
                        _ => "",
                    };
                    (Step::Field(owner, field.embedded, name), &field.of)
                }
                Some(None) => {
                    reader.strict("unknown", &name);
                    let _: IgnoredAny = entries.next_value()?;
                    continue;
                }
            };
            reader.path.push(step);
            let read = entries.next_value_seed(Seed { of, reader: &mut *reader });
            reader.path.pop();
            map.insert(name, read?);
        }
        Ok(Value::Object(map))
    }
}

/// Where base64 stops to be any, as Go's decoder counts.
fn base64_error(text: &str) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let bytes: Vec<u8> = text.bytes().filter(|byte| *byte != b'\n' && *byte != b'\r').collect();
    let letters = bytes.iter().take_while(|byte| is_letter(**byte)).count();
    let padding = bytes.iter().skip(letters).take_while(|byte| **byte == b'=').count();
    let complete = (letters + padding) % 4 == 0 && padding <= 2 && letters + padding == bytes.len();
    if complete { None } else { Some(letters.min(bytes.len())) }
}
