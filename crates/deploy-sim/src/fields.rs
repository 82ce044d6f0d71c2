//! Who owns which fields after a write, by the rules in [`k8s_fields::server`].

use k8s_fields::server::{self, ApplyError, Write};
use k8s_fields::{FieldPath, FieldSet, applied_fields, project};
use serde_json::{Value, json};

use crate::api::At;
use crate::status::Status;

/// The manager of `kubectl apply --server-side`.
const KUBECTL: &str = "kubectl";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The `managedFields` after any write but an apply.
pub(crate) fn updated(
    before: Option<&Value>,
    after: &Value,
    manager: &str,
    time: &str,
    at: &At<'_>,
) -> Value {
    timeless(server::updated(before, after, &write(manager, time, at)).to_value())
}

/// Writes through `scale` are noted without a time, so before all others of their operation
/// (`apimachinery/pkg/util/managedfields/scalehandler.go`).
fn timeless(mut managed: Value) -> Value {
    for entry in managed.as_array_mut().into_iter().flatten() {
        if entry["subresource"] == "scale"
            && let Some(entry) = entry.as_object_mut()
        {
            entry.remove("time");
        }
    }
    if let Some(entries) = managed.as_array_mut() {
        entries.sort_by_key(|entry| (entry["operation"] != "Apply", entry.get("time").is_some()));
    }
    managed
}

/// The object after a server-side apply.
///
/// # Errors
/// Conflicts with other managers, and lists whose items cannot be told apart.
pub(crate) fn applied(
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    time: &str,
    at: &At<'_>,
) -> Result<Value, Status> {
    let write = write(manager, time, at);
    let attempt = if force { write.clone().forced() } else { write.clone() };
    let last = live.filter(|_| manager == KUBECTL).and_then(last_applied);
    let done = match (server::apply(live, applied, &attempt), live, &last) {
        (Err(ApplyError::Conflicts(conflicts)), Some(live), Some(last)) => {
            match conflicts.except(unchanged_since(last, live)) {
                Some(left) => Err(ApplyError::Conflicts(left)),
                None => server::apply(Some(live), applied, &write.forced()),
            }
        }
        (done, ..) => done,
    };
    let config = applied;
    let mut applied = done.map_err(|error| refusal(&error))?;
    if last.is_some() {
        follow(config, &mut applied);
    }
    if let Some(managed) = applied.pointer_mut("/metadata/managedFields") {
        *managed = timeless(managed.take());
    }
    Ok(applied)
}

/// What `kubectl apply` without `--server-side` applied last, at the same version of the API.
fn last_applied(live: &Value) -> Option<Value> {
    let last: Value = serde_json::from_str(live["metadata"]["annotations"][LAST_APPLIED].as_str()?).ok()?;
    (last["apiVersion"] == live["apiVersion"]).then_some(last)
}

/// Who goes over to server-side apply has no conflict with itself: about fields that are as they were applied last
/// (`managedfields/internal/lastappliedmanager.go`).
fn unchanged_since(last: &Value, live: &Value) -> impl Fn(&FieldPath) -> bool {
    let fields = applied_fields(last);
    move |path| {
        let mut only = FieldSet::new();
        only.insert(path);
        fields.contains(path) && project(last, &only) == project(live, &only)
    }
}

/// The annotation says what was applied, whichever way (`managedfields/internal/lastappliedupdater.go`).
fn follow(config: &Value, applied: &mut Value) {
    let mut config = config.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    if let Some(annotations) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(LAST_APPLIED.to_owned(), format!("{config}\n").into());
    }
}

fn write(manager: &str, time: &str, at: &At<'_>) -> Write {
    let write = Write::by(manager, time).with_status_subresource(at.kind.has_status());
    match &at.address.subresource {
        Some(subresource) => write.through(subresource.as_str()),
        None => write,
    }
}

fn refusal(error: &ApplyError) -> Status {
    match error {
        ApplyError::Conflicts(conflicts) => {
            let causes: Vec<Value> = conflicts
                .iter()
                .map(|conflict| {
                    json!({
                        "reason": "FieldManagerConflict", "message": conflict.to_string(),
                        "field": conflict.path.to_string(),
                    })
                })
                .collect();
            let status = Status::new(409, "Conflict", conflicts.to_string());
            Status { details: Some(json!({"causes": causes})), ..status }
        }
        ApplyError::ManagedFields => Status::bad_request(error.to_string()),
        _ => Status::new(500, "", error.to_string()),
    }
}
