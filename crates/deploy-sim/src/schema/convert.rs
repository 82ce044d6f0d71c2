//! Why a document that is JSON already does not become an object of its type, as the converter says it that a strategic merge patch goes
//! through (`apimachinery/pkg/runtime`, `FromUnstructured`).

use serde_json::Value;

use super::{Type, check};

/// The first value of another type.
pub(crate) fn mismatch(value: &Value, of: &Type) -> Option<String> {
    let go = || of.go();
    match (of, value) {
        (Type::Any, _)
        | (_, Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::String(_), Value::String(_))
        | (Type::Float, Value::Number(_)) => None,
        (Type::Quantity | Type::Time | Type::IntOrString | Type::Bytes, value) => {
            check(value, of).1.error().map(str::to_owned)
        }
        (Type::Struct(_), Value::Object(fields)) => {
            let known = of.fields()?;
            fields.iter().find_map(|(name, value)| mismatch(value, &known.get(name.as_str())?.of))
        }
        (Type::Map(of, _), Value::Object(fields)) => fields.values().find_map(|value| mismatch(value, of)),
        (Type::List(of, _), Value::Array(items)) => items.iter().find_map(|item| mismatch(item, of)),
        (Type::Struct(_), other) => Some(format!("cannot restore struct from: {}", kind(other))),
        (Type::Map(..), other) => Some(format!("cannot restore map from {}", kind(other))),
        (Type::List(..), other) => Some(format!("cannot restore slice from {}", kind(other))),
        (Type::Integer(_, least, most), Value::Number(number)) => match number.as_i64() {
            Some(number) if number >= *least && number <= *most => None,
            Some(_) => Some(format!("cannot convert int64 to {}", go())),
            None => Some(format!("cannot convert float64 to {}", go())),
        },
        (Type::String(_), Value::Number(number)) if !number.is_f64() => {
            Some(format!("cannot convert int64 to {}", go()))
        }
        (of, _) => Some(format!("unrecognized type: {}", scalar(of))),
    }
}

/// A value's kind in Go.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// A type's kind in Go, whatever its name.
fn scalar(of: &Type) -> &'static str {
    match of {
        Type::Bool => "bool",
        Type::Integer(_, _, most) if i64::from(i32::MAX) == *most => "int32",
        Type::Integer(..) => "int64",
        Type::Float => "float64",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words() {
        let of = Type::of("apps/v1", "Deployment").unwrap();
        let check = |spec: Value, expect: Option<&str>| {
            let object = json!({"spec": spec});
            assert_eq!(mismatch(&object, of).as_deref(), expect, "{object}");
        };
        check(json!({"replicas": 3, "paused": true, "unknown": 1, "template": null}), None);
        check(json!({"replicas": "x"}), Some("unrecognized type: int32"));
        check(json!({"replicas": 1.5}), Some("cannot convert float64 to int32"));
        check(json!({"paused": "x"}), Some("unrecognized type: bool"));
        check(json!({"template": "x"}), Some("cannot restore struct from: string"));
        check(json!({"template": {"spec": {"containers": {"a": 1}}}}), Some("cannot restore slice from map"));
        check(
            json!({"template": {"metadata": {"labels": {"a": 1}}}}),
            Some("cannot convert int64 to string"),
        );
        check(
            json!({"strategy": {"rollingUpdate": {"maxSurge": true}}}),
            Some("json: cannot unmarshal bool into Go value of type int32"),
        );
    }
}
