//! The OpenAPI documents: version 3, one for each group and version, and version 2 in one. Their schemas are the published ones, without
//! descriptions and empty defaults (`schemas.gz`, made by `schema/openapi.py`), and those of the definitions; their paths are made of what is served.

mod paths;
mod schemas;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

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

/// The document at a path below `/openapi`, as JSON; `None` where there is none.
pub(crate) fn answer(kinds: &Kinds, path: &str) -> Option<String> {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["v2"] => Some(v2(kinds)),
        ["v3"] => Some(index(kinds).to_string()),
        ["v3", "api", version] => v3(kinds, "", version),
        ["v3", "apis", group, version] => v3(kinds, group, version),
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
            let mut hasher = DefaultHasher::new();
            for kind in of(kinds, group, version) {
                format!("{kind:?}").hash(&mut hasher);
            }
            let path = path(group, version);
            let at = format!("/openapi/v3/{path}?hash={:016X}", hasher.finish());
            (path, json!({"serverRelativeURL": at}))
        })
        .collect();
    json!({"paths": paths})
}

fn of<'a>(kinds: &'a Kinds, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Arc<Kind>> {
    kinds.all().filter(move |kind| kind.group == group && kind.version == version)
}

fn v3(kinds: &Kinds, group: &str, version: &str) -> Option<String> {
    let kinds: Vec<&Arc<Kind>> = of(kinds, group, version).collect();
    if kinds.is_empty() {
        return None;
    }
    let text = schemas::text();
    let (paths, components) = parts(&Schemas::read(&text), &kinds, Style::V3);
    Some(format!(
        r#"{{"openapi":"3.0.0","info":{{"title":"Kubernetes","version":"{KUBERNETES_VERSION}"}},"paths":{paths},"components":{{"schemas":{components}}}}}"#
    ))
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
