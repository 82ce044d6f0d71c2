//! What goes on the way through the server's Go types: null, what is empty and need not be written; and quantities
//! become canonical.

use serde_json::{Map, Value};

use super::quantity::Quantity;

/// Maps of strings, whose own nulls are empty strings.
const STRING_MAPS: &[&str] = &[
    "labels",
    "annotations",
    "matchLabels",
    "nodeSelector",
    "data",
    "binaryData",
    "stringData",
    "volumeAttributes",
    "parameters",
];
/// Maps of quantities.
const QUANTITY_MAPS: &[&str] =
    &["limits", "requests", "hard", "capacity", "overhead", "max", "min", "default", "defaultRequest"];
const QUANTITIES: &[&str] = &["sizeLimit", "divisor", "averageValue"];
/// Lists that are written even where they are empty.
const KEPT_LISTS: &[&str] =
    &["rules", "verbs", "containers", "versions", "limits", "sources", "paths", "endpoints"];
const FLAGS: &[&str] = &[
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
    "paused",
    "publishNotReadyAddresses",
    "globalDefault",
    "deprecated",
    "preserveUnknownFields",
    "nullable",
    "uniqueItems",
];
const NUMBERS: &[&str] =
    &["initialDelaySeconds", "minReadySeconds", "hostPort", "nodePort", "healthCheckNodePort"];
const STRINGS: &[&str] = &[
    "subPath",
    "clusterIP",
    "externalName",
    "loadBalancerIP",
    "hostname",
    "subdomain",
    "serviceAccountName",
    "serviceAccount",
    "nodeName",
    "priorityClassName",
    "namespace",
    "prefix",
    "workingDir",
    "image",
    "description",
];

/// Prunes an object of a built-in kind.
pub(super) fn prune(object: &mut Value) {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    // A revision's `data` is any object; a status is the controllers'.
    let opaque: &[&str] = if kind == "ControllerRevision" { &["data"] } else { &["status"] };
    // Not a LabelSelector, as everywhere else.
    let selector_is_a_map = kind == "Service";
    if let Some(fields) = object.as_object_mut() {
        prune_fields(fields, opaque, selector_is_a_map);
    }
}

fn prune_fields(fields: &mut Map<String, Value>, opaque: &[&str], selector_is_a_map: bool) {
    fields.retain(|name, value| {
        let name = name.as_str();
        if opaque.contains(&name) || is_schema_value(name, value) {
            return true;
        }
        let is_map = STRING_MAPS.contains(&name) || (selector_is_a_map && name == "selector");
        match value {
            Value::Null => return false,
            Value::Object(map) if is_map => {
                for value in map.values_mut().filter(|value| value.is_null()) {
                    *value = "".into();
                }
                return !map.is_empty();
            }
            Value::Object(map) if QUANTITY_MAPS.contains(&name) => {
                map.values_mut().for_each(|value| canonical(value, Quantity::in_thousandths));
                return !map.is_empty();
            }
            Value::Object(map) => prune_fields(map, &[], selector_is_a_map),
            Value::Array(items) => {
                for item in items.iter_mut().filter_map(Value::as_object_mut) {
                    prune_fields(item, &[], selector_is_a_map);
                }
                return !items.is_empty() || KEPT_LISTS.contains(&name);
            }
            Value::String(text) if text.is_empty() => return !STRINGS.contains(&name),
            Value::Bool(false) => return !FLAGS.contains(&name),
            _ if QUANTITIES.contains(&name) => canonical(value, |quantity| quantity),
            Value::Number(number) if number.as_i64() == Some(0) => return !NUMBERS.contains(&name),
            _ => {}
        }
        true
    });
}

/// `default`, `enum` and `example` of a schema are any JSON.
fn is_schema_value(name: &str, value: &Value) -> bool {
    match name {
        "default" => value.as_object().is_none_or(Map::is_empty),
        "enum" | "example" => true,
        _ => false,
    }
}

fn canonical(value: &mut Value, round: impl Fn(Quantity) -> Quantity) {
    if let Some(quantity) = Quantity::of(value) {
        *value = round(quantity).canonical().into();
    }
}
