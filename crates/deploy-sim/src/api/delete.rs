//! Deletion: preconditions, finalizers, and what becomes of dependents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::commit::{finalizers, metadata};
use super::read::without_type;
use super::{At, Reply, body};
use crate::controllers::object::{self, after as moment_after};
use crate::definitions;
use crate::request::{Address, Request};
use crate::selector::Selector;
use crate::state::{State, key};
use crate::status::{Cause, Status, Subject};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// Namespaces that nobody deletes (`plugin/pkg/admission/namespace/lifecycle`).
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn delete(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let options = Options::read(request)?;
    if at.kind.resource.as_ref() == "namespaces." && IMMORTAL.contains(&at.name()) {
        return Err(Status::forbidden(at.subject(), "this namespace may not be deleted"));
    }
    let (object, is_gone) = remove(state, at, &options)?;
    if !is_gone || at.kind.custom && options.dry_run {
        return Ok(Reply::Json(200, (*object).clone()));
    }
    let (kind, name) = (&at.kind.plural, at.name());
    let mut details = json!({"name": name, "kind": kind, "uid": object["metadata"]["uid"]});
    if !at.kind.group.is_empty() {
        details["group"] = at.kind.group.clone().into();
    }
    Ok(Reply::Json(
        200,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    ))
}

pub(super) fn collection(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let query = &request.query;
    let selector =
        Selector::parse(query.text("labelSelector"), query.text("fieldSelector"), &at.kind.resource)?;
    let options = Options { uid: None, resource_version: None, ..Options::read(request)? };
    let selected = state.store.list(&at.kind.resource, at.namespace());
    let names: Vec<(String, String)> = selected
        .filter(|(_, object)| selector.matches(object))
        .map(|(key, _)| (key.namespace.clone(), key.name.clone()))
        .collect();
    let mut items = Vec::new();
    for (namespace, name) in names {
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        let address = Address { namespace, name: Some(name), ..at.address.clone() };
        let one = At { kind: Arc::clone(&at.kind), address: &address };
        let mut removed = (*remove(state, &one, &options)?.0).clone();
        without_type(&mut removed, at);
        items.push(removed);
    }
    let kind = format!("{}List", at.kind.kind);
    let metadata = json!({"resourceVersion": state.store.revision().to_string()});
    Ok(Reply::Json(
        200,
        json!({"kind": kind, "apiVersion": at.kind.api_version(), "metadata": metadata, "items": items}),
    ))
}

/// # Errors
/// The options are none.
pub(super) fn is_dry_run(request: &Request) -> Result<bool, Status> {
    Ok(Options::read(request)?.dry_run)
}

/// As the cluster's own components delete.
pub(super) fn in_background(state: &mut State, at: &At<'_>) -> Result<(), Status> {
    let options = Options {
        propagation: Propagation::Background,
        uid: None,
        resource_version: None,
        grace: None,
        dry_run: false,
    };
    remove(state, at, &options).map(|_| ())
}

pub(super) struct Options {
    propagation: Propagation,
    uid: Option<String>,
    resource_version: Option<String>,
    grace: Option<i64>,
    pub(super) dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Propagation {
    Background,
    Foreground,
    Orphan,
}

impl Options {
    /// From the body, or from the query where there is none.
    fn read(request: &Request) -> Result<Self, Status> {
        Self::of(request, &body::options(request, "DeleteOptions")?)
    }

    /// From these options, or from the query where they say nothing.
    pub(super) fn of(request: &Request, body: &Value) -> Result<Self, Status> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let propagation =
            text("/propagationPolicy").or_else(|| request.query.text("propagationPolicy").map(str::to_owned));
        let orphan = body.get("orphanDependents").and_then(Value::as_bool).unwrap_or(false);
        let propagation = match propagation.as_deref() {
            None if orphan => Propagation::Orphan,
            None | Some("Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::unsupported("propagationPolicy", &other.into(), &supported);
                return Err(Status::bad_options("DeleteOptions", cause));
            }
        };
        let in_body = body.get("dryRun").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        let grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
        Ok(Self {
            propagation,
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            grace: grace.or(request.query.integer("gracePeriodSeconds")?),
            dry_run: in_body || request.dry_run()?,
        })
    }
}

/// Removes the object, or marks it for removal; and whether it is gone.
pub(super) fn remove(
    state: &mut State,
    at: &At<'_>,
    options: &Options,
) -> Result<(Arc<Value>, bool), Status> {
    let key = key(&at.kind, at.namespace(), at.name());
    let before = state.store.get(&key).cloned().ok_or_else(|| Status::not_found(at.subject()))?;
    check(&before, at, options)?;
    let mut after = (*before).clone();
    let mut waiting = finalizers(&after);
    // Nothing depends on an Event: it waits for nothing (`DefaultGarbageCollectionPolicy` of its strategy).
    let may_wait = at.kind.resource.as_ref() != "events.";
    for (name, wanted) in [(FOREGROUND, Propagation::Foreground), (ORPHAN, Propagation::Orphan)] {
        if may_wait && options.propagation == wanted && !waiting.iter().any(|finalizer| finalizer == name) {
            object::push(&mut after, "finalizers", name.into());
            waiting.push(name.to_owned());
        }
    }
    let grace = grace(&before, at, options);
    if waiting.is_empty() && grace == 0 {
        if options.dry_run {
            return Ok((before, true));
        }
        let last = state.store.remove(&key).ok_or_else(|| Status::not_found(at.subject()))?;
        definitions::removed(state, &at.kind, &last);
        return Ok((last, true));
    }
    if before["metadata"].get("deletionTimestamp").is_none() {
        let at_the_latest = moment_after(state.now, grace);
        let time =
            jiff::Timestamp::from_second(at_the_latest.as_second()).unwrap_or(at_the_latest).to_string();
        let metadata = metadata(&mut after);
        metadata.insert("deletionTimestamp".into(), time.into());
        metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
        if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
            metadata.insert("generation".into(), generation.saturating_add(1).into());
        }
        if at.kind.resource.as_ref() == "namespaces." {
            after["status"]["phase"] = "Terminating".into();
        }
    }
    if options.dry_run || after == *before {
        return Ok((Arc::new(after), false));
    }
    Ok((state.store.put(key, after), false))
}

fn check(before: &Value, at: &At<'_>, options: &Options) -> Result<(), Status> {
    let found = |field: &str| before["metadata"][field].as_str().unwrap_or_default();
    for (wanted, field, name, since) in [
        (&options.uid, "uid", "UID", "deleted and then recreated"),
        (&options.resource_version, "resourceVersion", "ResourceVersion", "modified"),
    ] {
        if let Some(wanted) = wanted
            && wanted != found(field)
        {
            let found = found(field);
            let why = format!(
                "the {name} in the precondition ({wanted}) does not match the {name} in record ({found}). The object might have been {since}"
            );
            // This one names the kind.
            return Err(Status::conflict(Subject { resource: &at.kind.kind, ..at.subject() }, &why));
        }
    }
    Ok(())
}

/// Seconds that a pod has to stop; a pod that no node runs has none.
fn grace(before: &Value, at: &At<'_>, options: &Options) -> i64 {
    let runs = at.kind.resource.as_ref() == "pods."
        && before.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty())
        && !matches!(before.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"));
    if !runs {
        return 0;
    }
    let own = before.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    options.grace.unwrap_or(own).max(0)
}
