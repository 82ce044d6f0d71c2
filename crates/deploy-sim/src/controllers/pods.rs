//! What controllers make of pods: they are made from templates, counted, and some have to go before others.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{
    after, annotation, condition, controlled_by, is_deleting, is_true, list, name, namespace, text, time,
};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::state::State;
use crate::status::Status;

/// Of a generated name, in bytes.
pub(super) const LONGEST_START: usize = 58;

/// A name that begins so, as the API server makes it of `generateName`: the start is cut to what leaves room for the end.
pub(super) fn generated(start: &str, suffix: &str) -> String {
    format!("{}{suffix}", start.get(..LONGEST_START).unwrap_or(start))
}

/// A pod of a template (`controller.GetPodFromTemplate`).
pub(super) fn of_template(owner: &Value, template: &Value, start: &str, named: &str) -> Value {
    let mut metadata = json!({
        "name": named, "generateName": start, "namespace": namespace(owner), "ownerReferences": [controlled_by(owner)],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer("/metadata").and_then(|metadata| metadata.get(field)) {
            metadata[field] = value.clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Creates a pod for its owner, and tells so.
///
/// # Errors
/// What the API refuses.
pub(super) fn create(
    state: &mut State,
    source: &str,
    owner: &Value,
    pod: Value,
) -> Result<Arc<Value>, Status> {
    let created = CONTROLLER_MANAGER.create(state, pod);
    match &created {
        Ok(pod) => {
            let message = format!("Created pod: {}", name(pod));
            CONTROLLER_MANAGER.event(state, owner, &Event::normal(source, "SuccessfulCreate", &message));
        }
        Err(status) if !of_namespace_that_goes(status) => {
            let message = format!("Error creating: {}", status.message);
            CONTROLLER_MANAGER.event(state, owner, &Event::warning(source, "FailedCreate", &message));
        }
        // There, nobody is told.
        Err(_) => {}
    }
    created
}

/// Deletes a pod of its owner, and tells so.
///
/// # Errors
/// What the API refuses.
pub(super) fn delete(state: &mut State, source: &str, owner: &Value, pod: &Value) -> Result<(), Status> {
    let deleted = CONTROLLER_MANAGER.delete(state, pod);
    let (event, message) = match &deleted {
        Ok(()) => ("SuccessfulDelete", format!("Deleted pod: {}", name(pod))),
        Err(status) => ("FailedDelete", format!("Error deleting: {}", status.message)),
    };
    let event = match &deleted {
        Ok(()) => Event::normal(source, event, &message),
        Err(_) => Event::warning(source, event, &message),
    };
    CONTROLLER_MANAGER.event(state, owner, &event);
    deleted
}

/// Whether something is refused because its namespace is on its way out.
pub(super) fn of_namespace_that_goes(status: &Status) -> bool {
    let causes = status.details.as_ref().map_or(&[][..], |details| list(details, "/causes"));
    causes.iter().any(|cause| cause["reason"] == "NamespaceTerminating")
}

pub(super) fn count_of(pods: &[Arc<Value>]) -> i64 {
    i64::try_from(pods.len()).unwrap_or(i64::MAX)
}

/// Pods of which something holds.
pub(super) fn number(pods: &[Arc<Value>], holds: impl Fn(&Value) -> bool) -> i64 {
    i64::try_from(pods.iter().filter(|pod| holds(pod)).count()).unwrap_or(i64::MAX)
}

/// Whether all its containers ended for good.
pub(super) fn has_ended(pod: &Value) -> bool {
    ["Succeeded", "Failed"].contains(&text(pod, "/status/phase"))
}

/// Whether it counts: it neither ended nor is to go (`controller.IsPodActive`).
pub(super) fn is_active(pod: &Value) -> bool {
    !has_ended(pod) && !is_deleting(pod)
}

fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    time(ready, "/lastTransitionTime")
}

/// When a pod that is ready counts as available.
pub(super) fn available_at(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    ready_since(pod).map(|since| after(since, min_ready_seconds))
}

pub(super) fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    is_true(pod, "Ready")
        && (min_ready_seconds == 0 || available_at(pod, min_ready_seconds).is_some_and(|at| at <= now))
}

/// When the next of the pods that are ready becomes available.
pub(super) fn next_available(
    pods: &[Arc<Value>],
    min_ready_seconds: i64,
    now: Timestamp,
) -> Option<Timestamp> {
    pods.iter().filter_map(|pod| available_at(pod, min_ready_seconds)).filter(|at| *at > now).min()
}

/// Which of two pods goes first (`controller.ActivePodsWithRanks`).
pub(super) fn victim(one: &Value, other: &Value, now: Timestamp) -> Ordering {
    let assigned = |pod: &Value| !text(pod, "/spec/nodeName").is_empty();
    let phase = |pod: &Value| match text(pod, "/status/phase") {
        "Pending" => 0,
        "Running" => 2,
        _ => 1,
    };
    let cost = |pod: &Value| -> i64 {
        let cost = annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
        cost.and_then(|cost| cost.parse().ok()).unwrap_or(0)
    };
    let restarts = |pod: &Value| -> i64 {
        let all = list(pod, "/status/containerStatuses").iter();
        all.filter_map(|container| container["restartCount"].as_i64()).max().unwrap_or(0)
    };
    // Ages count by their order of magnitude: which of two pods of the same goes, is chance.
    let age = |since: Option<Timestamp>| {
        let seconds = since.map_or(0, |since| now.as_second() - since.as_second()).max(0);
        u64::try_from(seconds).unwrap_or(0).checked_ilog2()
    };
    let ready = |pod: &Value| age(ready_since(pod));
    let created = |pod: &Value| age(time(pod, "/metadata/creationTimestamp"));
    assigned(one)
        .cmp(&assigned(other))
        .then_with(|| phase(one).cmp(&phase(other)))
        .then_with(|| is_true(one, "Ready").cmp(&is_true(other, "Ready")))
        .then_with(|| cost(one).cmp(&cost(other)))
        .then_with(|| ready(one).cmp(&ready(other)))
        .then_with(|| restarts(other).cmp(&restarts(one)))
        .then_with(|| created(one).cmp(&created(other)))
        .then_with(|| text(one, "/metadata/uid").cmp(text(other, "/metadata/uid")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn victims_are_those_that_are_missed_least() {
        let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let pod = |uid: &str, node: &str, phase: &str, since: Option<&str>| {
            let status = if since.is_some() { "True" } else { "False" };
            let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
            json!({
                "metadata": {"uid": uid, "creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {"nodeName": node}, "status": {"phase": phase, "conditions": [ready]},
            })
        };
        let mut costly = pod("4", "n", "Running", Some("2026-01-01T00:50:00Z"));
        costly["metadata"]["annotations"] = json!({"controller.kubernetes.io/pod-deletion-cost": "-1"});
        let mut pods = [
            pod("7", "n", "Running", Some("2026-01-01T00:00:30Z")),
            pod("6", "n", "Running", Some("2026-01-01T00:00:40Z")),
            pod("5", "n", "Running", Some("2026-01-01T00:59:00Z")),
            costly,
            pod("3", "n", "Running", None),
            pod("2", "n", "Pending", None),
            pod("1", "", "Pending", None),
        ];
        pods.sort_by(|one, other| victim(one, other, now));
        let uids: Vec<&str> = pods.iter().map(|pod| text(pod, "/metadata/uid")).collect();
        assert_eq!(uids, ["1", "2", "3", "4", "5", "6", "7"]);
    }
}
