//! Which node a pod runs on, or why none.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::component::{Event, SCHEDULER};
use crate::controllers::object::{condition, generation, is_deleting, list, name, namespace, text};
use crate::defaults::quantity::Quantity;
use crate::kubelet::NODE;
use crate::node_affinity;
use crate::state::State;

const SOURCE: &str = "default-scheduler";

/// Puts every pod that has no node on one.
pub(crate) fn sync(state: &mut State) -> Option<Timestamp> {
    let waits = |pod: &Arc<Value>| {
        text(pod, "/spec/nodeName").is_empty()
            && text(pod, "/spec/schedulerName") == SOURCE
            && list(pod, "/spec/schedulingGates").is_empty()
            && !is_deleting(pod)
    };
    for pod in state.objects("pods.", None).iter().filter(|pod| waits(pod)) {
        if let Some(why) = missing_claim(state, pod) {
            refuse(state, pod, &why);
            continue;
        }
        let nodes = state.objects("nodes.", None);
        let pods = state.objects("pods.", None);
        let refusals: Vec<Refusal> = match nodes.iter().map(|node| refusal(pod, node, &pods)).collect() {
            // All refuse.
            Some(refusals) => refusals,
            None => {
                let fit = nodes.iter().filter(|node| refusal(pod, node, &pods).is_none());
                // The one with the fewest pods; where there is but one of the cluster's own, the first.
                let spreads = state.node.count > 1;
                let load = |node: &&Arc<Value>| {
                    let on = |pod: &&Arc<Value>| text(pod, "/spec/nodeName") == name(node);
                    if spreads { pods.iter().filter(on).count() } else { 0 }
                };
                let node = fit.min_by_key(load);
                bind(state, pod, node.map_or(NODE, |node| name(node)));
                continue;
            }
        };
        refuse(state, pod, &message(&refusals));
    }
    None
}

fn bind(state: &mut State, pod: &Value, node: &str) {
    let scheduled = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": state.time(),
    });
    if SCHEDULER.bind(state, pod, node, &scheduled).is_ok() {
        let message = format!("Successfully assigned {}/{} to {node}", namespace(pod), name(pod));
        let event = Event::normal(SOURCE, "Scheduled", &message).on(NODE).action("Binding");
        SCHEDULER.event(state, pod, &event);
    }
}

fn refuse(state: &mut State, pod: &Value, message: &str) {
    if condition(pod, "PodScheduled").is_some_and(|condition| condition["message"] == message) {
        return;
    }
    let event = Event::warning(SOURCE, "FailedScheduling", message).on(NODE).action("Scheduling");
    SCHEDULER.event(state, pod, &event);
    let condition = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": state.time(), "observedGeneration": generation(pod),
    });
    let _ =
        SCHEDULER.change(state, pod, Some("status"), |pod| pod["status"]["conditions"] = json!([condition]));
}

/// Why no node at all takes a pod: a claim that it names cannot be used.
fn missing_claim(state: &State, pod: &Value) -> Option<String> {
    let names =
        list(pod, "/spec/volumes").iter().map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let mut names = names.filter(|claim| !claim.is_empty()).peekable();
    names.peek()?;
    let claims = state.objects("persistentvolumeclaims.", Some(namespace(pod)));
    let nodes = state.objects("nodes.", None).len();
    names.find_map(|named| {
        let why = match claims.iter().find(|claim| name(claim) == named) {
            None => format!("persistentvolumeclaim \"{named}\" not found. not found"),
            Some(claim) if is_deleting(claim) => {
                format!("persistentvolumeclaim \"{named}\" is being deleted. not found")
            }
            Some(claim) if text(claim, "/status/phase") != "Bound" => {
                "pod has unbound immediate PersistentVolumeClaims. not found".to_owned()
            }
            Some(_) => return None,
        };
        Some(format!("0/{nodes} nodes are available: {why}"))
    })
}

/// Why a node does not take a pod, and whether it might if others made room.
struct Refusal {
    reasons: Vec<String>,
    might: bool,
}

fn refusal(pod: &Value, node: &Value, pods: &[Arc<Value>]) -> Option<Refusal> {
    let never = |reason: &str| Some(Refusal { reasons: vec![reason.to_owned()], might: false });
    if node["spec"]["unschedulable"] == true {
        return never("node(s) were unschedulable");
    }
    if !node_affinity::matches(&pod["spec"], node) {
        return never("node(s) didn't match Pod's node affinity/selector");
    }
    let ended = |pod: &Value| ["Succeeded", "Failed"].contains(&text(pod, "/status/phase"));
    let here: Vec<_> =
        pods.iter().filter(|other| text(other, "/spec/nodeName") == name(node) && !ended(other)).collect();
    let (mut reasons, mut might) = (Vec::new(), true);
    let allocatable = |resource: &str| {
        node.pointer("/status/allocatable")
            .and_then(|all| all.get(resource))
            .and_then(Quantity::of)
            .map_or(0, Quantity::nano)
    };
    let most_pods = allocatable("pods") / 1_000_000_000;
    if most_pods > 0 && i128::try_from(here.len()).unwrap_or(i128::MAX) >= most_pods {
        reasons.push("Too many pods".to_owned());
    }
    let mut used: BTreeMap<String, i128> = BTreeMap::new();
    for (resource, amount) in here.iter().flat_map(|other| requests(other)) {
        *used.entry(resource).or_default() += amount;
    }
    for (resource, amount) in requests(pod) {
        let all = allocatable(&resource);
        if amount > 0 && used.get(&resource).copied().unwrap_or(0) + amount > all {
            reasons.push(format!("Insufficient {resource}"));
            might &= amount <= all;
        }
    }
    (!reasons.is_empty()).then_some(Refusal { reasons, might })
}

/// What a pod asks for, in billionths: its containers together, or the greediest of its init containers.
fn requests(pod: &Value) -> BTreeMap<String, i128> {
    let of = |container: &Value| -> Vec<(String, i128)> {
        let requests = container.pointer("/resources/requests").and_then(Value::as_object);
        let amounts = requests.into_iter().flatten();
        amounts.filter_map(|(name, amount)| Some((name.clone(), Quantity::of(amount)?.nano()))).collect()
    };
    let mut all: BTreeMap<String, i128> = BTreeMap::new();
    for (resource, amount) in list(pod, "/spec/containers").iter().flat_map(of) {
        *all.entry(resource).or_default() += amount;
    }
    for (resource, amount) in list(pod, "/spec/initContainers").iter().flat_map(of) {
        let most = all.entry(resource).or_default();
        *most = amount.max(*most);
    }
    all
}

/// In the scheduler's words.
fn message(refusals: &[Refusal]) -> String {
    let all = refusals.len();
    if all == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let counted = |reasons: Vec<&str>| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in reasons {
            *counts.entry(reason).or_default() += 1;
        }
        let mut told: Vec<String> =
            counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        told.sort();
        told.join(", ")
    };
    let why =
        counted(refusals.iter().flat_map(|refusal| refusal.reasons.iter().map(String::as_str)).collect());
    let preemption = |refusal: &Refusal| {
        if refusal.might {
            "No preemption victims found for incoming pod"
        } else {
            "Preemption is not helpful for scheduling"
        }
    };
    let preemption = counted(refusals.iter().map(preemption).collect());
    format!(
        "0/{all} nodes are available: {why}. no new claims to deallocate, preemption: 0/{all} nodes are available: {preemption}."
    )
}
