//! What is written by no request: by the cluster's own components, and by the rivals of a fault.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value};

use super::commit::{Change, commit, is_same_but};
use super::{at, delete};
use crate::faults::Rival;
use crate::request::{Address, Request, Target};
use crate::state::{State, key};
use crate::status::Status;

/// Creates an object for one of the cluster's own components.
///
/// # Errors
/// A refusal.
pub(crate) fn create_as(
    state: &mut State,
    manager: &str,
    address: &Address,
    object: Value,
) -> Result<Arc<Value>, Status> {
    let at = at(state, address)?;
    if state.store.get(&key(&at.kind, at.namespace(), at.name())).is_some() {
        return Err(Status::already_exists(at.subject()));
    }
    let change = Change {
        at: &at,
        before: None,
        after: object,
        manager,
        request: None,
        applied: false,
        dry_run: false,
    };
    commit(state, change)
}

/// Changes an object for one of the cluster's own components; `None` if it is gone.
///
/// # Errors
/// A refusal.
pub(crate) fn change_as(
    state: &mut State,
    manager: &str,
    address: &Address,
    change: impl FnOnce(&mut Value),
) -> Result<Option<Arc<Value>>, Status> {
    write_as(state, manager, address, |before| {
        // Without the managers, who are those of before where none are named: they are most of what there is to copy.
        let mut after = without_managers(before);
        change(&mut after);
        (!is_same_but(&[], before, &after)).then_some(after)
    })
}

/// Deletes an object for one of the cluster's own components.
///
/// # Errors
/// A refusal; that it is gone is none.
pub(crate) fn delete_as(state: &mut State, address: &Address) -> Result<(), Status> {
    let at = at(state, address)?;
    match delete::in_background(state, &at) {
        Err(status) if status.code == 404 => Ok(()),
        result => result,
    }
}

/// Whether a request is to change an object that there is; a dry run changes none.
pub(crate) fn changes_existing(state: &State, request: &Request) -> bool {
    let Target::Objects(address) = &request.target else { return false };
    let Ok(at) = at(state, address) else { return false };
    let dry_run =
        if request.method == Method::DELETE { delete::is_dry_run(request) } else { request.dry_run() };
    dry_run.is_ok_and(|dry_run| !dry_run)
        && state.store.get(&key(&at.kind, at.namespace(), at.name())).is_some()
}

/// Writes the object of a request as somebody else, before it is answered.
///
/// # Errors
/// A refusal.
pub(crate) fn interfere(state: &mut State, request: &Request, rival: &Rival) -> Result<(), Status> {
    let Target::Objects(address) = &request.target else { return Ok(()) };
    let address = Address { subresource: None, ..address.clone() };
    let change = |before: &Value| {
        let mut after = before.clone();
        (rival.change)(&mut after);
        Some(after)
    };
    write_as(state, &rival.manager, &address, change).map(|_| ())
}

/// Writes what `change` makes of an object; nothing where it makes nothing.
fn write_as(
    state: &mut State,
    manager: &str,
    address: &Address,
    change: impl FnOnce(&Value) -> Option<Value>,
) -> Result<Option<Arc<Value>>, Status> {
    let at = at(state, address)?;
    let Some(before) = state.store.get(&key(&at.kind, at.namespace(), at.name())).cloned() else {
        return Ok(None);
    };
    let Some(after) = change(&before) else { return Ok(Some(before)) };
    let before = Some(before);
    commit(state, Change { at: &at, before, after, manager, request: None, applied: false, dry_run: false })
        .map(Some)
}

fn without_managers(object: &Value) -> Value {
    let without = |fields: &Map<String, Value>, name: &str| -> Map<String, Value> {
        let others = fields.iter().filter(|(found, _)| *found != name);
        others.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let (Some(fields), Some(metadata)) = (object.as_object(), object["metadata"].as_object()) else {
        return object.clone();
    };
    let mut copy = without(fields, "metadata");
    copy.insert("metadata".into(), without(metadata, "managedFields").into());
    copy.into()
}
