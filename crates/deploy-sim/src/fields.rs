//! Who owns which fields after a write, by the rules in [`k8s_fields::server`].

use k8s_fields::server::{self, ApplyError, Write};
use serde_json::{Value, json};

use crate::api::At;
use crate::status::Status;

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
    let write = if force { write.forced() } else { write };
    let mut applied = server::apply(live, applied, &write).map_err(|error| refusal(&error))?;
    if let Some(managed) = applied.pointer_mut("/metadata/managedFields") {
        *managed = timeless(managed.take());
    }
    Ok(applied)
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
