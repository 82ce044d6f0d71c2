//! Whether a Job is over, and how.

use serde_json::{Value, json};

use super::{Run, policy};
use crate::controllers::object::{after, condition, int, is_true, list, text, time};
use crate::state::State;

/// How a Job ends: first a condition says that it will, and when its pods are counted and gone, a second one that it did.
pub(super) struct End {
    is_success: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl End {
    pub(super) fn reached() -> Self {
        Self::success("CompletionsReached", "Reached expected number of succeeded pods")
    }

    fn success(reason: &str, message: &str) -> Self {
        Self { is_success: true, reason: reason.into(), message: message.into() }
    }

    fn failure(reason: &str, message: &str) -> Self {
        Self { is_success: false, reason: reason.into(), message: message.into() }
    }

    pub(super) fn is_success(&self) -> bool {
        self.is_success
    }

    /// The types of its two conditions.
    pub(super) fn types(&self) -> [&'static str; 2] {
        if self.is_success { ["SuccessCriteriaMet", "Complete"] } else { ["FailureTarget", "Failed"] }
    }

    pub(super) fn condition(&self, state: &State, kind: &str) -> Value {
        told(state, kind, "True", &self.reason, &self.message)
    }
}

/// A condition that was told now.
pub(super) fn told(state: &State, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let time = state.time();
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastProbeTime": time, "lastTransitionTime": time,
    })
}

/// What was decided before stays; else what the pods say.
pub(super) fn decide(state: &State, run: &Run) -> Option<End> {
    let job = &run.job;
    for (kind, of) in [("SuccessCriteriaMet", true), ("FailureTarget", false)] {
        if let Some(told) = condition(job, kind).filter(|_| is_true(job, kind)) {
            let (reason, message) = (text(told, "/reason"), text(told, "/message"));
            return Some(if of { End::success(reason, message) } else { End::failure(reason, message) });
        }
    }
    if let Some(message) = policy::fails_job(run) {
        return Some(End::failure("PodFailurePolicy", &message));
    }
    if run.count_failed() > int(job, "/spec/backoffLimit").unwrap_or(6) || has_restarted_too_often(run) {
        return Some(End::failure("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    let deadline = int(job, "/spec/activeDeadlineSeconds").filter(|_| !run.is_suspended());
    let started = time(job, "/status/startTime");
    if let (Some(deadline), Some(started)) = (deadline, started)
        && after(started, deadline) <= state.now
    {
        return Some(End::failure("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    if !run.is_indexed() {
        return None;
    }
    lost(run).or_else(|| Some(End::success("SuccessPolicy", &policy::is_enough(job, &run.done)?)))
}

/// Where indexes have limits of their own.
fn lost(run: &Run) -> Option<End> {
    run.job["spec"].get("backoffLimitPerIndex")?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let most = int(&run.job, "/spec/maxFailedIndexes");
    if most.is_some_and(|most| count(run.lost.len()) > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return Some(End::failure("MaxFailedIndexesExceeded", message));
    }
    let is_over = count(run.lost.len() + run.done.len()) >= run.completions().unwrap_or(0);
    (!run.lost.is_empty() && is_over).then(|| End::failure("FailedIndexes", "Job has failed indexes"))
}

/// Where containers are restarted in their pods, restarts count as failures.
fn has_restarted_too_often(run: &Run) -> bool {
    if text(&run.job, "/spec/template/spec/restartPolicy") != "OnFailure" {
        return false;
    }
    let runs = run.pods.iter().filter(|pod| ["Pending", "Running"].contains(&text(pod, "/status/phase")));
    let containers = runs.flat_map(|pod| {
        ["/status/initContainerStatuses", "/status/containerStatuses"]
            .into_iter()
            .flat_map(|field| list(pod, field))
    });
    let restarts: i64 = containers.filter_map(|container| int(container, "/restartCount")).sum();
    restarts > 0 && restarts >= int(&run.job, "/spec/backoffLimit").unwrap_or(6)
}
