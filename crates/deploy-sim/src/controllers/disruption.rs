//! PodDisruptionBudgets: how many pods may be evicted now (`pkg/controller/disruption`).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{
    condition, controller, generation, int, is_deleting, is_true, name, namespace, portion, text,
};
use super::{pods, write_status};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::selector::Selector;
use crate::state::State;

const SOURCE: &str = "controllermanager";
const ALLOWED: &str = "DisruptionAllowed";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    for budget in state.objects("poddisruptionbudgets.policy", None) {
        sync_one(state, &budget);
    }
    None
}

fn sync_one(state: &mut State, budget: &Arc<Value>) {
    let pods: Vec<Arc<Value>> = match budget.pointer("/spec/selector") {
        // In `policy/v1`, an empty selector is of all pods, and none at all of none.
        None => Vec::new(),
        Some(selector) => {
            let selector = Selector::of(selector);
            let all = state.objects("pods.", Some(namespace(budget))).into_iter();
            all.filter(|pod| selector.matches(pod)).collect()
        }
    };
    let (expected, desired) = match bounds(state, budget, &pods) {
        Ok(bounds) => bounds,
        Err(why) => return fail(state, budget, &why),
    };
    let healthy = pods::number(&pods, |pod| !is_deleting(pod) && is_true(pod, "Ready"));
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let (is, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let mut status = json!({
        "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected, "disruptionsAllowed": allowed,
        "observedGeneration": generation(budget), "conditions": [told(state, budget, is, reason, "")],
    });
    if let Some(disrupted) = budget.pointer("/status/disruptedPods") {
        status["disruptedPods"] = disrupted.clone();
    }
    if pods.is_empty() && budget["status"] != status {
        let event = Event::normal(SOURCE, "NoPods", "No matching pods found");
        CONTROLLER_MANAGER.event(state, budget, &event);
    }
    write_status(state, budget, status);
}

fn told(state: &State, budget: &Value, is: &str, reason: &str, message: &str) -> Value {
    let before = condition(budget, ALLOWED).filter(|before| before["status"] == is);
    let since = before.map_or_else(|| state.time().into(), |before| before["lastTransitionTime"].clone());
    json!({
        "type": ALLOWED, "status": is, "reason": reason, "message": message, "lastTransitionTime": since,
        "observedGeneration": generation(budget),
    })
}

/// How many pods there are to be, and how many of them are to be healthy at least.
fn bounds(state: &State, budget: &Value, pods: &[Arc<Value>]) -> Result<(i64, i64), String> {
    let [most_out, least_in] =
        ["/spec/maxUnavailable", "/spec/minAvailable"].map(|field| budget.pointer(field));
    match (most_out, least_in) {
        (Some(most_out), _) => {
            let expected = scale(state, pods)?;
            Ok((expected, expected.saturating_sub(portion(most_out, expected, true)).max(0)))
        }
        (None, Some(least_in)) if least_in.is_string() => {
            let expected = scale(state, pods)?;
            Ok((expected, portion(least_in, expected, true)))
        }
        (None, least_in) => Ok((pods::count_of(pods), least_in.and_then(Value::as_i64).unwrap_or(0))),
    }
}

/// The replicas of the pods' workloads together; pods of none do not count.
fn scale(state: &State, pods: &[Arc<Value>]) -> Result<i64, String> {
    let mut scales: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods {
        let Some((mut workload, mut kind)) = owner(state, pod)? else { continue };
        if kind == "ReplicaSet"
            && let Some(of_set) = owner(state, &workload)?
        {
            (workload, kind) = of_set;
        }
        let replicas = int(&workload, "/spec/replicas").filter(|_| kind != "Job" && kind != "DaemonSet");
        let Some(replicas) = replicas else {
            let group = text(&workload, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
            return Err(format!("{}s.{group} does not implement the scale subresource", kind.to_lowercase()));
        };
        scales.insert(text(&workload, "/metadata/uid").to_owned(), replicas);
    }
    Ok(scales.into_values().fold(0, i64::saturating_add))
}

/// The controller of an object, and its kind.
fn owner(state: &State, object: &Value) -> Result<Option<(Arc<Value>, String)>, String> {
    let Some(reference) = controller(object) else { return Ok(None) };
    let kind = text(reference, "/kind");
    let resource =
        state.kinds.of(text(reference, "/apiVersion"), kind).map(|kind| Arc::clone(&kind.resource));
    let objects =
        resource.map(|resource| state.objects(&resource, Some(namespace(object)))).unwrap_or_default();
    let found = objects.into_iter().find(|found| found["metadata"]["uid"] == reference["uid"]);
    match found {
        Some(found) => Ok(Some((found, kind.to_owned()))),
        None => Err(format!("found no controllers for pod \"{}\"", name(object))),
    }
}

/// Where that cannot be told nothing may be evicted.
fn fail(state: &mut State, budget: &Arc<Value>, why: &str) {
    let mut status = budget["status"].clone();
    status["disruptionsAllowed"] = 0.into();
    status["conditions"] = json!([told(state, budget, "False", "SyncFailed", why)]);
    if budget["status"] != status {
        let message = format!("Failed to calculate the number of expected pods: {why}");
        let event = Event::warning(SOURCE, "CalculateExpectedPodCountFailed", &message);
        CONTROLLER_MANAGER.event(state, budget, &event);
    }
    write_status(state, budget, status);
}
