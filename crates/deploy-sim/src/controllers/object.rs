//! Reading and writing of objects as the cluster's components need it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// The value at a JSON pointer to fields whose names need no escapes: `Value::pointer` allocates for each step.
pub(crate) fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(object, |object, field| match object {
        Value::Array(items) => items.get(field.parse::<usize>().ok()?),
        _ => object.get(field),
    })
}

/// The text at a JSON pointer; empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The number at a JSON pointer.
pub(crate) fn int(object: &Value, pointer: &str) -> Option<i64> {
    at(object, pointer).and_then(Value::as_i64)
}

/// The list at a JSON pointer; empty where there is none.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn generation(object: &Value) -> i64 {
    int(object, "/metadata/generation").unwrap_or(0)
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, "/metadata/annotations")?.get(key)?.as_str()
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    at(object, "/metadata/deletionTimestamp").is_some()
}

/// A time in an object, in whole seconds.
pub(crate) fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// A moment so many seconds after another; the last that there is where there is none so late.
pub(crate) fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    later(moment, SignedDuration::from_secs(seconds))
}

/// A moment so long after another; the last that there is where there is none so late.
pub(crate) fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(moment)
}

/// The status condition of a type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| condition["type"] == kind)
}

pub(crate) fn is_true(object: &Value, condition_type: &str) -> bool {
    condition(object, condition_type).is_some_and(|condition| condition["status"] == "True")
}

/// The owner that controls the object.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
}

/// A reference to the controller of an object.
pub(crate) fn controlled_by(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

/// Sets a count, or leaves it out where it is zero, as Go's `omitempty` does.
pub(crate) fn count(status: &mut Map<String, Value>, field: &str, number: i64) {
    if number == 0 {
        status.remove(field);
    } else {
        status.insert(field.to_owned(), number.into());
    }
}

/// Sets an annotation.
pub(crate) fn annotate(object: &mut Value, key: &str, value: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(key.to_owned(), value.into());
    }
}

/// The fields of a map but those of these names.
pub(crate) fn but<'a>(map: &'a Value, names: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    map.as_object().into_iter().flatten().filter(|(name, _)| !names.contains(&name.as_str()))
}

/// Adds to a list of the metadata.
pub(crate) fn push(object: &mut Value, list: &str, item: Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    match metadata.get_mut(list).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => drop(metadata.insert(list.to_owned(), json!([item]))),
    }
}

/// Takes out of a list of the metadata what is not to be kept, and the list where nothing is left.
pub(crate) fn retain(object: &mut Value, list: &str, keep: impl Fn(&Value) -> bool) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if let Some(items) = metadata.get_mut(list).and_then(Value::as_array_mut) {
        items.retain(keep);
        if items.is_empty() {
            metadata.remove(list);
        }
    }
}

/// A number, or a percentage of the whole.
pub(crate) fn portion(value: &Value, whole: i64, up: bool) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) => {
            let hundredths = percent.saturating_mul(whole).max(0);
            hundredths / 100 + i64::from(up && hundredths % 100 > 0)
        }
        None => value.as_i64().unwrap_or(0),
    }
}

/// The earlier of two moments, where there is one.
pub(crate) fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
