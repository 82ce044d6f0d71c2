//! What an apply did to an object.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The `resourceVersion` is the same.
    Nothing,
    /// It was written anew, and nothing has changed that shows.
    Rewrite,
    Change,
    Refused,
}

impl Effect {
    /// Of an apply of `desired` to `live` that made it `after`.
    ///
    /// The API server writes without a change on two occasions. It looks for changes before it drops the nulls of a
    /// manifest, and then takes over the time of the apply, if that alone brings the entries of `managedFields` into another
    /// order. And it writes what it has stored in another form that reads the same, such as a null in a Secret's data.
    pub(super) fn of(desired: &Value, live: &Value, after: &Value) -> Self {
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        let nulls = has_null(desired);
        if version(live) == version(after) {
            Self::Nothing
        } else if shown(live, nulls) == shown(after, nulls) {
            Self::Rewrite
        } else {
            Self::Change
        }
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        scalar => scalar.is_null(),
    }
}

/// The object without its version, and where that may differ without the times and the order of its `managedFields`.
fn shown(object: &Value, timeless: bool) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"].take();
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    if let Some(entries) = entries.filter(|_| timeless) {
        for entry in entries.iter_mut() {
            entry["time"].take();
        }
        entries.sort_by_key(Value::to_string);
    }
    object
}
