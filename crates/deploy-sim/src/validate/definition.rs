//! CustomResourceDefinitions. (The schemas themselves are checked at their root only.)

use std::collections::HashSet;

use serde_json::Value;

use super::at::At;
use super::names;
use crate::status::Cause;

pub(super) fn check(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let name = object.fields(["metadata", "name"]);
    let [group, scope] = ["group", "scope"].map(|field| spec.field(field));
    let full = format!("{}.{}", spec.fields(["names", "plural"]).text(), group.text());
    if names::subdomain(name.text()).is_empty() && name.text() != full {
        out.push(name.invalid("must be spec.names.plural+\".\"+spec.group"));
    }
    if group.text().is_empty() {
        out.push(group.required(""));
    } else {
        out.extend(group.invalid_for(names::subdomain(group.text())));
        if !group.text().contains('.') {
            out.push(group.invalid("should be a domain with at least one dot"));
        }
    }
    if !["Cluster", "Namespaced"].contains(&scope.text()) {
        out.push(scope.unsupported(&["Cluster", "Namespaced"]));
    }
    check_versions(&spec, out);
    check_names(&spec.field("names"), out);
    check_stored(object, out);
    let Some(before) = before.map(|before| before.field("spec")) else { return };
    for at in [group, scope, spec.fields(["names", "kind"])] {
        let field =
            at.path.trim_start_matches("spec.").split('.').fold(before.clone(), |at, name| at.field(name));
        if at.value != field.value {
            out.push(at.invalid("field is immutable"));
        }
    }
}

fn check_versions(spec: &At<'_>, out: &mut Vec<Cause>) {
    let versions = spec.field("versions");
    let mut seen = HashSet::new();
    let mut unique = true;
    for version in versions.items() {
        let name = version.field("name");
        unique &= seen.insert(name.text());
        out.extend(name.invalid_for(names::label_1035(name.text())));
        let schema = version.fields(["schema", "openAPIV3Schema"]);
        if !schema.is_set() {
            out.push(schema.required(""));
        } else if schema.field("type").text() != "object" {
            // With one schema the server speaks of the place that it had in v1beta1.
            let path = match versions.items().count() {
                1 => "spec.validation.openAPIV3Schema.type".to_owned(),
                _ => schema.field("type").path,
            };
            let at = At { path, value: schema.field("type").value };
            match at.text() {
                "" => out.push(at.required("must not be empty at the root")),
                _ => out.push(at.invalid("must be object at the root")),
            }
        }
    }
    check_scales(&versions, out);
    if !unique {
        out.push(versions.invalid("must contain unique version names"));
    }
    if versions.items().filter(|version| version.field("storage").is_true()).count() != 1 {
        let empty = Value::Array(Vec::new());
        let value = if versions.is_set() { versions.value } else { &empty };
        let at = At { path: versions.path.clone(), value };
        out.push(at.invalid("must have exactly one version marked as storage version"));
    }
    // Where the one version of v1beta1 was.
    if let Some(first) = versions.items().next() {
        let at = At { path: "spec.version".into(), value: first.field("name").value };
        out.extend(at.invalid_for(names::label_1035(at.text())));
    }
}

/// Where the numbers of the `scale` are: in the spec and the status, and nowhere else.
fn check_scales(versions: &At<'_>, out: &mut Vec<Cause>) {
    let is_only_one = versions.items().count() == 1;
    for version in versions.items() {
        let scale = version.fields(["subresources", "scale"]);
        if !scale.is_set() {
            continue;
        }
        for (field, roots, why) in SCALE {
            let at = scale.field(field);
            // As with one schema.
            let path = if is_only_one { format!("spec.subresources.scale.{field}") } else { at.path };
            let at = At { path, value: at.value };
            match at.text() {
                "" if *field == "labelSelectorPath" => {}
                "" => out.push(at.required("")),
                text if !text.starts_with('.') => {
                    out.push(at.invalid("must be a simple json path starting with ."));
                }
                text if !roots.iter().any(|root| text.starts_with(root)) => out.push(at.invalid(why)),
                _ => {}
            }
        }
    }
}

/// The paths of a `scale`, below what they may be, and what is said where they are not.
const SCALE: &[(&str, &[&str], &str)] = &[
    ("specReplicasPath", &[".spec."], "should be a json path under .spec"),
    ("statusReplicasPath", &[".status."], "should be a json path under .status"),
    ("labelSelectorPath", &[".spec.", ".status."], "should be a json path under either .spec or .status"),
];

fn check_names(names: &At<'_>, out: &mut Vec<Cause>) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let at = names.field(field);
        if at.text().is_empty() {
            out.push(at.required(""));
            continue;
        }
        let mixed = field == "kind" || field == "listKind";
        let text = if mixed { at.text().to_lowercase() } else { at.text().to_owned() };
        let wrong = names::label_1035(&text).into_iter();
        let prefix = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
        out.extend(at.invalid_for(wrong.map(|why| format!("{prefix}{why}")).collect()));
    }
    for field in ["shortNames", "categories"] {
        for at in names.field(field).items() {
            out.extend(at.invalid_for(names::label_1035(at.text())));
        }
    }
    let [kind, list] = ["kind", "listKind"].map(|field| names.field(field));
    if !kind.text().is_empty() && kind.text() == list.text() {
        out.push(list.invalid("kind and listKind may not be the same"));
    }
}

fn check_stored(object: &At<'_>, out: &mut Vec<Cause>) {
    let stored = object.fields(["status", "storedVersions"]);
    if !stored.has_items() {
        out.push(stored.invalid_as("null", "must have at least one stored version"));
        return;
    }
    let versions = object.fields(["spec", "versions"]);
    let storage = versions.items().filter(|version| version.field("storage").is_true()).last();
    if let Some(name) = storage.map(|version| version.field("name"))
        && !stored.items().any(|version| version.text() == name.text())
    {
        out.push(stored.invalid(&format!("must have the storage version {}", name.text())));
    }
    for version in stored.items() {
        if !versions.items().any(|at| at.field("name").text() == version.text()) {
            out.push(version.invalid("must appear in spec.versions"));
        }
    }
}
