//! JSON read without one of its fields: never built, what nobody reads costs next to nothing.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON without the field at this path of names.
///
/// # Errors
/// What is not JSON, in that field too.
pub(super) fn without(json: &[u8], path: &[&str]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = LeaveOut(path).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The names that lead to the field, from here.
#[derive(Clone, Copy)]
struct LeaveOut<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for LeaveOut<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LeaveOut<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = match self.0 {
                [last] if **last == name => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
                [first, rest @ ..] if **first == name => fields.next_value_seed(LeaveOut(rest))?,
                _ => fields.next_value()?,
            };
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_one_field_and_nothing_else() {
        let check = |json: &str, expect: &str| {
            let read = without(json.as_bytes(), &["object", "metadata", "managedFields"]).unwrap();
            assert_eq!(read.to_string(), expect);
        };
        check(
            r#"{"object":{"metadata":{"managedFields":[{"a":1}],"name":"x"}},"type":"ADDED"}"#,
            r#"{"object":{"metadata":{"name":"x"}},"type":"ADDED"}"#,
        );
        check(
            r#"{"managedFields":1,"object":{"managedFields":2}}"#,
            r#"{"managedFields":1,"object":{"managedFields":2}}"#,
        );
        for same in [
            r#"{"object":null}"#,
            r#"{"object":[{"metadata":{"managedFields":[]}}]}"#,
            r#"{"object":{"metadata":"text"}}"#,
            r#"[{"a":-1,"b":18446744073709551615,"c":1.5,"d":"\u0000é","e":true}]"#,
            "7",
        ] {
            assert_eq!(
                without(same.as_bytes(), &["object", "metadata", "managedFields"]).unwrap(),
                serde_json::from_str::<Value>(same).unwrap()
            );
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for bad in ["", "{", r#"{"a":}"#, r#"{"a":1} 2"#, r#"{"a":[1}"#] {
            assert!(without(bad.as_bytes(), &["a"]).is_err(), "{bad}");
        }
    }
}
