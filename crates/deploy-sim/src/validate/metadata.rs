//! Names, labels, annotations, finalizers and owners.

use serde_json::Value;

use super::at::At;
use super::names;
use crate::kinds::Kind;
use crate::status::Cause;

/// What is checked.
pub(super) const CHECKED: [&str; 6] =
    ["name", "generateName", "labels", "annotations", "ownerReferences", "finalizers"];

/// Finalizers that need no prefix.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

pub(super) fn check(kind: &Kind, object: &At<'_>, out: &mut Vec<Cause>) {
    let metadata = object.field("metadata");
    let rule = name_rule(kind);
    let generate = metadata.field("generateName");
    if !generate.text().is_empty() {
        // A dash at its end is followed by what is generated.
        let masked = match generate.text().strip_suffix('-') {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}a"),
            _ => generate.text().to_owned(),
        };
        out.extend(generate.invalid_for(rule(&masked)));
    }
    let name = metadata.field("name");
    if name.text().is_empty() {
        out.push(name.required("name or generateName is required"));
    } else {
        out.extend(name.invalid_for(rule(name.text())));
    }
    // A Job without labels gets those of its template, but only once it is accepted.
    let own = metadata.field("labels");
    if kind.kind != "Job" || own.value != object.fields(["spec", "template", "metadata", "labels"]).value {
        labels(&own, out);
    }
    annotations(&metadata.field("annotations"), out);
    owners(&metadata.field("ownerReferences"), out);
    let finalizers = metadata.field("finalizers");
    for finalizer in finalizers.items() {
        let as_list = At { path: finalizers.path.clone(), value: finalizer.value };
        out.extend(as_list.invalid_for(names::qualified(finalizer.text())));
        if !finalizer.text().contains('/') && !STANDARD_FINALIZERS.contains(&finalizer.text()) {
            out.push(
                finalizer.invalid("name is neither a standard finalizer name nor is it fully qualified"),
            );
        }
    }
}

fn name_rule(kind: &Kind) -> fn(&str) -> Vec<String> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace" | "Service") | ("apps", "StatefulSet") => names::label,
        ("rbac.authorization.k8s.io", _) => names::path_segment,
        _ => names::subdomain,
    }
}

pub(super) fn labels(labels: &At<'_>, out: &mut Vec<Cause>) {
    for (key, value) in labels.entries() {
        let key = Value::from(key);
        out.extend(
            At { path: labels.path.clone(), value: &key }
                .invalid_for(names::qualified(key.as_str().unwrap_or_default())),
        );
        let value = At { path: labels.path.clone(), value: value.value };
        out.extend(value.invalid_for(names::label_value(value.text())));
    }
}

pub(super) fn annotations(annotations: &At<'_>, out: &mut Vec<Cause>) {
    for (key, _) in annotations.entries() {
        // Unlike those of labels, the prefixes may be of upper case.
        let value = Value::from(key);
        let at = At { path: annotations.path.clone(), value: &value };
        out.extend(at.invalid_for(names::qualified(&key.to_lowercase())));
    }
}

fn owners(owners: &At<'_>, out: &mut Vec<Cause>) {
    for owner in owners.items() {
        let fields = [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ];
        for (field, why) in fields {
            if owner.field(field).text().is_empty() {
                // The server names no index here.
                let at = At { path: format!("{}.{field}", owners.path), value: owner.value };
                out.push(at.invalid_as("\"\"", why));
            }
        }
    }
    let controllers: Vec<At<'_>> =
        owners.items().filter(|owner| owner.field("controller").is_true()).collect();
    if let [first, second, ..] = controllers.as_slice() {
        let name = |owner: &At<'_>| format!("{}/{}", owner.field("kind").text(), owner.field("name").text());
        let shown: Vec<String> = owners.items().map(|owner| owner_words(&owner)).collect();
        out.push(owners.invalid_as(
            &format!("[{}]", shown.join(",")),
            &format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                name(first),
                name(second)
            ),
        ));
    }
}

/// In the order of the server's type.
fn owner_words(owner: &At<'_>) -> String {
    let fields = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"].into_iter();
    let set = fields.filter(|field| owner.field(field).is_set());
    let words: Vec<String> = set.map(|field| format!("\"{field}\":{}", owner.field(field).value)).collect();
    format!("{{{}}}", words.join(","))
}
