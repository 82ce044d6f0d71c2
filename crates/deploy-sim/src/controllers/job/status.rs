//! What a Job tells of itself, and how pods are counted: first they are named in the status, then their finalizer goes, then they are a
//! number. So none is counted twice or not at all, whenever the controller stops.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::end::{End, told};
use super::{Run, SOURCE, TRACKING, indexes, pod, policy};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::controllers::object::{condition, count, int, is_deleting, text, time, uid};
use crate::controllers::{remove_finalizer, write_status};
use crate::state::State;

pub(super) fn write(state: &mut State, run: &Run, end: Option<End>) {
    let job = &run.job;
    let mut status = job.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
    if time(job, "/status/startTime").is_none() && !run.is_suspended() {
        status.insert("startTime".into(), state.time().into());
    }
    count(&mut status, "active", run.running);
    status.insert("ready".into(), run.ready.into());
    status.insert("terminating".into(), run.ending.into());
    if end.is_none() && !is_deleting(job) {
        suspend(state, run, &mut status);
    }
    let leaving = leaving(run, end.as_ref());
    let (succeeded, failed) = uncounted(run, end.as_ref(), &leaving);
    let mut waiting = Map::new();
    for (field, pods) in [("succeeded", &succeeded), ("failed", &failed)] {
        if !pods.is_empty() {
            waiting.insert(field.into(), pods.iter().map(|pod| Value::from(uid(pod))).collect());
        }
    }
    status.insert("uncountedTerminatedPods".into(), waiting.into());
    if run.is_indexed() {
        tell_indexes(run, &mut status);
    }
    if let Some(end) = &end {
        let [kind, _] = end.types();
        if condition(job, kind).is_none() {
            push(&mut status, end.condition(state, kind));
        }
    }
    write_status(state, job, Value::Object(status.clone()));
    for pod in &leaving {
        remove_finalizer(state, pod, TRACKING);
    }
    status.insert("uncountedTerminatedPods".into(), json!({}));
    for (field, pods) in [("succeeded", &succeeded), ("failed", &failed)] {
        let before = int(job, &format!("/status/{field}")).unwrap_or(0);
        if !pods.is_empty() {
            status.insert(field.into(), (before + i64::try_from(pods.len()).unwrap_or(0)).into());
        }
    }
    let end = end.filter(|_| run.ending == 0);
    if let Some(end) = &end {
        let [_, kind] = end.types();
        push(&mut status, end.condition(state, kind));
        if end.is_success() {
            status.insert("completionTime".into(), state.time().into());
        }
    }
    let Some(job) = state.objects("jobs.batch", None).into_iter().find(|found| uid(found) == uid(job)) else {
        return;
    };
    write_status(state, &job, Value::Object(status));
    if let Some(end) = end {
        tell(state, &job, &end);
    }
}

fn push(status: &mut Map<String, Value>, condition: Value) {
    match status.get_mut("conditions").and_then(Value::as_array_mut) {
        Some(conditions) => {
            conditions.retain(|other| other["type"] != condition["type"]);
            conditions.push(condition);
        }
        None => drop(status.insert("conditions".into(), json!([condition]))),
    }
}

fn tell(state: &mut State, job: &Value, end: &End) {
    if end.is_success() {
        let wanted = int(job, "/spec/completions");
        if wanted.is_some_and(|wanted| int(job, "/status/succeeded").unwrap_or(0) > wanted) {
            let message = "Too many succeeded pods running after completion count reached";
            CONTROLLER_MANAGER.event(state, job, &Event::warning(SOURCE, "TooManySucceededPods", message));
        }
        CONTROLLER_MANAGER.event(state, job, &Event::normal(SOURCE, "Completed", "Job completed"));
    } else {
        CONTROLLER_MANAGER.event(state, job, &Event::warning(SOURCE, &end.reason, &end.message));
    }
}

/// Tells when the Job is suspended, and when it goes on.
fn suspend(state: &mut State, run: &Run, status: &mut Map<String, Value>) {
    let known = condition(&run.job, "Suspended").map(|condition| condition["status"] == "True");
    let (reason, message) = match (run.is_suspended(), known) {
        (true, None | Some(false)) => ("Suspended", "Job suspended"),
        (false, Some(true)) => ("Resumed", "Job resumed"),
        _ => return,
    };
    let is = if run.is_suspended() { "True" } else { "False" };
    push(status, told(state, "Suspended", is, &format!("Job{reason}"), message));
    if run.is_suspended() {
        status.remove("startTime");
    } else {
        status.insert("startTime".into(), state.time().into());
    }
    CONTROLLER_MANAGER.event(state, &run.job, &Event::normal(SOURCE, reason, message));
}

/// The pods that are counted now.
fn leaving(run: &Run, end: Option<&End>) -> Vec<Arc<Value>> {
    let is_over = end.is_some() || is_deleting(&run.job);
    let leaves = |pod: &&Arc<Value>| {
        pod::is_tracked(pod) && (is_over || text(pod, "/status/phase") == "Succeeded" || run.is_failed(pod))
    };
    run.pods.iter().filter(leaves).cloned().collect()
}

/// Those of them that succeeded, and those that failed; of a Job that fails, all that did not succeed did.
fn uncounted(run: &Run, end: Option<&End>, leaving: &[Arc<Value>]) -> (Vec<Arc<Value>>, Vec<Arc<Value>>) {
    let fails = end.is_some_and(|end| !end.is_success());
    let counts = |pod: &&Arc<Value>| !run.is_indexed() || run.index(pod).is_some();
    let (succeeded, others): (Vec<_>, Vec<_>) =
        leaving.iter().filter(counts).cloned().partition(|pod| text(pod, "/status/phase") == "Succeeded");
    let is_failed = |pod: &Arc<Value>| (fails || run.is_failed(pod)) && policy::counts(&run.job, pod);
    // Indexes that are done are listed by themselves.
    let succeeded = if run.is_indexed() { Vec::new() } else { succeeded };
    (succeeded, others.into_iter().filter(is_failed).collect())
}

fn tell_indexes(run: &Run, status: &mut Map<String, Value>) {
    let done = indexes::format(&run.done);
    count(status, "succeeded", run.count_succeeded());
    match done.as_str() {
        "" => drop(status.remove("completedIndexes")),
        done => drop(status.insert("completedIndexes".into(), done.into())),
    }
    if run.job["spec"].get("backoffLimitPerIndex").is_some() {
        status.insert("failedIndexes".into(), indexes::format(&run.lost).into());
    }
}
