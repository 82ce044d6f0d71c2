//! What became of an object since a plan saw it.

use deploy_core::error::Result;
use deploy_core::manifest::{DEPLOYMENT_ID, Object};
use deploy_core::plan::diff;
use deploy_core::run::DeploymentId;
use serde_json::Value;

use super::ownership::{are_kin, managers};

/// Whether the object bears the mark of one of these runs.
pub(super) fn is_by(live: &Value, runs: &[DeploymentId]) -> bool {
    let mark = live.pointer("/metadata/annotations").and_then(|annotations| annotations.get(DEPLOYMENT_ID));
    let mark = mark.and_then(Value::as_str);
    runs.iter().any(|run| Some(run.as_str()) == mark)
}

/// An old object as one that is to be created: without what the API server gives to a new one.
pub(super) fn as_new(before: &Value) -> Value {
    const OF_THE_OLD: [&str; 7] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "deletionTimestamp",
        "selfLink",
    ];
    let mut object = before.clone();
    let remove = |object: &mut Value, pointer: &str, keys: &[&str]| {
        if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            for key in keys {
                map.remove(*key);
            }
        }
    };
    remove(&mut object, "/metadata", &OF_THE_OLD);
    let job = object["apiVersion"] == "batch/v1" && object["kind"] == "Job";
    if job && object.pointer("/spec/manualSelector") != Some(&Value::Bool(true)) {
        const OF_THE_UID: [&str; 4] = [
            "controller-uid",
            "job-name",
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-name",
        ];
        remove(&mut object, "/spec", &["selector"]);
        remove(&mut object, "/metadata/labels", &OF_THE_UID);
        remove(&mut object, "/spec/template/metadata/labels", &OF_THE_UID);
    }
    object
}

/// Whether the object stands as it did: values and managers, its status and its version aside.
pub(super) fn same(before: &Value, live: &Value) -> bool {
    let owners = |object: &Value| {
        let entries = managers(object)
            .unwrap_or_default()
            .entries
            .into_iter()
            .filter(|entry| entry.subresource.is_none());
        entries.map(|entry| (entry.manager, entry.api_version, entry.fields)).collect::<Vec<_>>()
    };
    same_values(before, live) && owners(before) == owners(live)
}

fn same_values(before: &Value, live: &Value) -> bool {
    let strip = |object: &Value| {
        let mut object = object.clone();
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            // One that was created again is as it was.
            for field in ["resourceVersion", "managedFields", "generation", "uid", "creationTimestamp"] {
                metadata.remove(field);
            }
        }
        object
    };
    strip(before) == strip(live)
}

/// What is not as before although all went well, for a person.
pub(super) fn difference(before: &Object, live: &Value) -> Result<Option<String>> {
    let paths = changed_fields(before, live.clone())?;
    Ok((!paths.is_empty()).then(|| format!("{}: not as before: {}", before.id(), paths.join(", "))))
}

/// The paths in which `after` is not as before.
pub(super) fn changed_fields(before: &Object, after: Value) -> Result<Vec<String>> {
    let fields = diff(Some(before), Some(&Object::new(after)?));
    Ok(fields.into_iter().map(|field| field.path).collect())
}

/// Whether a manager but `ours` and its kin wrote since, also through a subresource like `scale`; controllers that report a status do not count.
pub(super) fn others_wrote(ours: &str, before: &Value, live: &Value) -> Result<bool> {
    let writes = |object: &Value| -> Result<Vec<_>> {
        let entries = managers(object)?.entries.into_iter();
        let entries = entries.filter(|entry| {
            entry.subresource.as_deref() != Some("status")
                && !(entry.subresource.is_none() && are_kin(&entry.manager, ours))
        });
        Ok(entries.map(|entry| (entry.manager, entry.operation, entry.subresource, entry.time)).collect())
    };
    let known = writes(before)?;
    Ok(writes(live)?.iter().any(|write| !known.contains(write)))
}
