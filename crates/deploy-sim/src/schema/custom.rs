//! Structural schemas of CustomResourceDefinitions: what they drop, fill in and refuse (`apiextensions-apiserver`, `kube-openapi/validation`).
//!
//! Not there: CEL rules, `allOf`, `anyOf`, `oneOf`, `not`, formats but `date-time`, and patterns that Go knows and Rust does not.

use serde_json::{Map, Value, json};

use crate::status::Cause;

/// Drops the fields that the schema does not have, and says where they were.
pub(crate) fn prune(object: &mut Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(fields) = object.as_object_mut() {
        prune_fields(fields, schema, "", true, &mut found);
    }
    found.sort();
    found
}

fn is_free(schema: &Value) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true
}

fn prune_fields(
    fields: &mut Map<String, Value>,
    schema: &Value,
    place: &str,
    is_object: bool,
    found: &mut Vec<String>,
) {
    fields.retain(|name, value| {
        if is_object && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            return true;
        }
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        let values = schema.get("additionalProperties").filter(|values| **values != false);
        match known.or(values) {
            Some(schema) => prune_value(value, schema, &place, found),
            None if is_free(schema) => {}
            None => {
                found.push(place);
                return false;
            }
        }
        true
    });
}

fn prune_value(value: &mut Value, schema: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let is_object = schema["x-kubernetes-embedded-resource"] == true;
            prune_fields(fields, schema, place, is_object, found);
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(item, schema, &format!("{place}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// Fills in the defaults, in place of null where null is not allowed; other nulls that are not allowed go where there is a default, or stay to be
/// refused.
pub(crate) fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let is_absent = match fields.get(name) {
                    None => true,
                    Some(value) => value.is_null() && schema["nullable"] != true,
                };
                match (is_absent, schema.get("default")) {
                    (true, Some(default)) => drop(fields.insert(name.clone(), default.clone())),
                    (true, None) => drop(fields.remove(name)),
                    _ => {}
                }
                if let Some(value) = fields.get_mut(name) {
                    fill(value, schema);
                }
            }
            if let Some(schema) = schema.get("additionalProperties").filter(|values| values.is_object()) {
                fields.values_mut().for_each(|value| fill(value, schema));
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    fill(item, schema);
                }
            }
        }
        _ => {}
    }
}

/// What the schema refuses.
pub(crate) fn validate(object: &Value, schema: &Value) -> Vec<Cause> {
    let mut out = Vec::new();
    validate_value(object, schema, "", &mut out);
    out
}

fn validate_value(value: &Value, schema: &Value, place: &str, out: &mut Vec<Cause>) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(expected) = mistyped(value, schema) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let message =
            format!("Invalid value: \"{found}\": {place} in body must be of type {expected}: \"{found}\"");
        out.push(Cause { field: place.to_owned(), reason: "FieldValueTypeInvalid", message });
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", allowed.join(", "));
        out.push(Cause { field: place.to_owned(), reason: "FieldValueNotSupported", message });
    }
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Number(_) => number(value, schema, place, out),
        Value::String(text) => string(text, schema, place, out),
        Value::Array(items) => {
            let count = items.len() as u64;
            if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
                let message = format!("Too many: {count}: must have at most {most} items");
                out.push(Cause { field: place.to_owned(), reason: "FieldValueTooMany", message });
            }
            if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
                let why = format!("{place} in body should have at least {least} items");
                out.push(Cause::invalid(place, &count.into(), &why));
            }
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    validate_value(item, schema, &format!("{place}[{index}]"), out);
                }
            }
            duplicates(items, schema, place, out);
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    out.push(Cause::required(below(name), ""));
                }
            }
            let count = fields.len() as u64;
            if let Some(most) = schema["maxProperties"].as_u64().filter(|most| count > *most) {
                let message = format!("Too many: {count}: must have at most {most} items");
                out.push(Cause { field: place.to_owned(), reason: "FieldValueTooMany", message });
            }
            if let Some(least) = schema["minProperties"].as_u64().filter(|least| count < *least) {
                let why = format!("{place} in body should have at least {least} properties");
                out.push(Cause::invalid(place, &count.into(), &why));
            }
            for (name, value) in fields {
                let known = schema.get("properties").and_then(|properties| properties.get(name));
                let values = schema.get("additionalProperties").filter(|values| values.is_object());
                if let Some(schema) = known.or(values) {
                    validate_value(value, schema, &below(name), out);
                }
            }
        }
        _ => {}
    }
}

/// What the value should be.
fn mistyped(value: &Value, schema: &Value) -> Option<&'static str> {
    if schema["x-kubernetes-int-or-string"] == true {
        return (!value.is_string() && !value.is_i64() && !value.is_u64()).then_some("integer,string");
    }
    let whole = || value.as_f64().is_some_and(|number| number.fract() == 0.0);
    match schema["type"].as_str()? {
        "object" if !value.is_object() => Some("object"),
        "array" if !value.is_array() => Some("array"),
        "string" if !value.is_string() => Some("string"),
        "boolean" if !value.is_boolean() => Some("boolean"),
        "number" if !value.is_number() => Some("number"),
        "integer" if !whole() => Some("integer"),
        _ => None,
    }
}

fn number(value: &Value, schema: &Value, place: &str, out: &mut Vec<Cause>) {
    let Some(number) = value.as_f64() else { return };
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64).map(|bound| (bound, &schema[name]));
    let mut refuse = |why: String| out.push(Cause::invalid(place, value, &format!("{place} in body {why}")));
    if let Some((most, shown)) = bound("maximum") {
        let is_open = schema["exclusiveMaximum"] == true;
        if number > most || is_open && number >= most {
            let or = if is_open { "" } else { "or equal to " };
            refuse(format!("should be less than {or}{shown}"));
        }
    }
    if let Some((least, shown)) = bound("minimum") {
        let is_open = schema["exclusiveMinimum"] == true;
        if number < least || is_open && number <= least {
            let or = if is_open { "" } else { "or equal to " };
            refuse(format!("should be greater than {or}{shown}"));
        }
    }
    if let Some((of, shown)) = bound("multipleOf")
        && (number / of).fract() != 0.0
    {
        refuse(format!("should be a multiple of {shown}"));
    }
}

fn string(text: &str, schema: &Value, place: &str, out: &mut Vec<Cause>) {
    let length = text.chars().count() as u64;
    let value = Value::from(text);
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        let message = format!("Too long: may not be more than {most} bytes");
        out.push(Cause { field: place.to_owned(), reason: "FieldValueTooLong", message });
    } else if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        let why = format!("{place} in body should be at least {least} chars long");
        out.push(Cause::invalid(place, &value, &why));
    } else if let Some(pattern) = schema["pattern"].as_str()
        && regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        let why = format!("{place} in body should match '{pattern}'");
        out.push(Cause::invalid(place, &value, &why));
    }
    if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
        let message = format!("Invalid value: {value}: {place} in body must be of type date-time: {value}");
        out.push(Cause { field: place.to_owned(), reason: "FieldValueTypeInvalid", message });
    }
}

/// Items of a list that are the same by what makes them unique.
fn duplicates(items: &[Value], schema: &Value, place: &str, out: &mut Vec<Cause>) {
    let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let key = |item: &Value| match schema["x-kubernetes-list-type"].as_str() {
        Some("map") => {
            let of: Map<String, Value> =
                keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone()))).collect();
            Some(json!(of))
        }
        Some("set") => Some(item.clone()),
        _ => None,
    };
    let mut seen = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(key) = key(item) else { return };
        if seen.contains(&key) {
            let message = format!("Duplicate value: {key}");
            out.push(Cause { field: format!("{place}[{index}]"), reason: "FieldValueDuplicate", message });
        }
        seen.push(key);
    }
}
