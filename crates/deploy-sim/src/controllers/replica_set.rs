//! ReplicaSets: as many pods as are wanted (`pkg/controller/replicaset`).

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{
    after, annotation, condition, controlled_by, count, generation, int, is_deleting, is_true, list, name,
    namespace, sooner, text, time,
};
use super::{claim, write_status};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::selector::Selector;
use crate::state::State;
use crate::status::Status;

const SOURCE: &str = "replicaset-controller";
/// Of a generated name, in bytes.
const LONGEST_START: usize = 58;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let mut next = None;
    for set in state.objects("replicasets.apps", None) {
        next = sooner(next, sync_one(state, &set));
    }
    next
}

fn sync_one(state: &mut State, set: &Value) -> Option<Timestamp> {
    let pods = claim(state, set, "pods.");
    let (mut active, ending) = active(&pods);
    let wanted = int(set, "/spec/replicas").unwrap_or(1).max(0);
    let mut next = state.retries.waits(set, state.now);
    let mut failure = condition(set, "ReplicaFailure").cloned();
    if !is_deleting(set) && next.is_none() {
        match manage(state, set, &mut active, wanted) {
            Ok(()) => {
                state.retries.forget(set);
                failure = None;
            }
            Err((reason, status)) => {
                state.retries.refused(set, state.now);
                next = state.retries.waits(set, state.now);
                failure.get_or_insert_with(|| {
                    json!({
                        "type": "ReplicaFailure", "status": "True", "reason": reason, "message": status.message,
                        "lastTransitionTime": state.time(),
                    })
                });
            }
        }
    }
    let wait = int(set, "/spec/minReadySeconds").unwrap_or(0);
    for pod in &active {
        next = sooner(next, available_at(pod, wait).filter(|at| *at > state.now));
    }
    let status = status(state, set, &active, ending, failure);
    write_status(state, set, status);
    next
}

/// The pods that count, and how many of the others are still on their way out.
fn active(pods: &[Arc<Value>]) -> (Vec<Arc<Value>>, usize) {
    let ended = |pod: &Value| ["Succeeded", "Failed"].contains(&text(pod, "/status/phase"));
    let active = pods.iter().filter(|pod| !ended(pod) && !is_deleting(pod)).cloned().collect();
    (active, pods.iter().filter(|pod| !ended(pod) && is_deleting(pod)).count())
}

/// Creates or deletes pods; `active` is what there is afterwards.
fn manage(
    state: &mut State,
    set: &Value,
    active: &mut Vec<Arc<Value>>,
    wanted: i64,
) -> Result<(), (&'static str, Status)> {
    while count_of(active) < wanted {
        let new = pod(&state.suffix(), set);
        match CONTROLLER_MANAGER.create(state, new) {
            Ok(pod) => {
                let message = format!("Created pod: {}", name(&pod));
                CONTROLLER_MANAGER.event(state, set, &Event::normal(SOURCE, "SuccessfulCreate", &message));
                active.push(pod);
            }
            Err(status) => {
                // In a namespace that goes, nobody is told.
                if !status.details.as_ref().is_some_and(|details| {
                    list(details, "/causes").iter().any(|cause| cause["reason"] == "NamespaceTerminating")
                }) {
                    let message = format!("Error creating: {}", status.message);
                    CONTROLLER_MANAGER.event(state, set, &Event::warning(SOURCE, "FailedCreate", &message));
                }
                return Err(("FailedCreate", status));
            }
        }
    }
    if count_of(active) > wanted {
        active.sort_by(|one, other| victim(one, other, state.now));
        let surplus = active.len() - usize::try_from(wanted).unwrap_or(0);
        for pod in active.drain(..surplus).collect::<Vec<_>>() {
            if let Err(status) = CONTROLLER_MANAGER.delete(state, &pod) {
                let message = format!("Error deleting: {}", status.message);
                CONTROLLER_MANAGER.event(state, set, &Event::warning(SOURCE, "FailedDelete", &message));
                return Err(("FailedDelete", status));
            }
            let message = format!("Deleted pod: {}", name(&pod));
            CONTROLLER_MANAGER.event(state, set, &Event::normal(SOURCE, "SuccessfulDelete", &message));
        }
    }
    Ok(())
}

fn count_of(pods: &[Arc<Value>]) -> i64 {
    i64::try_from(pods.len()).unwrap_or(i64::MAX)
}

/// A pod of the template.
fn pod(suffix: &str, set: &Value) -> Value {
    let template = &set["spec"]["template"];
    let start = format!("{}-", name(set));
    // As the API server makes names of `generateName`: the start is cut to what leaves room for the end.
    let cut = start.get(..LONGEST_START).unwrap_or(&start);
    let mut metadata = json!({
        "name": format!("{cut}{suffix}"), "generateName": start, "namespace": namespace(set),
        "ownerReferences": [controlled_by(set)],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer("/metadata").and_then(|metadata| metadata.get(field)) {
            metadata[field] = value.clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Which of two pods goes first (`controller.ActivePodsWithRanks`).
fn victim(one: &Value, other: &Value, now: Timestamp) -> Ordering {
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

fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    time(ready, "/lastTransitionTime")
}

/// When a pod that is ready counts as available.
fn available_at(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    ready_since(pod).map(|since| after(since, min_ready_seconds))
}

fn status(state: &State, set: &Value, active: &[Arc<Value>], ending: usize, failure: Option<Value>) -> Value {
    let wait = int(set, "/spec/minReadySeconds").unwrap_or(0);
    let template = Selector::of(&json!({"matchLabels": set.pointer("/spec/template/metadata/labels")}));
    let number = |test: &dyn Fn(&Value) -> bool| {
        i64::try_from(active.iter().filter(|pod| test(pod)).count()).unwrap_or(i64::MAX)
    };
    let mut status = serde_json::Map::new();
    status.insert("replicas".into(), count_of(active).into());
    count(&mut status, "fullyLabeledReplicas", number(&|pod| template.matches(pod)));
    count(&mut status, "readyReplicas", number(&|pod| is_true(pod, "Ready")));
    let available = |pod: &Value| {
        is_true(pod, "Ready") && (wait == 0 || available_at(pod, wait).is_some_and(|at| at <= state.now))
    };
    count(&mut status, "availableReplicas", number(&available));
    status.insert("terminatingReplicas".into(), ending.into());
    status.insert("observedGeneration".into(), generation(set).into());
    let others = list(set, "/status/conditions").iter().filter(|other| other["type"] != "ReplicaFailure");
    let conditions: Vec<Value> = others.cloned().chain(failure).collect();
    if !conditions.is_empty() {
        status.insert("conditions".into(), conditions.into());
    }
    status.into()
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
