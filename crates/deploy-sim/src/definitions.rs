//! CustomResourceDefinitions: what they define is served once they are there.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::component::API_SERVER;
use crate::controllers::object::is_true;
use crate::kinds::Kind;
use crate::state::State;

const RESOURCE: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Serves what a written definition defines, and says so in its status.
pub(crate) fn written(state: &mut State, kind: &Kind, object: &Value) {
    if *kind.resource != *RESOURCE {
        return;
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
    let resource = format!("{plural}.{group}");
    state.kinds.remove_custom(&resource);
    let versions = object.pointer("/spec/versions").and_then(Value::as_array);
    for version in versions.into_iter().flatten().filter(|version| version["served"] == true) {
        let subresources = version.get("subresources").and_then(Value::as_object);
        state.kinds.add(Kind {
            group: group.clone(),
            version: version["name"].as_str().unwrap_or_default().to_owned(),
            kind: text("/spec/names/kind"),
            plural: plural.clone(),
            singular: text("/spec/names/singular"),
            short: strings(object.pointer("/spec/names/shortNames")),
            categories: strings(object.pointer("/spec/names/categories")),
            namespaced: object.pointer("/spec/scope").is_some_and(|scope| scope == "Namespaced"),
            subresources: subresources.into_iter().flatten().map(|(name, _)| name.clone()).collect(),
            resource: resource.clone().into(),
            custom: true,
            empty: false,
            definition: Some(Arc::new(version.clone())),
        });
    }
    establish(state, object);
}

/// Serves it no more; its objects go with it.
pub(crate) fn removed(state: &mut State, kind: &Kind, object: &Value) {
    if *kind.resource != *RESOURCE {
        return;
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let resource = format!("{}.{}", text("/spec/names/plural"), text("/spec/group")).into();
    let keys: Vec<_> = state.store.list(&resource, None).map(|(key, _)| key.clone()).collect();
    for key in keys {
        state.store.remove(&key);
    }
    state.kinds.remove_custom(&resource);
}

/// `Established` and `NamesAccepted`, once.
fn establish(state: &mut State, object: &Value) {
    if is_true(object, "Established") {
        return;
    }
    let time = state.time();
    let condition = |name: &str, reason: &str, message: &str| json!({"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": time});
    let names = object.pointer("/spec/names");
    let conditions = [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ];
    // One that cannot be established now is so at its next write.
    let _ = API_SERVER.change(state, object, Some("status"), |definition| {
        definition["status"]["acceptedNames"] = names.cloned().unwrap_or_default();
        definition["status"]["conditions"] = conditions.into();
    });
}

fn strings(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
