//! The ConfigMaps and Secrets that a container or a volume needs.

use serde_json::Value;

use crate::controllers::object::{list, namespace, text};
use crate::state::State;

/// Why the container cannot be made: what its environment refers to is not there.
pub(super) fn missing_for(state: &State, pod: &Value, container: &Value) -> Option<String> {
    let from = list(container, "/envFrom").iter().flat_map(|source| {
        [("configMapRef", "configmap"), ("secretRef", "secret")]
            .map(|(field, kind)| (source.get(field), kind))
    });
    let variables = list(container, "/env").iter().flat_map(|variable| {
        [("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")]
            .map(|(field, kind)| (variable.get("valueFrom").and_then(|value| value.get(field)), kind))
    });
    from.chain(variables)
        .find_map(|(reference, kind)| missing(state, namespace(pod), reference?, "name", kind))
}

/// The first volume that cannot be mounted: its name, and why.
pub(super) fn missing_volume(state: &State, pod: &Value) -> Option<(String, String)> {
    list(pod, "/spec/volumes").iter().find_map(|volume| {
        let map = volume.get("configMap").map(|source| (source, "name", "configmap"));
        let secret = volume.get("secret").map(|source| (source, "secretName", "secret"));
        let (source, field, kind) = map.or(secret)?;
        let why = missing(state, namespace(pod), source, field, kind)?;
        Some((text(volume, "/name").to_owned(), why))
    })
}

fn missing(state: &State, namespace: &str, reference: &Value, field: &str, kind: &str) -> Option<String> {
    if reference["optional"] == true {
        return None;
    }
    let name = reference[field].as_str().unwrap_or_default();
    let objects = state.objects(&format!("{kind}s."), Some(namespace));
    let Some(found) = objects.iter().find(|object| object["metadata"]["name"] == name) else {
        return Some(format!("{kind} \"{name}\" not found"));
    };
    let key = reference["key"].as_str()?;
    let has = ["data", "binaryData"].iter().any(|data| found[*data].get(key).is_some());
    let kind = if kind == "secret" { "Secret" } else { "ConfigMap" };
    (!has).then(|| format!("couldn't find key {key} in {kind} {namespace}/{name}"))
}
