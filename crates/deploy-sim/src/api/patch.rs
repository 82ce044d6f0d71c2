//! JSON patch, merge patch, strategic merge patch and server-side apply; the `scale` of a workload.

use std::sync::Arc;

use serde_json::{Value, json};

use super::commit::{Change, commit};
use super::identity::{check_identity, check_preconditions, check_type};
use super::read::as_served;
use super::scale::{apply_scale, rescale, scale};
use super::write::{before, overwrite};
use super::{At, Reply, body, operations, strategic};
use crate::access;
use crate::fields;
use crate::request::Request;
use crate::schema::Type;
use crate::state::State;
use crate::status::{Cause, Status};

pub(super) fn patch(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let before = before(state, at);
    match request.content_type.as_str() {
        "application/apply-patch+yaml" => apply(state, request, at, before),
        "application/merge-patch+json" => {
            let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
            let (change, twice) = body::merge_patch(request)?;
            changed(state, request, at, &before, twice, |object| {
                merge(object, &change);
                Ok(())
            })
        }
        "application/json-patch+json" => {
            let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
            let (operations, strict) = body::json_patch(request)?;
            changed(state, request, at, &before, strict, |object| operations::carry_out(object, operations))
        }
        "application/strategic-merge-patch+json" if at.kind.custom => Err(Status::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
        "application/strategic-merge-patch+json" => {
            let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
            merged(state, request, at, &before)
        }
        _ => {
            let status = Status::unsupported_media_type("415: Unsupported Media Type");
            Err(Status { details: Some(json!({})), ..status })
        }
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
    strict: Vec<String>,
    change: impl FnOnce(&mut Value) -> Result<(), Status>,
) -> Result<Reply, Status> {
    if at.address.subresource.as_deref() == Some("scale") {
        let mut scaled = scale(before, &at.kind);
        change(&mut scaled)?;
        let scaled = body::patched_scale(request, &scaled, strict)?;
        return rescale(state, request, at, before, &scaled);
    }
    let mut after = (**before).clone();
    change(&mut after)?;
    let after = body::patched(request, at, &after, strict)?;
    write(state, request, at, before, after)
}

fn write(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    mut after: Value,
) -> Result<Reply, Status> {
    check_identity(&mut after, at, &state.kinds)?;
    check_preconditions(&after, before, at)?;
    let written = overwrite(state, request, at, before, after)?;
    Ok(Reply::Json(200, as_served(&written, &at.kind).into_owned()))
}

/// A strategic merge patch.
fn merged(state: &mut State, request: &Request, at: &At<'_>, before: &Arc<Value>) -> Result<Reply, Status> {
    let (mut change, twice) = body::strategic_patch(request)?;
    let is_scale = at.address.subresource.as_deref() == Some("scale");
    let (of, original) = if is_scale {
        (Type::of("autoscaling/v1", "Scale"), scale(before, &at.kind))
    } else {
        (Type::of(&at.kind.api_version(), &at.kind.kind), (**before).clone())
    };
    let (of, Value::Object(original)) = (of.unwrap_or(&Type::Any), original) else {
        return Err(Status::internal_error());
    };
    let after = strategic::merge(original, &mut change, of).map_err(strategic::Misfit::refusal)?;
    let after = body::merged(request, of, &after.into(), twice, || strategic::go_map(&change))?;
    if is_scale {
        return rescale(state, request, at, before, &after);
    }
    write(state, request, at, before, after)
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
    let mut applied = body::applied(request)?;
    if at.address.subresource.as_deref() == Some("scale") {
        let before = before.ok_or_else(|| Status::not_found(at.subject()))?;
        return apply_scale(state, request, at, &before, manager, &applied);
    }
    if applied.pointer("/metadata/managedFields").is_some_and(|managed| !managed.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    check_type(&mut applied, at, &state.kinds)?;
    body::check_applied(&applied, at)?;
    check_identity(&mut applied, at, &state.kinds)?;
    if let Some(before) = &before {
        check_preconditions(&applied, before, at)?;
    } else if at.address.subresource.is_some() {
        return Err(Status::not_found(at.subject()));
    } else if let Some(uid) = applied["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty()) {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Status::conflict(at.subject(), &why));
    } else {
        access::check_create(state, request)?;
    }
    let time = state.time();
    let after =
        fields::applied(before.as_deref(), &applied, manager, request.query.flag("force"), &time, at)?;
    let is_new = before.is_none();
    let dry_run = request.dry_run()?;
    let change = Change { at, before, after, manager, request: Some(request), applied: true, dry_run };
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
