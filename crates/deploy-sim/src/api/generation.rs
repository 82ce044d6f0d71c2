//! The generation of an object: how often that was changed which its controller is to bring about.

use serde_json::Value;

use super::At;
use crate::controllers::object::but;

/// Kinds whose spec has no generation.
const WITHOUT_GENERATION: [&str; 15] = [
    "namespaces.",
    "nodes.",
    "persistentvolumes.",
    "configmaps.",
    "secrets.",
    "services.",
    "serviceaccounts.",
    "endpoints.",
    "events.",
    "persistentvolumeclaims.",
    "resourcequotas.",
    "limitranges.",
    "controllerrevisions.apps",
    "horizontalpodautoscalers.autoscaling",
    "leases.coordination.k8s.io",
];

/// Kinds without a spec whose changes are counted.
const COUNTED_AS_A_WHOLE: [&str; 3] =
    ["podtemplates.", "endpointslices.discovery.k8s.io", "priorityclasses.scheduling.k8s.io"];

/// Counts a change of the spec, or of what its kind counts.
pub(super) fn count(before: Option<&Value>, after: &mut Value, at: &At<'_>) {
    let is_counted =
        at.kind.custom || after.get("spec").is_some() || COUNTED_AS_A_WHOLE.contains(&&*at.kind.resource);
    if WITHOUT_GENERATION.contains(&&*at.kind.resource) || !is_counted {
        return;
    }
    let changed = before.is_none_or(|before| match &*at.kind.resource {
        _ if at.kind.custom => {
            let apart: &[&str] = if at.kind.has_status() { &["metadata", "status"] } else { &["metadata"] };
            !but(before, apart).eq(but(after, apart))
        }
        // Not through `status`, by which its controller annotates it.
        "deployments.apps" if at.address.subresource.is_none() => {
            before["spec"] != after["spec"]
                || before["metadata"]["annotations"] != after["metadata"]["annotations"]
        }
        "endpointslices.discovery.k8s.io" => !but(before, &["metadata"]).eq(but(after, &["metadata"])),
        "podtemplates." => before.get("template") != after.get("template"),
        _ => before.get("spec") != after.get("spec"),
    });
    let generation = before.and_then(|before| before["metadata"]["generation"].as_i64()).unwrap_or(0);
    after["metadata"]["generation"] = generation.saturating_add(i64::from(changed)).into();
}
