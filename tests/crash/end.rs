//! What stands in a namespace, without what differs from run to run.

use std::collections::BTreeMap;

use deploy_tests::Env;
use serde_json::{Map, Value, json};

/// Kinds that deployments of the cases make.
const KINDS: &[(&str, &str)] = &[
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("coordination.k8s.io/v1", "Lease"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
];

/// What a run writes of itself, or the cluster of what happened.
const NOTES: [&str; 4] = [
    "deploy-core/deployment-id",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/restartedAt",
    "deprecated.daemonset.template.generation",
];

/// Made from the namespace, the uid or by chance.
const NAMES: [&str; 6] = [
    "applyset.kubernetes.io/id",
    "applyset.kubernetes.io/part-of",
    "batch.kubernetes.io/controller-uid",
    "clusterIP",
    "clusterIPs",
    "controller-uid",
];

/// The objects by kind and name, and which images are ready.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    objects: BTreeMap<String, Value>,
    ready: Vec<String>,
}

impl End {
    /// As it is now.
    pub(crate) async fn of(env: &Env) -> Self {
        let mut objects = BTreeMap::new();
        for (api_version, kind) in KINDS {
            for object in env.all(api_version, kind).await {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                // The cluster's own, in every namespace; and what tells of each run.
                if name != "kube-root-ca.crt" && object["type"] != "helm.sh/release.v1" {
                    objects.insert(format!("{kind} {name}"), lasting(&object, &env.namespace));
                }
            }
        }
        let group = format!("{}.example.com", env.namespace);
        if env.has_definition(&format!("widgets.{group}")).await {
            objects.insert("CustomResourceDefinition".into(), Value::Null);
            for widget in env.all(&format!("{group}/v1"), "Widget").await {
                objects.insert("Widget".into(), lasting(&widget, &env.namespace));
            }
        }
        Self { objects, ready: env.ready_images().await }
    }

    /// What differs from another end, in words.
    pub(crate) fn differs(&self, other: &Self) -> Option<String> {
        let mut told = Vec::new();
        let keys =
            self.objects.keys().chain(other.objects.keys().filter(|key| !self.objects.contains_key(*key)));
        for key in keys {
            let (ours, theirs) = (self.objects.get(key), other.objects.get(key));
            if ours != theirs {
                let text = |object: Option<&Value>| object.map_or_else(|| "nothing".into(), Value::to_string);
                told.push(format!("{key}:\n  {}\n  {}", text(ours), text(theirs)));
            }
        }
        if self.ready != other.ready {
            told.push(format!("ready: {:?}, {:?}", self.ready, other.ready));
        }
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

fn lasting(object: &Value, namespace: &str) -> Value {
    let metadata = &object["metadata"];
    let mut managers: Vec<Value> = metadata["managedFields"].as_array().cloned().unwrap_or_default();
    managers.retain(|entry| entry["subresource"] != "status");
    let managers: Vec<Value> = managers
        .into_iter()
        .map(|entry| json!([entry["manager"], entry["operation"], entry["fieldsV1"].to_string()]))
        .collect();
    let mut kept = json!({
        "labels": metadata["labels"], "annotations": metadata["annotations"], "managers": managers,
        "finalizers": metadata["finalizers"],
    });
    if metadata.get("deletionTimestamp").is_some() {
        kept["deleting"] = true.into();
    }
    for field in ["spec", "data", "type"] {
        if let Some(value) = object.get(field) {
            kept[field] = value.clone();
        }
    }
    forget(&mut kept);
    // Each environment has a namespace of its own.
    serde_json::from_str(&kept.to_string().replace(namespace, "NAMESPACE")).expect("it is JSON")
}

/// Forgets the values that name a run, an address or a uid.
fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // That it is there counts.
            for (name, value) in fields.iter_mut().filter(|(name, _)| is_passing(name)) {
                *value = name.as_str().into();
            }
            fields.values_mut().for_each(forget);
            let emptied: Vec<String> =
                fields.iter().filter(|(_, value)| is_empty(value)).map(|(name, _)| name.clone()).collect();
            for name in emptied {
                fields.remove(&name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

fn is_passing(name: &str) -> bool {
    NOTES.contains(&name) || NAMES.contains(&name)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}
