//! ReplicaSets: as many pods as are wanted (`pkg/controller/replicaset`).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{condition, count, generation, int, is_deleting, is_true, list, name, sooner};
use super::pods::{self, count_of, number};
use super::{claim, each, write_status};
use crate::selector::Selector;
use crate::state::State;
use crate::status::Status;

const SOURCE: &str = "replicaset-controller";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    each(state, "replicasets.apps", |state, set| sync_one(state, &set))
}

fn sync_one(state: &mut State, set: &Value) -> Option<Timestamp> {
    let all = claim(state, set, "pods.");
    let mut active: Vec<Arc<Value>> = all.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
    let ending = number(&all, |pod| !pods::has_ended(pod) && is_deleting(pod));
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
    next = sooner(next, pods::next_available(&active, wait, state.now));
    let status = status(state, set, &active, ending, failure);
    write_status(state, set, status);
    next
}

/// Creates or deletes pods; `active` is what there is afterwards.
fn manage(
    state: &mut State,
    set: &Value,
    active: &mut Vec<Arc<Value>>,
    wanted: i64,
) -> Result<(), (&'static str, Status)> {
    while count_of(active) < wanted {
        let start = format!("{}-", name(set));
        let named = pods::generated(&start, &state.suffix());
        let new = pods::of_template(set, &set["spec"]["template"], &start, &named);
        active.push(pods::create(state, SOURCE, set, new).map_err(|status| ("FailedCreate", status))?);
    }
    if count_of(active) > wanted {
        active.sort_by(|one, other| pods::victim(one, other, state.now));
        let surplus = active.len() - usize::try_from(wanted).unwrap_or(0);
        for pod in active.drain(..surplus).collect::<Vec<_>>() {
            pods::delete(state, SOURCE, set, &pod).map_err(|status| ("FailedDelete", status))?;
        }
    }
    Ok(())
}

fn status(state: &State, set: &Value, active: &[Arc<Value>], ending: i64, failure: Option<Value>) -> Value {
    let wait = int(set, "/spec/minReadySeconds").unwrap_or(0);
    let template = Selector::of(&json!({"matchLabels": set.pointer("/spec/template/metadata/labels")}));
    let mut status = serde_json::Map::new();
    status.insert("replicas".into(), count_of(active).into());
    count(&mut status, "fullyLabeledReplicas", number(active, |pod| template.matches(pod)));
    count(&mut status, "readyReplicas", number(active, |pod| is_true(pod, "Ready")));
    let available = number(active, |pod| pods::is_available(pod, wait, state.now));
    count(&mut status, "availableReplicas", available);
    status.insert("terminatingReplicas".into(), ending.into());
    status.insert("observedGeneration".into(), generation(set).into());
    let others = list(set, "/status/conditions").iter().filter(|other| other["type"] != "ReplicaFailure");
    let conditions: Vec<Value> = others.cloned().chain(failure).collect();
    if !conditions.is_empty() {
        status.insert("conditions".into(), conditions.into());
    }
    status.into()
}
