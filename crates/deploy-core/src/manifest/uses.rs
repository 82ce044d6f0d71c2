//! Which Secrets and ConfigMaps a pod specification uses, and which of their keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Used {
    ConfigMap,
    Secret,
}

impl Used {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// Which of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    All,
    Some(BTreeSet<String>),
}

/// By kind and name.
pub(super) type Uses = BTreeMap<(Used, String), Keys>;

/// What the pods of this specification use.
pub(super) fn uses(spec: &Value) -> Uses {
    let mut found = Uses::new();
    for containers in ["containers", "initContainers", "ephemeralContainers"] {
        for container in list(spec, containers) {
            for source in list(container, "envFrom") {
                add(&mut found, Used::Secret, source.get("secretRef"), "name", |_| Keys::All);
                add(&mut found, Used::ConfigMap, source.get("configMapRef"), "name", |_| Keys::All);
            }
            for variable in list(container, "env") {
                let Some(from) = variable.get("valueFrom") else { continue };
                add(&mut found, Used::Secret, from.get("secretKeyRef"), "name", single);
                add(&mut found, Used::ConfigMap, from.get("configMapKeyRef"), "name", single);
            }
        }
    }
    for volume in list(spec, "volumes") {
        add(&mut found, Used::Secret, volume.get("secret"), "secretName", items);
        add(&mut found, Used::ConfigMap, volume.get("configMap"), "name", items);
        for source in volume.get("projected").map(|projected| list(projected, "sources")).unwrap_or_default()
        {
            add(&mut found, Used::Secret, source.get("secret"), "name", items);
            add(&mut found, Used::ConfigMap, source.get("configMap"), "name", items);
        }
    }
    found
}

fn add(found: &mut Uses, used: Used, reference: Option<&Value>, name: &str, keys: fn(&Value) -> Keys) {
    let Some(reference) = reference else { return };
    let Some(name) = reference.get(name).and_then(Value::as_str) else { return };
    let entry = found.entry((used, name.to_owned())).or_insert_with(|| Keys::Some(BTreeSet::new()));
    match (entry, keys(reference)) {
        (Keys::Some(known), Keys::Some(more)) => known.extend(more),
        (entry, Keys::All) => *entry = Keys::All,
        (Keys::All, Keys::Some(_)) => {}
    }
}

fn single(reference: &Value) -> Keys {
    Keys::Some(text(reference, "key").into_iter().collect())
}

/// A volume without items has all keys.
fn items(reference: &Value) -> Keys {
    match list(reference, "items") {
        [] => Keys::All,
        items => Keys::Some(items.iter().filter_map(|item| text(item, "key")).collect()),
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
