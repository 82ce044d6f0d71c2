//! The one way in which an object comes to be written.

use std::sync::Arc;

use k8s_fields::server::not_through_status;
use serde_json::{Map, Value, json};

use super::At;
use super::{addresses, generation};
use crate::access;
use crate::controllers::object::{but, list};
use crate::convert;
use crate::defaults::{self, TEMPLATE_GENERATION};
use crate::definitions;
use crate::fields;
use crate::quota;
use crate::request::Request;
use crate::schema::custom;
use crate::state::{State, key};
use crate::status::{Status, Subject};
use crate::validate;

/// A change on its way to the store.
pub(super) struct Change<'a> {
    pub(super) at: &'a At<'a>,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Value,
    pub(super) manager: &'a str,
    /// By what it is asked for; none of the cluster's own components, who may do anything.
    pub(super) request: Option<&'a Request>,
    /// Whether `after` has its `managedFields` already.
    pub(super) applied: bool,
    pub(super) dry_run: bool,
}

/// Admits, fills in, validates and stores. What would change nothing is not written.
pub(super) fn commit(state: &mut State, change: Change<'_>) -> Result<Arc<Value>, Status> {
    let Change { at, mut before, mut after, manager, request, applied, dry_run } = change;
    let subresource = at.address.subresource.as_deref();
    match &before {
        None => {
            admit(state, at)?;
            give_birth(state, &mut after, at);
        }
        Some(before) => keep(before, &mut after, at, subresource),
    }
    let writes_status = subresource == Some("status");
    match at.kind.schema() {
        Some(schema) => custom::fill(&mut after, schema),
        // The spec is as it was, and of that nothing is filled in.
        None if writes_status => defaults::fill_status(&mut after),
        None => defaults::fill(&mut after),
    }
    if !applied {
        let managed = fields::updated(before.as_deref(), &after, manager, &state.time(), at);
        set_managed(&mut after, managed);
    }
    let kind = convert::kept_kind(&at.kind, &state.kinds);
    if kind != at.kind {
        after = convert::kept(&after);
        before = state.store.get(&key(&kind, at.namespace(), at.name())).cloned();
        defaults::fill(&mut after);
    }
    if !at.kind.custom && !writes_status && subresource != Some("finalize") {
        defaults::admit(&mut after, before.as_deref());
    }
    if &*at.kind.resource == "services." && !writes_status {
        addresses::give(state, &mut after);
    }
    if let Some(request) = request {
        access::check_escalation(state, request, at, before.as_deref(), &after)?;
    }
    let causes = validate::check(&kind, &after, before.as_deref());
    if !causes.is_empty() {
        let subject = Subject { group: &kind.group, resource: &kind.kind, ..at.subject() };
        return Err(Status::invalid(subject, &causes));
    }
    if at.kind.namespaced && subresource.is_none() {
        quota::admit(state, &at.kind.resource, at.subject(), before.as_deref(), &after, dry_run)?;
    }
    if before.is_none() && state.store.get(&key(&at.kind, at.namespace(), at.name())).is_some() {
        return Err(Status::already_exists(at.subject()));
    }
    generation::count(before.as_deref(), &mut after, at);
    if let Some(before) = &before
        && is_same_but_for_times(before, &after)
    {
        return Ok(Arc::clone(before));
    }
    if dry_run {
        return Ok(Arc::new(after));
    }
    let key = key(&at.kind, at.namespace(), at.name());
    // A pod that has time to stop goes when its node says so.
    let is_due = after["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0;
    let is_gone =
        after["metadata"].get("deletionTimestamp").is_some() && is_due && finalizers(&after).is_empty();
    if is_gone {
        state.store.put(key.clone(), after);
        let last = state.store.remove(&key).ok_or_else(|| Status::not_found(at.subject()))?;
        definitions::removed(state, &at.kind, &last);
        return Ok(last);
    }
    let written = state.store.put(key, after);
    definitions::written(state, &at.kind, &written);
    Ok(written)
}

pub(super) fn finalizers(object: &Value) -> Vec<String> {
    let of_spec = if object["kind"] == "Namespace" { list(object, "/spec/finalizers") } else { &[] };
    let all = list(object, "/metadata/finalizers").iter().chain(of_spec);
    all.filter_map(|finalizer| finalizer.as_str().map(str::to_owned)).collect()
}

/// Whether nothing but these fields and who manages the object differs.
pub(super) fn is_same_but(fields: &[&str], before: &Value, after: &Value) -> bool {
    let others = |object| but(object, &["metadata"]).filter(|(name, _)| !fields.contains(&name.as_str()));
    others(before).eq(others(after))
        && but(&before["metadata"], &["managedFields"]).eq(but(&after["metadata"], &["managedFields"]))
}

pub(super) fn set_managed(object: &mut Value, managed: Value) {
    let managed = Some(managed).filter(|managed| managed.as_array().is_some_and(|list| !list.is_empty()));
    put(&mut object["metadata"], "managedFields", managed);
}

/// Sets a key of a map, or removes it.
pub(super) fn put(map: &mut Value, key: &str, value: Option<Value>) {
    let Some(map) = map.as_object_mut() else { return };
    match value {
        Some(value) => drop(map.insert(key.to_owned(), value)),
        None => drop(map.remove(key)),
    }
}

/// An object's metadata; made where there is none.
pub(super) fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object.get("metadata").is_some_and(Value::is_object) {
        object["metadata"] = json!({});
    }
    match &mut object["metadata"] {
        Value::Object(metadata) => metadata,
        // Just made.
        _ => unreachable!("metadata is a map"),
    }
}

/// Whether nothing but the times of the managers differs: then it is no write.
fn is_same_but_for_times(before: &Value, after: &Value) -> bool {
    same_fields(before, after, "metadata", |before, after| {
        same_fields(before, after, "managedFields", |before, after| {
            let (Some(before), Some(after)) = (before.as_array(), after.as_array()) else {
                return before == after;
            };
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| same_fields(before, after, "time", |_, _| true))
        })
    })
}

/// Whether both are the same, one field compared as it is said.
fn same_fields(one: &Value, other: &Value, field: &str, same: impl Fn(&Value, &Value) -> bool) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return one == other };
    // From the end: what differs most often is the status.
    one.len() == other.len()
        && one.iter().rev().all(|(name, value)| {
            other
                .get(name)
                .is_some_and(|other| if name == field { same(value, other) } else { value == other })
        })
}

/// Nothing is created in a namespace that is not there, or on its way out.
fn admit(state: &State, at: &At<'_>) -> Result<(), Status> {
    let Some(name) = at.namespace() else { return Ok(()) };
    let Some(namespace) = state.namespace(name) else {
        return Err(Status::not_found(Subject { group: "", resource: "namespaces", name }));
    };
    if namespace.pointer("/metadata/deletionTimestamp").is_some() {
        let why = format!("unable to create new content in namespace {name} because it is being terminated");
        let mut status = Status::forbidden(at.subject(), &why);
        if let Some(details) = &mut status.details {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        return Err(status);
    }
    Ok(())
}

fn give_birth(state: &mut State, object: &mut Value, at: &At<'_>) {
    let (uid, time) = (state.uid(), state.time());
    // Whoever makes a node says how it is.
    if at.kind.has_status()
        && &*at.kind.resource != "nodes."
        && let Some(object) = object.as_object_mut()
    {
        object.remove("status");
    }
    let metadata = metadata(object);
    for field in
        ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]
    {
        metadata.remove(field);
    }
    metadata.insert("uid".into(), uid.into());
    metadata.insert("creationTimestamp".into(), time.into());
}

/// What a writer cannot change: the identity, and the status but through its subresource (and through that no spec).
fn keep(before: &Value, after: &mut Value, at: &At<'_>, subresource: Option<&str>) {
    match subresource {
        Some("status") if !is_same_but(&["status"], before, after) => through_status(before, after, at),
        Some("status") => {}
        _ if at.kind.has_status() => put(after, "status", before.get("status").cloned()),
        _ => {}
    }
    for field in [
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        put(&mut after["metadata"], field, before["metadata"].get(field).cloned());
    }
    metadata(after).remove("selfLink");
}

/// What is written through `status`: of a built-in kind the metadata too.
fn through_status(before: &Value, after: &mut Value, at: &At<'_>) {
    let status = take(after, "status");
    let mut metadata = take(after, "metadata").unwrap_or_default();
    if at.kind.custom {
        let managed = take(&mut metadata, "managedFields");
        metadata = before["metadata"].clone();
        put(&mut metadata, "managedFields", managed);
    } else if let Some(field) = not_through_status(&at.kind.api_version(), &before["kind"]) {
        put(&mut metadata, field, before["metadata"].get(field).cloned());
    }
    *after = before.clone();
    put(after, "status", status);
    put(after, "metadata", Some(metadata));
    defaults::fill(after);
    // It counts changes of the spec.
    let count = before["metadata"]["annotations"].get(TEMPLATE_GENERATION).cloned();
    if count.is_some() {
        put(&mut after["metadata"]["annotations"], TEMPLATE_GENERATION, count);
    }
}

/// Takes a key out of a map.
fn take(map: &mut Value, key: &str) -> Option<Value> {
    map.as_object_mut()?.remove(key)
}
