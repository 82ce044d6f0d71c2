//! The environment of a container.

use super::at::At;
use super::names;
use crate::status::Cause;

const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that a Pod has, but not for its environment.
const OTHER_FIELDS: [&str; 5] =
    ["metadata.labels", "metadata.annotations", "spec.restartPolicy", "spec.schedulerName", "status.phase"];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub(super) fn check(container: &At<'_>, out: &mut Vec<Cause>) {
    for variable in container.field("env").items() {
        let name = variable.field("name");
        if name.text().is_empty() {
            out.push(name.required(""));
        } else {
            out.extend(name.invalid_for(names::env_name(name.text())));
        }
        check_source(&variable, out);
    }
    let all = container.field("envFrom");
    for from in all.items() {
        let prefix = from.field("prefix");
        if !prefix.text().is_empty() {
            out.extend(prefix.invalid_for(names::env_name(prefix.text())));
        }
        let set: Vec<At<'_>> = ["configMapRef", "secretRef"]
            .map(|field| from.field(field))
            .into_iter()
            .filter(At::is_set)
            .collect();
        for name in set.iter().map(|reference| reference.field("name")) {
            if name.text().is_empty() {
                out.push(name.required(""));
            } else {
                out.extend(name.invalid_for(names::subdomain(name.text())));
            }
        }
        match set.len() {
            // The server names no index here.
            0 => out.push(all.invalid_as("\"\"", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => out.push(all.invalid_as("\"\"", "may not have more than one field specified at a time")),
        }
    }
}

fn check_source(variable: &At<'_>, out: &mut Vec<Cause>) {
    let from = variable.field("valueFrom");
    if !from.is_set() {
        return;
    }
    let set: Vec<At<'_>> = SOURCES.map(|source| from.field(source)).into_iter().filter(At::is_set).collect();
    for (source, at) in
        SOURCES.map(|source| (source, from.field(source))).iter().filter(|(_, at)| at.is_set())
    {
        match *source {
            "fieldRef" => check_field(&at.field("fieldPath"), out),
            "resourceFieldRef" => check_resource(&at.field("resource"), out),
            "configMapKeyRef" | "secretKeyRef" => check_key(at, out),
            _ => {}
        }
    }
    if set.is_empty() {
        let words = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or \
                     `fileKeyRef`";
        out.push(from.invalid_as("\"\"", words));
    } else if !variable.field("value").text().is_empty() {
        out.push(from.invalid_as("\"\"", "may not be specified when `value` is not empty"));
    } else if set.len() > 1 {
        out.push(from.invalid_as("\"\"", "may not have more than one field specified at a time"));
    }
}

fn check_field(path: &At<'_>, out: &mut Vec<Cause>) {
    let text = path.text();
    let subscript = text.strip_suffix("']").and_then(|text| text.split_once("['"));
    match subscript {
        _ if text.is_empty() => out.push(path.required("")),
        Some(("metadata.labels" | "metadata.annotations", key)) => {
            out.extend(path.invalid_for(names::qualified(key)));
        }
        None if FIELDS.contains(&text) => {}
        None if OTHER_FIELDS.contains(&text) => out.push(path.unsupported(&FIELDS)),
        _ => {
            let why = format!("error converting fieldPath: field label not supported: {text}");
            out.push(path.invalid(&why));
        }
    }
}

fn check_resource(resource: &At<'_>, out: &mut Vec<Cause>) {
    if resource.text().is_empty() {
        out.push(resource.required(""));
    } else if !RESOURCES.contains(&resource.text()) && !resource.text().contains(".hugepages-") {
        out.push(resource.unsupported(&RESOURCES));
    }
}

fn check_key(reference: &At<'_>, out: &mut Vec<Cause>) {
    let key = reference.field("key");
    if key.text().is_empty() {
        out.push(key.required(""));
    } else {
        out.extend(key.invalid_for(names::config_key(key.text())));
    }
}
