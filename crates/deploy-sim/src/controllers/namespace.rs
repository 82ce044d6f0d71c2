//! What goes with a namespace: everything in it, then the namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{condition, is_deleting, list, name};
use super::write_status;
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    for namespace in state.objects("namespaces.", None) {
        if is_deleting(&namespace) {
            empty(state, &namespace);
        }
    }
    None
}

fn empty(state: &mut State, namespace: &Value) {
    let content = |state: &State| -> Vec<(Arc<str>, Arc<Value>)> {
        let mut resources: Vec<Arc<str>> =
            state.kinds.all().filter(|kind| kind.namespaced).map(|kind| Arc::clone(&kind.resource)).collect();
        resources.sort_unstable();
        resources.dedup();
        let objects = |resource: Arc<str>| {
            let objects = state.objects(&resource, Some(name(namespace)));
            objects.into_iter().map(move |object| (Arc::clone(&resource), object))
        };
        resources.into_iter().flat_map(objects).collect()
    };
    for (_, object) in content(state) {
        if !is_deleting(&object) {
            let _ = CONTROLLER_MANAGER.delete(state, &object);
        }
    }
    let left = content(state);
    let mut status = json!({"phase": "Terminating"});
    status["conditions"] = conditions(state, namespace, &left);
    write_status(state, namespace, status);
    if left.is_empty() {
        let _ = CONTROLLER_MANAGER.change(state, namespace, Some("finalize"), |namespace| {
            if let Some(finalizers) = namespace.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut)
            {
                finalizers.retain(|finalizer| finalizer != "kubernetes");
            }
        });
    }
}

/// In the words of `pkg/controller/namespace/deletion`.
fn conditions(state: &State, namespace: &Value, left: &[(Arc<str>, Arc<Value>)]) -> Value {
    let mut resources: BTreeMap<&str, usize> = BTreeMap::new();
    let mut finalizers: BTreeMap<&str, usize> = BTreeMap::new();
    for (resource, object) in left {
        *resources.entry(resource).or_default() += 1;
        for finalizer in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
            *finalizers.entry(finalizer).or_default() += 1;
        }
    }
    let told = |counts: &BTreeMap<&str, usize>, words: &str| {
        let told: Vec<String> =
            counts.iter().map(|(name, count)| format!("{name} {words} {count} resource instances")).collect();
        told.join(", ")
    };
    let remaining = match told(&resources, "has") {
        none if none.is_empty() => ("False", "ContentRemoved", "All content successfully removed".to_owned()),
        some => ("True", "SomeResourcesRemain", format!("Some resources are remaining: {some}")),
    };
    let held = match told(&finalizers, "in") {
        none if none.is_empty() => {
            ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned())
        }
        some => (
            "True",
            "SomeFinalizersRemain",
            format!("Some content in the namespace has finalizers remaining: {some}"),
        ),
    };
    let fine = |reason: &'static str, message: &str| ("False", reason, message.to_owned());
    let all = [
        (
            "NamespaceDeletionDiscoveryFailure",
            fine("ResourcesDiscovered", "All resources successfully discovered"),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            fine("ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        (
            "NamespaceDeletionContentFailure",
            fine("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        ("NamespaceContentRemaining", remaining),
        ("NamespaceFinalizersRemaining", held),
    ];
    let conditions = all.into_iter().map(|(kind, (status, reason, message))| {
        let before = condition(namespace, kind).filter(|before| before["status"] == status);
        let since = before.map_or_else(|| state.time().into(), |before| before["lastTransitionTime"].clone());
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    });
    conditions.collect()
}
