//! JSON values with a total order, as list keys and set items need it.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Number, Value};

/// A JSON value that can be compared and sorted: the value of a list key or an item of a set.
///
/// The order is the API server's (structured-merge-diff): numbers, strings, booleans, lists, objects, null; numbers by
/// their value, so that `1` and `1.0` are the same key.
///
/// ```
/// use k8s_fields::Json;
///
/// assert!(Json::from(80) < Json::from(443), "by value, not by text");
/// assert!(Json::from(443) < Json::from("80"));
/// assert_eq!(Json::from(1), Json::from(1.0));
/// ```
#[derive(Clone, Debug)]
pub struct Json(Value);

impl Json {
    /// The value.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The text that the API server writes for it inside FieldsV1: compact, `<`, `>` and `&` escaped.
    pub(crate) fn write_canonical(&self, out: &mut String) {
        let text = self.0.to_string();
        if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            return out.push_str(&text);
        }
        for c in text.chars() {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.push_str(&escape(c));
                }
                _ => out.push(c),
            }
        }
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

/// As conflicts show it: `"app"`, `8080`.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Json {}

impl PartialOrd for Json {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Json {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// Whether two values are the same to the API server.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    compare(a, b).is_eq()
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let unequal = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|o| o.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (a, b) = (sorted(a), sorted(b));
            let pairs = a.iter().zip(&b);
            let unequal =
                pairs.map(|(a, b)| a.0.cmp(b.0).then_with(|| compare(a.1, b.1))).find(|o| o.is_ne());
            unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The fields by name, however the map keeps them.
fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let float = |n: &Number| n.as_f64().unwrap_or(f64::MAX);
            float(a).total_cmp(&float(b))
        }
    }
}

/// The number as an integer, where it is one: `3.0` too, so that equality stays transitive beyond 2^53.
fn integer(n: &Number) -> Option<i128> {
    let whole = |f: f64| f.fract() == 0.0 && f.abs() < 1e30;
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e30: it fits")]
    let from_float = || n.as_f64().filter(|f| whole(*f)).map(|f| f as i128);
    n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from)).or_else(from_float)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}
