//! The `scale` of workloads, and of custom kinds whose definition says where the numbers are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::commit::{Change, commit};
use super::write::overwrite;
use super::{At, Reply, body};
use crate::fields;
use crate::kinds::Kind;
use crate::request::Request;
use crate::selector;
use crate::state::State;
use crate::status::{Cause, Status, Subject};

/// Where a kind keeps a number of its scale, as a JSON pointer.
fn path(kind: &Kind, name: &str) -> Option<String> {
    match &kind.definition {
        None => Some(format!("/{}/replicas", if name == "specReplicasPath" { "spec" } else { "status" })),
        Some(definition) => {
            let path = definition.pointer(&format!("/subresources/scale/{name}"))?.as_str()?;
            Some(path.replace('.', "/"))
        }
    }
}

/// The replicas that an object is told to have.
pub(crate) fn replicas<'a>(object: &'a Value, kind: &Kind) -> Option<&'a Value> {
    object.pointer(&path(kind, "specReplicasPath")?)
}

/// Tells an object how many replicas to have.
///
/// # Errors
/// It has no place for them.
pub(crate) fn set_replicas(object: &mut Value, kind: &Kind, replicas: Value) -> Result<(), Status> {
    let path = path(kind, "specReplicasPath").unwrap_or_default();
    let (parent, name) = path.rsplit_once('/').unwrap_or_default();
    let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) else {
        return Err(Status::not_implemented("scales of objects without the parent of their replicas"));
    };
    parent.insert(name.to_owned(), replicas);
    Ok(())
}

/// The `Scale` of an object.
pub(super) fn scale(object: &Value, kind: &Kind) -> Value {
    let metadata = &object["metadata"];
    let number =
        |name: &str| path(kind, name).and_then(|path| object.pointer(&path)).filter(|number| **number != 0);
    let selector = match path(kind, "labelSelectorPath") {
        _ if kind.definition.is_none() => Some(selector::text(&object["spec"]["selector"])),
        path => path.and_then(|path| object.pointer(&path)?.as_str().map(str::to_owned)),
    };
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {},
        "status": {"replicas": number("statusReplicasPath").cloned().unwrap_or(0.into())},
    });
    // None is written as nothing.
    if let Some(replicas) = number("specReplicasPath") {
        scale["spec"]["replicas"] = replicas.clone();
    }
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        scale["status"]["selector"] = selector.into();
    }
    scale
}

/// Sets the replicas of an object by a server-side apply of its `scale`, in whose version conflicts are told.
pub(super) fn apply_scale(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    manager: &str,
    applied: &Value,
) -> Result<Reply, Status> {
    let text = |field: &str| applied[field].as_str().unwrap_or_default();
    if (text("apiVersion"), text("kind")) != ("autoscaling/v1", "Scale") {
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        return Err(Status::bad_request(format!("invalid object type: {api_version}, Kind={kind}")));
    }
    body::check_applied_scale(applied)?;
    // Who applies none and owned none says nothing.
    if applied.pointer("/spec/replicas").is_none() && !applies(before, manager) {
        return Ok(Reply::Json(200, scale(before, &at.kind)));
    }
    let replicas = wanted(applied, at)?;
    let mut parent = json!({
        "apiVersion": at.kind.api_version(), "kind": at.kind.kind, "metadata": {"name": at.name()},
    });
    put_at(&mut parent, &path(&at.kind, "specReplicasPath").unwrap_or_default(), replicas)
        .ok_or_else(|| Status::not_implemented("scales of objects without a place for their replicas"))?;
    let (force, time) = (request.query.flag("force"), state.time());
    let own = format!("using {}", at.kind.api_version());
    let after = fields::applied(Some(before), &parent, manager, force, &time, at).map_err(|mut status| {
        status.message = status.message.replace(&own, "using autoscaling/v1");
        for cause in
            status.details.iter_mut().filter_map(|details| details["causes"].as_array_mut()).flatten()
        {
            if let Some(message) = cause["message"].as_str() {
                cause["message"] = message.replace(&own, "using autoscaling/v1").into();
            }
        }
        status
    })?;
    let (before, dry_run) = (Some(Arc::clone(before)), request.dry_run()?);
    let request = Some(request);
    let written = commit(state, Change { at, before, after, manager, request, applied: true, dry_run })?;
    Ok(Reply::Json(200, scale(&written, &at.kind)))
}

/// Whether a manager has applied the scale of an object.
fn applies(object: &Value, manager: &str) -> bool {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut own = entries.filter(|entry| entry["manager"] == manager && entry["operation"] == "Apply");
    own.any(|entry| entry["subresource"] == "scale")
}

/// Puts a value where a pointer leads to, and makes the way; `None` where something else stands in it.
fn put_at(object: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let place = pointer.split('/').skip(1).try_fold(object, |place, field| {
        if place.is_null() {
            *place = json!({});
        }
        Some(place.as_object_mut()?.entry(field).or_insert(Value::Null))
    });
    *place? = value;
    Some(())
}

/// The replicas that a `Scale` asks for; none said are none.
fn wanted(scaled: &Value, at: &At<'_>) -> Result<Value, Status> {
    let replicas = scaled.pointer("/spec/replicas").cloned().unwrap_or(0.into());
    if replicas.as_i64().is_none_or(|replicas| replicas < 0) {
        let subject = Subject { group: "autoscaling", resource: "Scale", name: at.name() };
        let cause = Cause::invalid("spec.replicas", &replicas, "must be greater than or equal to 0");
        return Err(Status::invalid(subject, &[cause]));
    }
    Ok(replicas)
}

/// Sets the replicas of an object through its `scale`.
pub(super) fn rescale(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    scaled: &Value,
) -> Result<Reply, Status> {
    let replicas = wanted(scaled, at)?;
    let mut after = (**before).clone();
    set_replicas(&mut after, &at.kind, replicas)?;
    let written = overwrite(state, request, at, before, after)?;
    Ok(Reply::Json(200, scale(&written, &at.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_made_through_maps_only() {
        let check = |pointer: &str, expect: Option<Value>| {
            let mut object = json!({"kind": "Widget", "spec": {"a": 1}});
            let found = put_at(&mut object, pointer, 3.into()).map(|()| object);
            assert_eq!(found, expect, "{pointer}");
        };
        check("/spec/replicas", Some(json!({"kind": "Widget", "spec": {"a": 1, "replicas": 3}})));
        check("/size/of/it", Some(json!({"kind": "Widget", "spec": {"a": 1}, "size": {"of": {"it": 3}}})));
        check("/kind/x", None);
        check("/spec/a/b", None);
    }
}
