//! What a bundle itself brings, so that the API server need not know it when the bundle is planned.

use std::collections::HashSet;

use deploy_core::manifest::{Bundle, Object};
use serde_json::Value;

use crate::api::Resource;

/// What the bundle itself brings, so that it may be missing now.
#[derive(Default)]
pub(super) struct Coming {
    pub(super) namespaces: HashSet<String>,
    definitions: Vec<Resource>,
}

impl Coming {
    pub(super) fn with(bundle: &Bundle) -> Self {
        let mut coming = Self::default();
        for object in bundle.objects() {
            let id = object.id();
            if id.is("", "Namespace") {
                coming.namespaces.insert(id.name);
            } else if id.is("apiextensions.k8s.io", "CustomResourceDefinition") {
                coming.definitions.extend(defined(object));
            }
        }
        coming
    }

    pub(super) fn definition(&self, object: &Object) -> Option<Resource> {
        let same = |resource: &&Resource| {
            (resource.group.as_str(), resource.version.as_str(), resource.kind.as_str())
                == (object.group(), object.version(), object.kind())
        };
        self.definitions.iter().find(same).cloned()
    }
}

/// The resources that a CustomResourceDefinition defines, one for each served version.
pub(super) fn defined(crd: &Object) -> Vec<Resource> {
    let text = |pointer: &str| crd.get(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = crd.get("/spec/versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let served =
        versions.iter().filter(|version| version.get("served").and_then(Value::as_bool) != Some(false));
    served
        .filter_map(|version| version.get("name")?.as_str())
        .map(|version| Resource {
            group: text("/spec/group"),
            version: version.to_owned(),
            kind: text("/spec/names/kind"),
            plural: text("/spec/names/plural"),
            namespaced: text("/spec/scope") != "Cluster",
        })
        .collect()
}
