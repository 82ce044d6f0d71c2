//! What becomes of dependents: deleted with their owners (in the background or before them), or left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::object::{is_deleting, list, namespace, text, uid};
use super::{delete_in_foreground, disown, remove_finalizer};
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;
use crate::store::Change;

pub(super) const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Whether a change can leave anything to collect: something is gone, on its way out, or has other owners.
pub(super) fn matters(change: &Change) -> bool {
    let owners = |object| list(object, "/metadata/ownerReferences");
    change.deleted
        || is_deleting(&change.after)
        || owners(&change.after) != change.before.as_deref().map_or(&[][..], owners)
}

/// One pass over all objects.
pub(super) fn collect(state: &mut State) -> Option<Timestamp> {
    let objects = all(state);
    let by_uid: BTreeMap<&str, &Arc<Value>> = objects.iter().map(|object| (uid(object), object)).collect();
    let mut dependents: BTreeMap<&str, Vec<&Arc<Value>>> = BTreeMap::new();
    for object in &objects {
        for owner in list(object, "/metadata/ownerReferences") {
            dependents.entry(text(owner, "/uid")).or_default().push(object);
        }
    }
    for object in &objects {
        let own = dependents.get(uid(object)).map_or(&[][..], Vec::as_slice);
        if is_deleting(object) && has_finalizer(object, ORPHAN) {
            orphan(state, object, own);
        } else if is_deleting(object) && has_finalizer(object, FOREGROUND) {
            go_first(state, object, own, &dependents);
        } else if !is_deleting(object) {
            follow(state, object, &by_uid);
        }
    }
    None
}

/// Every object that can own or be owned; Events do neither.
fn all(state: &State) -> Vec<Arc<Value>> {
    let resources: BTreeSet<Arc<str>> = state.kinds.all().map(|kind| Arc::clone(&kind.resource)).collect();
    let resources = resources.into_iter().filter(|resource| &**resource != "events.");
    resources.flat_map(|resource| state.objects(&resource, None)).collect()
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    list(object, "/metadata/finalizers").iter().any(|finalizer| finalizer == name)
}

/// The dependents stay, without their owner.
fn orphan(state: &mut State, owner: &Value, dependents: &[&Arc<Value>]) {
    for dependent in dependents {
        let _ = CONTROLLER_MANAGER.change(state, dependent, None, |object| disown(object, uid(owner)));
    }
    remove_finalizer(state, owner, ORPHAN);
}

/// The owner waits until the dependents that block it are gone.
fn go_first(
    state: &mut State,
    owner: &Value,
    dependents: &[&Arc<Value>],
    all: &BTreeMap<&str, Vec<&Arc<Value>>>,
) {
    let blocks = |object: &Value| {
        let owners = list(object, "/metadata/ownerReferences");
        owners.iter().any(|found| found["uid"] == uid(owner) && found["blockOwnerDeletion"] == true)
    };
    if !dependents.iter().any(|dependent| blocks(dependent)) {
        remove_finalizer(state, owner, FOREGROUND);
    }
    for dependent in dependents.iter().filter(|dependent| !is_deleting(dependent)) {
        let owners = list(dependent, "/metadata/ownerReferences");
        if owners.len() > 1 {
            let _ = CONTROLLER_MANAGER.change(state, dependent, None, |object| disown(object, uid(owner)));
            continue;
        }
        if all.contains_key(uid(dependent)) {
            // What has dependents of its own lets them go first, too.
            delete_in_foreground(state, dependent);
            continue;
        }
        let _ = CONTROLLER_MANAGER.delete(state, dependent);
    }
}

/// What no owner is left of goes; of what some are left of, the others are forgotten.
fn follow(state: &mut State, object: &Value, by_uid: &BTreeMap<&str, &Arc<Value>>) {
    let is_gone = |reference: &&Value| {
        by_uid.get(text(reference, "/uid")).is_none_or(|owner| {
            let at = namespace(owner);
            !at.is_empty() && at != namespace(object)
        })
    };
    let owners = list(object, "/metadata/ownerReferences");
    let gone: Vec<&str> = owners.iter().filter(is_gone).map(|owner| text(owner, "/uid")).collect();
    if gone.is_empty() {
        return;
    }
    if gone.len() == owners.len() {
        let _ = CONTROLLER_MANAGER.delete(state, object);
        return;
    }
    let _ = CONTROLLER_MANAGER.change(state, object, None, |object| {
        for owner in gone {
            disown(object, owner);
        }
    });
}
