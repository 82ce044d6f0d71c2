//! What an apply did to an object.

use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The `resourceVersion` is the same.
    Nothing,
    /// It was written anew, and nothing has changed that shows, or that [`compare`](k8s_fields::compare) takes on trust.
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
        } else if shown(live, nulls) == trusted(live, &shown(after, nulls)) {
            Self::Rewrite
        } else {
            Self::Change
        }
    }
}

/// `after` without what it owns more below an object that was owned as a whole: in kinds that are not built in `compare` trusts that such
/// an object is merged as a whole. It may have been empty, too, when it was applied, and filled by defaults that nobody owns.
fn trusted(live: &Value, after: &Value) -> Value {
    let mut after = after.clone();
    let is_custom = live["apiVersion"].as_str().is_some_and(|version| version.contains(".example.com/"));
    let entries = after.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for (entry, before) in
        entries.into_iter().flatten().zip(live["metadata"]["managedFields"].as_array().into_iter().flatten())
    {
        if is_custom && entry["manager"] == before["manager"] && entry["operation"] == "Apply" {
            forget_below(&before["fieldsV1"], &mut entry["fieldsV1"]);
        }
    }
    after
}

/// Where `before` ends, `after` shall end too.
fn forget_below(before: &Value, after: &mut Value) {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object_mut()) else { return };
    for (element, fields) in after {
        match before.get(element).and_then(Value::as_object) {
            Some(leaf) if leaf.is_empty() && element != "." => *fields = Value::Object(Map::new()),
            Some(_) => forget_below(&before[element], fields),
            None => {}
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
