//! The pods of a Job: how they are made, which are missing, and how long to wait after one failed.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Run, TRACKING};
use crate::controllers::object::{
    after, annotate, annotation, condition, int, is_deleting, list, name, text, time,
};
use crate::controllers::pods;
use crate::state::State;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// Seconds after one failure, and at most; twice as long every time.
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 600;

/// Whether the pod is not counted yet.
pub(super) fn is_tracked(pod: &Value) -> bool {
    list(pod, "/metadata/finalizers").iter().any(|finalizer| finalizer == TRACKING)
}

pub(super) fn index(pod: &Value) -> Option<i64> {
    annotation(pod, INDEX)?.parse().ok()
}

/// How often its index failed before this pod.
pub(super) fn failures_before(pod: &Value) -> i64 {
    annotation(pod, FAILURES).and_then(|text| text.parse().ok()).unwrap_or(0)
}

pub(super) fn new(state: &mut State, run: &Run, index: Option<i64>) -> Value {
    let job = &run.job;
    let middle = index.map_or_else(|| "-".to_owned(), |index| format!("-{index}-"));
    let cut = pods::LONGEST_START.saturating_sub(middle.len());
    let start = format!("{}{middle}", name(job).get(..cut).unwrap_or(name(job)));
    let named = pods::generated(&start, &state.suffix());
    let mut pod = pods::of_template(job, &job["spec"]["template"], &start, &named);
    let mut finalizers = list(&pod, "/metadata/finalizers").to_vec();
    if !is_tracked(&pod) {
        finalizers.push(TRACKING.into());
    }
    pod["metadata"]["finalizers"] = finalizers.into();
    if let Some(index) = index {
        annotate(&mut pod, INDEX, &index.to_string());
        pod["metadata"]["labels"][INDEX] = index.to_string().into();
        pod["spec"]["hostname"] = format!("{}-{index}", name(job)).into();
        if is_limited_by_index(run) {
            let failures = last_failure(run, index).map_or(0, |pod| failures_before(pod).saturating_add(1));
            annotate(&mut pod, FAILURES, &failures.to_string());
        }
        for containers in ["initContainers", "containers"] {
            let containers = pod["spec"].get_mut(containers).and_then(Value::as_array_mut);
            containers.into_iter().flatten().for_each(tell_index);
        }
    }
    pod
}

fn tell_index(container: &mut Value) {
    const VARIABLE: &str = "JOB_COMPLETION_INDEX";
    let mut variables = list(container, "/env").to_vec();
    if variables.iter().all(|variable| variable["name"] != VARIABLE) {
        let field = format!("metadata.labels['{INDEX}']");
        variables.push(json!({"name": VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": field}}}));
    }
    container["env"] = variables.into();
}

fn is_limited_by_index(run: &Run) -> bool {
    run.job["spec"].get("backoffLimitPerIndex").is_some()
}

fn last_failure(run: &Run, of: i64) -> Option<&Arc<Value>> {
    let failed = run.pods.iter().filter(|pod| index(pod) == Some(of) && run.is_failed(pod));
    failed.max_by_key(|pod| failures_before(pod))
}

/// The next indexes that no pod is at work on; and when there will be more of them, of those that wait after a failure.
pub(super) fn missing_indexes(run: &Run, most: i64, now: Timestamp) -> (Vec<i64>, Option<Timestamp>) {
    let is_busy = |pod: &&Arc<Value>| {
        pods::is_active(pod) || run.replaces_only_failed() && is_deleting(pod) && !pods::has_ended(pod)
    };
    let busy: BTreeSet<i64> = run.pods.iter().filter(is_busy).filter_map(|pod| index(pod)).collect();
    let is_open = |index: &i64| ![&run.done, &run.lost, &busy].iter().any(|taken| taken.contains(index));
    let open = (0..run.completions().unwrap_or(0)).filter(is_open).take(usize::try_from(most).unwrap_or(0));
    let (mut indexes, mut later) = (Vec::new(), None);
    for index in open {
        let failure = last_failure(run, index).filter(|_| is_limited_by_index(run));
        let due = failure.map(|pod| after(ended(pod), back_off(failures_before(pod).saturating_add(1))));
        match due.filter(|due| *due > now) {
            None => indexes.push(index),
            Some(due) => later = Some(later.map_or(due, |later: Timestamp| later.min(due))),
        }
    }
    (indexes, later)
}

/// Until when no pod is made because the last ones failed.
pub(super) fn backs_off_until(run: &Run, now: Timestamp) -> Option<Timestamp> {
    if is_limited_by_index(run) {
        return None;
    }
    let success =
        run.pods.iter().filter(|pod| text(pod, "/status/phase") == "Succeeded").map(|pod| ended(pod)).max();
    let failures = run.pods.iter().filter(|pod| run.is_failed(pod)).map(|pod| ended(pod));
    let since: Vec<Timestamp> =
        failures.filter(|ended| success.is_none_or(|success| *ended > success)).collect();
    let last = since.iter().max()?;
    let due = after(*last, back_off(i64::try_from(since.len()).unwrap_or(i64::MAX)));
    Some(due).filter(|due| *due > now)
}

/// Seconds after so many failures.
fn back_off(failures: i64) -> i64 {
    let doubled =
        u32::try_from(failures - 1).ok().and_then(|times| FIRST_BACK_OFF.checked_shl(times.min(32)));
    doubled.unwrap_or(LONGEST_BACK_OFF).min(LONGEST_BACK_OFF)
}

/// When its containers ended; when it ceased to be ready or was told to go, where that is not known.
fn ended(pod: &Value) -> Timestamp {
    let ends: Option<Vec<Timestamp>> = list(pod, "/status/containerStatuses")
        .iter()
        .map(|container| time(container, "/state/terminated/finishedAt"))
        .collect();
    let ready =
        || time(condition(pod, "Ready").filter(|ready| ready["status"] == "False")?, "/lastTransitionTime");
    let told = || {
        let grace = int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(0);
        Some(after(time(pod, "/metadata/deletionTimestamp")?, -grace))
    };
    let ended = ends.and_then(|ends| ends.into_iter().max()).or_else(ready).or_else(told);
    ended.or_else(|| time(pod, "/metadata/creationTimestamp")).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_minutes() {
        let waits: Vec<i64> = [1, 2, 3, 4, 5, 6, 7, 8, 40, 10_000].map(back_off).to_vec();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600, 600]);
    }
}
