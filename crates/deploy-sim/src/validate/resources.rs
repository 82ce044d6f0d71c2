//! Requests, limits and quotas.

use super::at::At;
use super::names;
use crate::defaults::quantity::Quantity;
use crate::status::Cause;

const OF_CONTAINERS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const STANDARD: [&str; 5] = ["cpu", "memory", "ephemeral-storage", "storage", "requests.storage"];
const OF_QUOTAS: [&str; 17] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
];

/// The resources of a container.
pub(super) fn check(resources: &At<'_>, out: &mut Vec<Cause>) {
    let (limits, requests) = (resources.field("limits"), resources.field("requests"));
    for (name, limit) in limits.entries() {
        container_resource(name, out, &limit);
        amount(name, &limit, out);
    }
    for (name, request) in requests.entries() {
        container_resource(name, out, &request);
        amount(name, &request, out);
        let (Some(asked), limit) = (Quantity::of(request.value), Quantity::of(limits.key(name).value)) else {
            continue;
        };
        let shown = format!("\"{}\"", asked.canonical());
        match limit {
            Some(limit) if is_extended(name) && asked != limit => {
                let why = format!("must be equal to {name} limit of {}", limit.canonical());
                out.push(requests.invalid_as(&shown, &why));
            }
            Some(limit) if asked > limit => {
                let why = format!("must be less than or equal to {name} limit of {}", limit.canonical());
                out.push(requests.invalid_as(&shown, &why));
            }
            None if is_extended(name) => {
                out.push(limits.required("Limit must be set for non overcommitable resources"));
            }
            _ => {}
        }
    }
}

/// The resources of a quota.
pub(super) fn check_quota(hard: &At<'_>, out: &mut Vec<Cause>) {
    for (name, at) in hard.entries() {
        let shown = format!("\"{name}\"");
        out.extend(names::qualified(name).iter().map(|why| at.invalid_as(&shown, why)));
        let standard = OF_QUOTAS.contains(&name) || name.starts_with("services.");
        if names::qualified(name).is_empty()
            && !name.contains('/')
            && !standard
            && !name.starts_with("hugepages-")
        {
            out.push(at.invalid_as(&shown, "must be a standard resource type or fully qualified"));
        }
        if !name.contains('/') && !standard && !is_hugepages(name) {
            out.push(at.invalid_as(&shown, "must be a standard resource for quota"));
        }
        let Some(quantity) = Quantity::of(at.value) else { continue };
        let shown = format!("\"{}\"", quantity.canonical());
        if quantity.is_negative() {
            out.push(at.invalid_as(&shown, "must be greater than or equal to 0"));
        }
        let is_count =
            standard && !name.contains("cpu") && !name.contains("memory") && !name.contains("storage");
        if is_count && !quantity.is_whole() {
            out.push(at.invalid_as(&shown, "must be an integer"));
        }
    }
}

fn is_hugepages(name: &str) -> bool {
    name.trim_start_matches("requests.").starts_with("hugepages-")
}

fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/")
}

fn container_resource(name: &str, out: &mut Vec<Cause>, at: &At<'_>) {
    let shown = format!("\"{name}\"");
    let wrong = names::qualified(name);
    if wrong.is_empty() {
        let known = STANDARD.contains(&name) || is_hugepages(name);
        if !name.contains('/') && !known {
            out.push(at.invalid_as(&shown, "must be a standard resource type or fully qualified"));
        }
    } else {
        out.extend(wrong.iter().map(|why| at.invalid_as(&shown, why)));
    }
    if !name.contains('/') && !OF_CONTAINERS.contains(&name) && !is_hugepages(name) {
        out.push(at.invalid_as(&shown, "must be a standard resource for containers"));
    }
}

fn amount(name: &str, at: &At<'_>, out: &mut Vec<Cause>) {
    let Some(quantity) = Quantity::of(at.value) else { return };
    let shown = format!("\"{}\"", quantity.canonical());
    if quantity.is_negative() {
        out.push(at.invalid_as(&shown, "must be greater than or equal to 0"));
    }
    if is_extended(name) && !quantity.is_whole() {
        out.push(at.invalid_as(&shown, "must be an integer"));
    }
}
