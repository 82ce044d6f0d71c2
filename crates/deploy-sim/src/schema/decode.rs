//! Reads JSON into the types of the table, as `sigs.k8s.io/json` does: fields that no type has go, and what is wrong is told in its words.

mod reader;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Type;
pub(crate) use reader::Problems;
pub(super) use reader::QUANTITY;
use reader::{Reader, Step};

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
