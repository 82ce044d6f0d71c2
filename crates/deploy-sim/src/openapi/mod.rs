//! The OpenAPI documents: version 3, one for each group and version, and version 2 in one. Their schemas are the published ones, without
//! descriptions and empty defaults (`schemas.gz`, made by `schema/openapi.py`), and those of the definitions; their paths are made of what is served.

mod paths;
mod schemas;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use crate::api::{elsewhere, subresource_of};
use crate::kinds::{Kind, Kinds};
use crate::version::KUBERNETES_VERSION;
use schemas::Schemas;

/// Which of the two specifications a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    V2,
    V3,
}

impl Style {
    /// What a reference to a schema begins with.
    fn reference(self) -> &'static str {
        match self {
            Self::V2 => "#/definitions/",
            Self::V3 => schemas::REFERENCE,
        }
    }
}

/// What is at a path below `/openapi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A document, as JSON.
    Document(String),
    /// The document of the hash that was asked for, as JSON: it stays what it is.
    Lasting(String),
    /// What is served is no longer of the hash that was asked for; where that is.
    Moved(String),
}

/// What is at a path; `None` where there is nothing. `hash` is of the document that is wanted (KEP-2896).
pub(crate) fn answer(kinds: &Kinds, path: &str, hash: Option<&str>) -> Option<Found> {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["v2"] => Some(Found::Document(v2(kinds))),
        ["v3"] => Some(Found::Document(index(kinds).to_string())),
        ["v3", "api", version] => v3(kinds, "", version, hash),
        ["v3", "apis", group, version] => v3(kinds, group, version, hash),
        _ => None,
    }
}

fn path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// Where the documents are. The hash in an address changes with what is served there.
fn index(kinds: &Kinds) -> Value {
    let versions: BTreeSet<(&str, &str)> =
        kinds.all().map(|kind| (kind.group.as_str(), kind.version.as_str())).collect();
    let paths: Map<String, Value> = versions
        .into_iter()
        .map(|(group, version)| {
            let at = address(group, version, &hash_of(kinds, group, version));
            (path(group, version), json!({"serverRelativeURL": at}))
        })
        .collect();
    json!({"paths": paths})
}

fn address(group: &str, version: &str, hash: &str) -> String {
    format!("/openapi/v3/{}?hash={hash}", path(group, version))
}

/// Of all that a document is made from: clients keep what they have of the same hash, from another release of this crate too.
fn hash_of(kinds: &Kinds, group: &str, version: &str) -> String {
    static RELEASE: LazyLock<DefaultHasher> = LazyLock::new(|| {
        let mut hasher = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), schemas::BUILT_IN).hash(&mut hasher);
        hasher
    });
    let mut hasher = RELEASE.clone();
    for kind in of(kinds, group, version) {
        format!("{kind:?}").hash(&mut hasher);
    }
    format!("{:016X}", hasher.finish())
}

fn of<'a>(kinds: &'a Kinds, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Arc<Kind>> {
    kinds.all().filter(move |kind| kind.group == group && kind.version == version)
}

fn v3(kinds: &Kinds, group: &str, version: &str, hash: Option<&str>) -> Option<Found> {
    let served: Vec<&Arc<Kind>> = of(kinds, group, version).collect();
    if served.is_empty() {
        return None;
    }
    let Some(hash) = hash else { return Some(Found::Document(document(&served))) };
    let now = hash_of(kinds, group, version);
    Some(if hash == now {
        Found::Lasting(document(&served))
    } else {
        Found::Moved(address(group, version, &now))
    })
}

/// In version 3.
fn document(kinds: &[&Arc<Kind>]) -> String {
    let text = schemas::text();
    let (paths, components) = parts(&Schemas::read(&text), kinds, Style::V3);
    format!(
        r#"{{"openapi":"3.0.0","info":{{"title":"Kubernetes","version":"{KUBERNETES_VERSION}"}},"paths":{paths},"components":{{"schemas":{components}}}}}"#
    )
}

fn v2(kinds: &Kinds) -> String {
    let kinds: Vec<&Arc<Kind>> = kinds.all().collect();
    let text = schemas::text();
    let (paths, definitions) = parts(&Schemas::read(&text), &kinds, Style::V2);
    format!(
        r#"{{"swagger":"2.0","info":{{"title":"Kubernetes","version":"{KUBERNETES_VERSION}"}},"paths":{paths},"definitions":{definitions}}}"#
    )
}

/// The paths of kinds, and all schemas of what they take and give, as JSON.
fn parts(schemas: &Schemas<'_>, kinds: &[&Arc<Kind>], style: Style) -> (String, String) {
    let mut paths = Map::new();
    let mut custom = Vec::new();
    let mut named = Vec::new();
    for kind in kinds {
        paths::add(&mut paths, kind, style);
        if kind.custom {
            custom.extend(schemas::custom(kind));
        }
        named.extend(schemas.of(&kind.group, &kind.version, &kind.kind));
        for subresource in &kind.subresources {
            if let Some((group, version)) = elsewhere(subresource) {
                named.extend(schemas.of(group, version, subresource_of(kind, subresource).0));
            }
        }
    }
    let mut components = schemas.below(&named, &custom);
    if style == Style::V2 {
        components = components.replace(schemas::REFERENCE, style.reference());
        // Swagger has no choice between types; all who read it know this format.
        components = components.replace(
            r#""format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]"#,
            r#""format":"int-or-string","type":"string""#,
        );
    }
    (Value::Object(paths).to_string(), components)
}

#[cfg(test)]
mod tests;
