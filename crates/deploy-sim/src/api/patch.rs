//! JSON patch, merge patch and server-side apply; the `scale` of a workload.

use std::sync::Arc;

use serde_json::{Value, json};

use super::read::{as_served, scale};
use super::write::{Change, check_identity, check_preconditions, commit, overwrite};
use super::{At, Reply};
use crate::fields;
use crate::request::Request;
use crate::state::{State, key};
use crate::status::{Cause, Status, Subject};

/// More operations than anybody writes.
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn patch(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let before = state.store.get(&key(&at.kind, at.namespace(), at.name())).cloned();
    match request.content_type.as_str() {
        "application/apply-patch+yaml" | "application/apply-patch+cbor" => apply(state, request, at, before),
        "application/merge-patch+json" => {
            let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
            let change = request.object()?;
            changed(state, request, at, &before, |object| {
                merge(object, &change);
                Ok(())
            })
        }
        "application/json-patch+json" => {
            let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
            let operations: json_patch::Patch = serde_json::from_slice(&request.body)
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
            if operations.0.len() > MAX_OPERATIONS {
                let message = format!(
                    "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                    operations.0.len()
                );
                return Err(Status::new(413, "RequestEntityTooLarge", message));
            }
            changed(state, request, at, &before, |object| {
                json_patch::patch(object, &operations).map_err(|error| {
                    Status::new(
                        422,
                        "Invalid",
                        format!("the server rejected our request due to an error in our request: {error}"),
                    )
                })
            })
        }
        "application/strategic-merge-patch+json" if at.kind.custom => Err(Status::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
        other => Err(Status::not_implemented(&format!("patches of the type {other}"))),
    }
}

/// RFC 7386.
fn merge(object: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *object = change.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    let Some(map) = object.as_object_mut() else { return };
    for (key, value) in change {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn changed(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    change: impl FnOnce(&mut Value) -> Result<(), Status>,
) -> Result<Reply, Status> {
    if at.address.subresource.as_deref() == Some("scale") {
        let mut scaled = scale(before);
        change(&mut scaled)?;
        let replicas = scaled.pointer("/spec/replicas").cloned().unwrap_or(0.into());
        return rescale(state, request, at, before, &replicas);
    }
    let mut after = (**before).clone();
    change(&mut after)?;
    check_identity(&mut after, at, &state.kinds)?;
    check_preconditions(&after, before, at)?;
    let written = overwrite(state, request, at, before, after)?;
    Ok(Reply::Json(200, as_served(&written, &at.kind).into_owned()))
}

/// Sets the replicas of a workload through its `scale`.
pub(super) fn rescale(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    replicas: &Value,
) -> Result<Reply, Status> {
    if replicas.as_i64().is_none_or(|replicas| replicas < 0) {
        let subject = Subject { group: "autoscaling", resource: "Scale", name: at.name() };
        let cause = Cause::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(Status::invalid(subject, &[cause]));
    }
    let mut after = (**before).clone();
    after["spec"]["replicas"] = replicas.clone();
    Ok(Reply::Json(200, scale(&*overwrite(state, request, at, before, after)?)))
}

fn apply(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: Option<Arc<Value>>,
) -> Result<Reply, Status> {
    let Some(manager) = request.query.text("fieldManager") else {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Status::bad_options("PatchOptions", cause));
    };
    let mut applied = request.object()?;
    if applied.pointer("/metadata/managedFields").is_some_and(|managed| !managed.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    check_identity(&mut applied, at, &state.kinds)?;
    if let Some(before) = &before {
        check_preconditions(&applied, before, at)?;
    } else if let Some(uid) = applied["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty()) {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Status::conflict(at.subject(), &why));
    }
    let time = state.time();
    let after =
        fields::applied(before.as_deref(), &applied, manager, request.query.flag("force"), &time, at)?;
    let is_new = before.is_none();
    let change = Change { at, before, after, manager, applied: true, dry_run: request.dry_run()? };
    let written = commit(state, change)?;
    Ok(Reply::Json(if is_new { 201 } else { 200 }, as_served(&written, &at.kind).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_as_rfc_7386_says() {
        let check = |before: Value, change: Value, expect: Value| {
            let mut object = before;
            merge(&mut object, &change);
            assert_eq!(object, expect);
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
        check(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}));
    }
}
