//! Which kinds the API serves beyond the built-in ones: asked for group by group, when one is met, and never as OpenAPI.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use serde_json::Value;

use super::Cluster;
use super::resource::{Resource, escape, group_version_path};
use super::send::Failed;
use super::verbs::read;

/// What the API server said it serves, by group and version. A kind it did not name is asked for again: a CRD may have come.
#[derive(Default)]
pub(crate) struct Discovery(Mutex<HashMap<(String, String), Vec<Resource>>>);

impl Discovery {
    fn find(&self, group: &str, version: &str, kind: &str) -> Option<Resource> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&(group.to_owned(), version.to_owned()))?
            .iter()
            .find(|resource| resource.kind == kind)
            .cloned()
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn remember(&self, group: &str, version: &str, resources: Vec<Resource>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((group.to_owned(), version.to_owned()), resources);
    }
}

impl Cluster {
    /// Asks anew from now on.
    pub(crate) fn forget_discovery(&self) {
        self.shared.discovery.forget();
    }

    /// The resource that `object` is of.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the cluster does not serve its kind; the error names the CRD that may be missing.
    pub(crate) async fn resource_of(&self, object: &Object) -> Result<Resource> {
        let (group, version, kind) = (object.group(), object.version(), object.kind());
        match self.resource(group, version, kind).await? {
            Some(resource) => Ok(resource),
            None => Err(unknown_kind(object)),
        }
    }

    /// The resource of a kind in the version that the API server prefers, or else in any other; `None` if it does not serve the kind.
    pub(crate) async fn served(&self, group: &str, kind: &str) -> Result<Option<Resource>> {
        if let Some(known) = Resource::built_in_kind(group, kind) {
            return Ok(Some(known));
        }
        if group.is_empty() {
            return self.resource("", "v1", kind).await;
        }
        let call = read("discover", format!("/apis/{}", escape(group)), format!("the group {group}"));
        let answer = match self.call_json(&call).await {
            Ok(answer) => answer,
            Err(Failed::Refused(refusal)) if refusal.code == 404 => return Ok(None),
            Err(failed) => return Err(failed.into_error(call.verb, &call.object)),
        };
        for version in versions(&answer) {
            if let Some(resource) = self.resource(group, version, kind).await? {
                return Ok(Some(resource));
            }
        }
        Ok(None)
    }

    /// The resource that serves `kind`, if there is one.
    pub(crate) async fn resource(&self, group: &str, version: &str, kind: &str) -> Result<Option<Resource>> {
        let known = Resource::built_in(group, version, kind)
            .or_else(|| self.shared.discovery.find(group, version, kind));
        if known.is_some() {
            return Ok(known);
        }
        let call =
            read("discover", group_version_path(group, version), format!("{kind} in {group}/{version}"));
        let list = match self.call_json(&call).await {
            Ok(list) => list,
            Err(Failed::Refused(refusal)) if refusal.code == 404 => return Ok(None),
            Err(failed) => return Err(failed.into_error(call.verb, &call.object)),
        };
        self.shared.discovery.remember(group, version, resources(&list, group, version));
        Ok(self.shared.discovery.find(group, version, kind))
    }
}

/// The versions of an `APIGroup`, the preferred one first. Not every kind of a group is served in every version of it.
fn versions(group: &Value) -> Vec<&str> {
    let preferred = group.pointer("/preferredVersion/version").and_then(Value::as_str);
    let all = group.get("versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let others = all.iter().filter_map(|each| each.get("version")?.as_str());
    let others = others.filter(|version| Some(*version) != preferred);
    preferred.into_iter().chain(others).take(MAX_VERSIONS).collect()
}

/// Kubernetes' own groups have four at most.
const MAX_VERSIONS: usize = 20;

/// The kinds of an `APIResourceList`; subresources (`deployments/scale`) left out.
fn resources(list: &Value, group: &str, version: &str) -> Vec<Resource> {
    let items = list.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let plural = item.get("name")?.as_str().filter(|name| !name.contains('/'))?;
            Some(Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: item.get("kind")?.as_str()?.to_owned(),
                plural: plural.to_owned(),
                namespaced: item.get("namespaced")?.as_bool()?,
            })
        })
        .collect()
}

fn unknown_kind(object: &Object) -> Error {
    let (kind, api_version) = (object.kind(), object.api_version());
    let error = Error::new(
        ErrorKind::NotFound,
        format!("the cluster does not serve the kind {kind} of {api_version}"),
    )
    .during("plan");
    let error = match object.origin() {
        Some(origin) => error.on(format!("{} ({origin})", object.id())),
        None => error.on(object.id()),
    };
    match object.group() {
        group if group.is_empty() || group.ends_with(".k8s.io") || !group.contains('.') => {
            error.help("check apiVersion and kind: this version of Kubernetes may not have it any more")
        }
        group => error.help(format!("a CustomResourceDefinition for {kind} in the group {group} is missing: install it first, or put it into the same bundle")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_a_resource_list() {
        let list = json!({"resources": [
            {"name": "widgets", "kind": "Widget", "namespaced": true},
            {"name": "widgets/status", "kind": "Widget", "namespaced": true},
            {"name": 7},
        ]});
        let found = resources(&list, "example.com", "v1");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].plural, "widgets");
    }

    #[test]
    fn the_preferred_version_is_the_first() {
        let group = json!({
            "versions": [{"version": "v2"}, {"version": "v1"}, {"version": 1}, {"version": "v1alpha1"}],
            "preferredVersion": {"version": "v1"},
        });
        assert_eq!(versions(&group), ["v1", "v2", "v1alpha1"]);
        assert!(versions(&json!({})).is_empty());
    }

    #[test]
    fn an_unknown_kind_names_the_missing_crd() {
        let object =
            Object::new(json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}))
                .unwrap();
        let text = unknown_kind(&object).to_string();
        assert!(text.contains("CustomResourceDefinition for Widget in the group example.com"), "{text}");
    }
}
