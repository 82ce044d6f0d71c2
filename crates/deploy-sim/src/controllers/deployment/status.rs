//! What a Deployment says of its rollout.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{NONE, Rollout, counted, told};
use crate::component::CONTROLLER_MANAGER;
use crate::controllers::object::{after, condition, count, generation, int, list, name, time};
use crate::controllers::write_status;
use crate::state::State;

/// Seconds that a rollout may go without progress, if there is an end to it.
pub(super) fn deadline(deployment: &Value) -> Option<i64> {
    int(deployment, "/spec/progressDeadlineSeconds").filter(|seconds| *seconds != NONE)
}

/// Tells that the rollout was paused or goes on; whether it did.
pub(super) fn tell_pause(state: &mut State, rollout: &mut Rollout) -> bool {
    let deployment = &rollout.deployment;
    let reason = condition(deployment, "Progressing").and_then(|found| found["reason"].as_str());
    if deadline(deployment).is_none() || reason == Some("ProgressDeadlineExceeded") {
        return false;
    }
    let (reason, message) = match (rollout.is_paused(), reason == Some("DeploymentPaused")) {
        (true, false) => ("DeploymentPaused", "Deployment is paused"),
        (false, true) => ("DeploymentResumed", "Deployment is resumed"),
        _ => return false,
    };
    let progressing = told(state, "Progressing", "Unknown", reason, message);
    let conditions = with(&deployment["status"], progressing);
    let written = CONTROLLER_MANAGER.change(state, deployment, Some("status"), |deployment| {
        deployment["status"]["conditions"] = conditions;
    });
    matches!(written, Ok(Some(_)))
}

/// The conditions with this one: it comes last, unless it says what was said already.
pub(super) fn with(status: &Value, mut condition: Value) -> Value {
    let conditions = list(status, "/conditions");
    let before = conditions.iter().find(|before| before["type"] == condition["type"]);
    if let Some(before) = before.filter(|before| before["status"] == condition["status"]) {
        if before["reason"] == condition["reason"] {
            return conditions.to_vec().into();
        }
        condition["lastTransitionTime"] = before["lastTransitionTime"].clone();
    }
    let others = conditions.iter().filter(|other| other["type"] != condition["type"]).cloned();
    others.chain([condition.clone()]).collect()
}

fn without(status: &Value, kind: &str) -> Value {
    list(status, "/conditions").iter().filter(|condition| condition["type"] != kind).cloned().collect()
}

/// Whether all replicas are of the present template, and available.
pub(super) fn is_complete(rollout: &Rollout) -> bool {
    complete(&rollout.deployment, &rollout.deployment["status"])
}

fn complete(deployment: &Value, status: &Value) -> bool {
    let wanted = int(deployment, "/spec/replicas").unwrap_or(1);
    let is = |field: &str| status[field].as_i64().unwrap_or(0) == wanted;
    is("updatedReplicas")
        && is("replicas")
        && is("availableReplicas")
        && int(status, "/observedGeneration").unwrap_or(0) >= generation(deployment)
}

/// Writes the status, with the progress of the rollout if one is under way; when its deadline ends.
pub(super) fn write(state: &mut State, rollout: &Rollout, in_progress: bool) -> Option<Timestamp> {
    // What was written in this round is in the status already.
    let deployment = &rollout.deployment;
    let mut status = counts(state, rollout);
    if in_progress {
        tell_progress(state, rollout, &mut status);
        let failure = rollout.new.iter().chain(&rollout.old).find_map(|set| condition(set, "ReplicaFailure"));
        status["conditions"] = match failure {
            Some(failure) => {
                let text = |field: &str| failure[field].as_str().unwrap_or_default();
                let kind = "ReplicaFailure";
                with(&status, told(state, kind, text("status"), text("reason"), text("message")))
            }
            None => without(&status, "ReplicaFailure"),
        };
    }
    let due = due(deployment, &status).filter(|_| in_progress);
    write_status(state, deployment, status);
    crate::controllers::object::sooner(due, state.retries.waits(deployment, state.now))
}

fn counts(state: &State, rollout: &Rollout) -> Value {
    let deployment = &rollout.deployment;
    let before = &deployment["status"];
    let updated = rollout.new.as_deref();
    let available = rollout.counted("availableReplicas");
    let mut status = Map::new();
    status.insert("observedGeneration".into(), generation(deployment).into());
    count(&mut status, "replicas", rollout.counted("replicas"));
    count(&mut status, "updatedReplicas", updated.map_or(0, |set| counted(set, "replicas")));
    count(&mut status, "readyReplicas", rollout.counted("readyReplicas"));
    count(&mut status, "availableReplicas", available);
    count(&mut status, "unavailableReplicas", (rollout.pods() - available).max(0));
    status.insert("terminatingReplicas".into(), rollout.counted("terminatingReplicas").into());
    if let Some(collisions) = before.get("collisionCount") {
        status.insert("collisionCount".into(), collisions.clone());
    }
    let is_available = available >= rollout.wanted() - rollout.max_unavailable();
    let (verdict, reason, message) = if is_available {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let conditions = with(before, told(state, "Available", verdict, reason, message));
    status.insert("conditions".into(), conditions);
    status.into()
}

fn tell_progress(state: &State, rollout: &Rollout, status: &mut Value) {
    let deployment = &rollout.deployment;
    let Some(deadline) = deadline(deployment) else {
        status["conditions"] = without(status, "Progressing");
        return;
    };
    let before = condition(deployment, "Progressing");
    let number = |status: &Value, field: &str| status[field].as_i64().unwrap_or(0);
    let was_complete = before.is_some_and(|before| before["reason"] == "NewReplicaSetAvailable");
    if was_complete && number(status, "replicas") == number(status, "updatedReplicas") {
        return;
    }
    let subject = rollout.new.as_deref().map_or_else(
        || format!("Deployment \"{}\"", name(deployment)),
        |new| format!("ReplicaSet \"{}\"", name(new)),
    );
    if complete(deployment, status) {
        let message = format!("{subject} has successfully progressed.");
        let available = told(state, "Progressing", "True", "NewReplicaSetAvailable", &message);
        status["conditions"] = with(status, available);
    } else if has_progressed(&deployment["status"], status) {
        let message = format!("{subject} is progressing.");
        let mut progressing = told(state, "Progressing", "True", "ReplicaSetUpdated", &message);
        if let Some(before) = before.filter(|before| before["status"] == "True") {
            progressing["lastTransitionTime"] = before["lastTransitionTime"].clone();
        }
        // Told anew every time, so that the deadline begins anew.
        status["conditions"] = without(status, "Progressing");
        status["conditions"] = with(status, progressing);
    } else if before.is_some_and(|before| has_timed_out(before, deadline, state.now)) {
        let message = format!("{subject} has timed out progressing.");
        let exceeded = told(state, "Progressing", "False", "ProgressDeadlineExceeded", &message);
        status["conditions"] = with(status, exceeded);
    }
}

fn has_progressed(before: &Value, status: &Value) -> bool {
    let number = |status: &Value, field: &str| status[field].as_i64().unwrap_or(0);
    let more = |field: &str| number(status, field) > number(before, field);
    let old = |status: &Value| number(status, "replicas") - number(status, "updatedReplicas");
    more("updatedReplicas") || old(status) < old(before) || more("readyReplicas") || more("availableReplicas")
}

fn has_timed_out(progressing: &Value, deadline: i64, now: Timestamp) -> bool {
    match progressing["reason"].as_str() {
        Some("NewReplicaSetAvailable") => false,
        Some("ProgressDeadlineExceeded") => true,
        _ => time(progressing, "/lastUpdateTime").is_some_and(|since| after(since, deadline) < now),
    }
}

/// When the deadline of a rollout is looked at again: a second after it ends.
fn due(deployment: &Value, status: &Value) -> Option<Timestamp> {
    let deadline = deadline(deployment)?;
    let progressing =
        list(status, "/conditions").iter().find(|condition| condition["type"] == "Progressing")?;
    let ended = ["NewReplicaSetAvailable", "ProgressDeadlineExceeded", "DeploymentPaused"];
    if ended.iter().any(|reason| progressing["reason"] == *reason) {
        return None;
    }
    time(progressing, "/lastUpdateTime").map(|since| after(since, deadline.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_that_says_the_same_stays() {
        let condition = |kind: &str, status: &str, reason: &str, at: &str| json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": at});
        let status =
            json!({"conditions": [condition("A", "True", "x", "1"), condition("B", "True", "x", "1")]});
        assert_eq!(with(&status, condition("A", "True", "x", "2")), status["conditions"]);
        let expect = json!([condition("B", "True", "x", "1"), condition("A", "True", "y", "1")]);
        assert_eq!(with(&status, condition("A", "True", "y", "2")), expect, "the same status since then");
        let expect = json!([condition("B", "True", "x", "1"), condition("A", "False", "y", "2")]);
        assert_eq!(with(&status, condition("A", "False", "y", "2")), expect);
    }
}
