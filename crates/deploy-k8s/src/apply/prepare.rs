//! Manifests as they are sent.

use deploy_core::error::{Error, Result};
use deploy_core::manifest::Object;
use k8s_fields::secret_string_data_to_data;
use k8s_openapi::ByteString;
use serde_json::Value;

/// The object as it is sent: without what only the server writes, and with a Secret's `stringData` folded into `data`, where removed
/// keys are noticed.
pub(super) fn prepare(object: Object) -> Result<Object> {
    let object = if is_servers(&object) { object.edit(strip)? } else { object };
    if !object.id().is("", "Secret") {
        return Ok(object);
    }
    let mut folded = Ok(());
    let object = object.edit(|value| folded = secret_string_data_to_data(value))?;
    folded.map_err(|error| Error::invalid(error.to_string()).on(object.id()))?;
    check_secret(&object)?;
    Ok(object)
}

/// Metadata that only the server writes.
const SERVERS: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"];

/// Whether anything of it only the server writes, as after `kubectl get -o yaml`.
fn is_servers(object: &Object) -> bool {
    let metadata = object.get("/metadata");
    object.get("/status").is_some()
        || SERVERS.iter().any(|field| metadata.is_some_and(|metadata| metadata.get(field).is_some()))
}

fn strip(value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    map.remove("status");
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVERS {
            metadata.remove(field);
        }
    }
}

/// A Secret's data by our own word: the API server's error would quote the value.
fn check_secret(object: &Object) -> Result<()> {
    let data = object.get("/data").filter(|data| !data.is_null());
    let bad =
        |path: &str, why: &str| Err(Error::invalid(format!("{path}: {why}")).during("plan").on(object.id()));
    match data {
        None => Ok(()),
        Some(Value::Object(data)) => data.iter().try_for_each(|(key, value)| match value {
            Value::Null => Ok(()),
            Value::String(_) if serde_json::from_value::<ByteString>(value.clone()).is_ok() => Ok(()),
            Value::String(_) => {
                bad(&format!(".data.{key}"), "is not base64 (plain text goes into stringData)")
            }
            _ => bad(&format!(".data.{key}"), "is not a string (quote it)"),
        }),
        Some(_) => bad(".data", "is not a map"),
    }
}

/// Whether what the object will look like is certain without asking: data alone, in a form that the API server takes.
pub(super) fn is_plain_data(object: &Object) -> bool {
    const FIELDS: [&str; 6] = ["apiVersion", "kind", "metadata", "data", "binaryData", "immutable"];
    let kind = match (object.api_version(), object.kind()) {
        ("v1", "ConfigMap") => true,
        ("v1", "Secret") => matches!(object.get("/type").and_then(Value::as_str), None | Some("Opaque")),
        _ => false,
    };
    let Some(map) = object.value().as_object().filter(|_| kind && is_name(object.name())) else {
        return false;
    };
    let metadata = object.get("/metadata").and_then(Value::as_object);
    let plain_metadata = metadata.is_some_and(|metadata| {
        metadata.iter().all(|(key, value)| match key.as_str() {
            "name" | "namespace" => true,
            "labels" => value.as_object().is_some_and(|map| {
                map.iter().all(|(key, value)| is_label_key(key) && value.as_str().is_some_and(is_label_value))
            }),
            "annotations" => value
                .as_object()
                .is_some_and(|map| map.iter().all(|(key, value)| is_label_key(key) && value.is_string())),
            _ => false,
        })
    });
    plain_metadata
        && map.iter().all(|(key, value)| match key.as_str() {
            "data" | "binaryData" => value
                .as_object()
                .is_some_and(|data| data.iter().all(|(key, value)| is_data_key(key) && value.is_string())),
            "immutable" => value.is_boolean(),
            "type" => true,
            key => FIELDS.contains(&key),
        })
        && map.get("binaryData").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty)
}

/// RFC 1123 subdomain.
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// One of the qualified name's simple forms; whatever is less simple is asked about.
fn is_label_key(key: &str) -> bool {
    let name = match key.split_once('/') {
        Some((prefix, name)) if is_name(prefix) => name,
        Some(_) => return false,
        None => key,
    };
    !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && end(value.chars().next())
        && end(value.chars().last())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_data_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 253
        && !key.starts_with("..")
        && key != "."
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_data_is_certain_without_asking() {
        let check = |more: Value, expect: bool| {
            let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}});
            for (key, value) in more.as_object().unwrap() {
                object[key] = value.clone();
            }
            assert_eq!(is_plain_data(&Object::new(object).unwrap()), expect, "{more}");
        };
        check(json!({"data": {"app.properties": "a: b\n"}}), true);
        check(json!({"kind": "Secret", "data": {"a": "YQ=="}, "type": "Opaque"}), true);
        check(json!({"kind": "Secret", "data": {"a": "YQ=="}, "type": "kubernetes.io/tls"}), false);
        check(json!({"data": {"a b": "1"}}), false);
        check(json!({"data": {"a": 1}}), false);
        check(json!({"dat": {"a": "1"}}), false);
        check(json!({"metadata": {"name": "A"}}), false);
        check(
            json!({"metadata": {"name": "a", "labels": {"a/b": "c"}, "annotations": {"x": "long text"}}}),
            true,
        );
        check(json!({"metadata": {"name": "a", "labels": {"app.io/b": "c"}}}), true);
        check(json!({"metadata": {"name": "a", "finalizers": ["x"]}}), false);
        check(json!({"kind": "Pod", "spec": {}}), false);
    }
}
