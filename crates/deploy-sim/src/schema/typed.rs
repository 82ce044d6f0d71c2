//! What a server-side apply refuses before it merges: fields and values that the schema does not have
//! (`structured-merge-diff/typed`).

use k8s_fields::schema::{Schema, Shape};
use serde_json::Value;

use super::Type;

/// The type of a value: of a built-in kind, or by the schema of a definition.
#[derive(Clone, Copy)]
enum View<'a> {
    BuiltIn(&'a Type),
    Custom(&'a Value),
}

/// What is wrong with an object of a built-in kind.
pub(crate) fn check(object: &Value, of: &Type) -> Vec<String> {
    check_view(object, View::BuiltIn(of))
}

/// What is wrong with an object by the schema of its definition.
pub(crate) fn check_custom(object: &Value, schema: &Value) -> Vec<String> {
    check_view(object, View::Custom(schema))
}

fn check_view(object: &Value, view: View<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let keys = Schema::of_object(object);
    let Some(fields) = object.as_object() else { return found };
    for (name, value) in fields {
        let place = format!(".{name}");
        match (name.as_str(), view) {
            ("apiVersion" | "kind", _) => {}
            ("metadata", _) => {
                walk(value, View::BuiltIn(Type::metadata()), keys.field(name), &place, &mut found);
            }
            _ => match view.field(name) {
                Some(of) => walk(value, of, keys.field(name), &place, &mut found),
                None => return unknown(found, &place),
            },
        }
    }
    found
}

fn unknown(mut found: Vec<String>, place: &str) -> Vec<String> {
    found.push(format!("{place}: field not declared in schema"));
    found
}

fn walk(value: &Value, of: View<'_>, keys: Schema, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) if of.is_map() => {
            for (name, value) in fields {
                let place = format!("{place}.{name}");
                match of.field(name) {
                    Some(of) => walk(value, of, keys.field(name), &place, found),
                    // The walk over a map ends at the first field that it does not have.
                    None => return found.push(format!("{place}: field not declared in schema")),
                }
            }
        }
        Value::Array(items) if of.item().is_some() => {
            let mut seen = Vec::new();
            for (index, value) in items.iter().enumerate() {
                let element = element(value, index, keys);
                if matches!(keys.shape(), Shape::ListMap(_) | Shape::Set) && seen.contains(&element) {
                    found.push(format!("{place}: duplicate entries for key {element}"));
                }
                if let Some(of) = of.item() {
                    walk(value, of, keys.item(), &format!("{place}{element}"), found);
                }
                seen.push(element);
            }
        }
        value => {
            if let Some(why) = of.refuse(value) {
                found.push(format!("{place}: {why}"));
            }
        }
    }
}

/// `[name="web"]`, `[0]`
fn element(item: &Value, index: usize, keys: Schema) -> String {
    match keys.shape() {
        Shape::ListMap(fields) => {
            let fields = fields.iter().map(|field| {
                let value = item.get(field.name()).or(field.default()).unwrap_or(&Value::Null);
                format!("{}={value}", field.name())
            });
            format!("[{}]", fields.collect::<Vec<_>>().join(","))
        }
        Shape::Set => format!("[={item}]"),
        _ => format!("[{index}]"),
    }
}

impl View<'_> {
    fn is_map(self) -> bool {
        match self {
            Self::BuiltIn(of) => matches!(of, Type::Struct(_) | Type::Map(..) | Type::Any),
            Self::Custom(schema) => {
                schema["type"] == "object" || schema["x-kubernetes-preserve-unknown-fields"] == true
            }
        }
    }

    fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::BuiltIn(Type::Any) => Some(self),
            Self::BuiltIn(Type::Map(value, _)) => Some(Self::BuiltIn(value)),
            Self::BuiltIn(of) => of.fields()?.get(name).map(|field| Self::BuiltIn(&field.of)),
            Self::Custom(schema) => {
                let values = schema.get("additionalProperties").filter(|values| **values != false);
                let is_free = schema["x-kubernetes-preserve-unknown-fields"] == true;
                let field = schema.get("properties").and_then(|fields| fields.get(name)).or(values);
                field.map(Self::Custom).or(is_free.then_some(Self::BuiltIn(&Type::Any)))
            }
        }
    }

    fn item(self) -> Option<Self> {
        match self {
            Self::BuiltIn(Type::Any) => Some(self),
            Self::BuiltIn(Type::List(item, _)) => Some(Self::BuiltIn(item)),
            Self::Custom(schema) if schema["x-kubernetes-preserve-unknown-fields"] == true => {
                Some(Self::BuiltIn(&Type::Any))
            }
            Self::Custom(schema) => schema.get("items").map(Self::Custom),
            Self::BuiltIn(_) => None,
        }
    }

    /// Why a value is not of this type.
    fn refuse(self, value: &Value) -> Option<String> {
        let expected = match self {
            Self::BuiltIn(of) => match of {
                Type::Any => return None,
                Type::Bool => "boolean",
                Type::String(_) | Type::Bytes | Type::Time => "string",
                Type::Integer(..) | Type::Float => "number",
                Type::Quantity | Type::IntOrString => "scalar",
                Type::List(..) => "array",
                Type::Map(..) | Type::Struct(_) => "object",
            },
            Self::Custom(schema) if schema["x-kubernetes-int-or-string"] == true => "scalar",
            Self::Custom(schema) => match schema["type"].as_str()? {
                "integer" => "number",
                expected => expected,
            },
        };
        let go = shown(value);
        match expected {
            "boolean" if !value.is_boolean() => Some(format!("expected boolean, got &{{{go}}}")),
            "string" if !value.is_string() => {
                let go = if value.is_object() || value.is_array() { value.to_string() } else { go };
                Some(format!("expected string, got &value.valueUnstructured{{Value:{go}}}"))
            }
            "number" if !value.is_number() => {
                let kind = match value {
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Array(_) => "[]interface {}",
                    _ => "map[string]interface {}",
                };
                Some(format!("expected numeric (int or float), got {kind}"))
            }
            "scalar" if value.is_array() || value.is_object() => {
                Some(format!("expected any scalar, got &{{{go}}}"))
            }
            "array" if !value.is_array() => Some(format!("expected list, got &{{{go}}}")),
            "object" if !value.is_object() => Some(format!("expected map, got &{{{go}}}")),
            _ => None,
        }
    }
}

/// As Go's `%v` shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}:{}", shown(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Null => "<nil>".into(),
        scalar => scalar.to_string(),
    }
}
