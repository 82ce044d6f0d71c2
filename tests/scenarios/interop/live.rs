//! What stands in the namespace, so that it can be compared with what stands in another.

use std::collections::BTreeMap;

use deploy_tests::Env;
use serde_json::{Value, json};

const KINDS: [(&str, &str); 5] =
    [("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "Service"), ("v1", "Pod"), ("apps/v1", "Deployment")];

/// Everything of the release by `KIND/NAME`, without what the API server and the controllers give each object of its own.
pub(super) async fn objects(env: &Env) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (api_version, kind) in KINDS {
        for object in env.all(api_version, kind).await {
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let records = object["type"] == "helm.sh/release.v1";
            let of_a_workload = !object["metadata"]["ownerReferences"].is_null();
            if !records && !of_a_workload && name != "kube-root-ca.crt" {
                found.insert(format!("{kind}/{name}"), comparable(env, object));
            }
        }
    }
    found
}

fn comparable(env: &Env, mut object: Value) -> Value {
    let mut drop = |pointer: &str, keys: &[&str]| {
        if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.retain(|key, _| !keys.contains(&key.as_str()));
        }
    };
    drop("", &["status"]);
    drop("/spec", &["nodeName"]);
    drop(
        "/metadata",
        &["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "namespace"],
    );
    drop("/metadata/annotations", &["deployment.kubernetes.io/revision"]);
    if is_hook(&object) {
        // By which a run knows the hooks that it started.
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.remove("deploy-core/deployment-id");
        }
    }
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        for value in annotations.values_mut().filter(|value| **value == env.namespace.as_str()) {
            *value = json!("NAMESPACE");
        }
    }
    object
}

fn is_hook(object: &Value) -> bool {
    !object["metadata"]["annotations"]["helm.sh/hook"].is_null()
}

/// Asserts that all that stands is the same in both.
pub(super) async fn assert_same(env: &Env, alone: &Env, step: &str) {
    let (found, expected) = (objects(env).await, objects(alone).await);
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "{step}: the objects");
    for (name, object) in &found {
        assert_eq!(object, &expected[name], "{step}: {name}");
    }
}

/// Asserts that we own what we wrote by server-side apply alone, whoever wrote it before.
pub(super) async fn assert_applied_by_us(env: &Env) {
    for (api_version, kind) in KINDS {
        for object in env.all(api_version, kind).await {
            if object["metadata"]["labels"]["app.kubernetes.io/managed-by"] != "Helm" {
                continue;
            }
            let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
            let helms = entries.iter().filter(|entry| entry["manager"] == "helm");
            let helms: Vec<_> = helms.map(|entry| &entry["operation"]).collect();
            assert_eq!(helms, ["Apply"], "{}", object["metadata"]);
        }
    }
}
