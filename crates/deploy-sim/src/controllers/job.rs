//! Jobs: pods that are to end well, as many and as often as it takes (`pkg/controller/job`).

mod end;
mod indexes;
mod pod;
mod policy;
mod status;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::object::{after, condition, controller, int, is_deleting, is_true, sooner, text, time};
use super::pods::{self, count_of, number};
use super::{claim, delete_in_foreground, remove_finalizer};
use crate::state::State;
use crate::status::Status;
use end::End;

const SOURCE: &str = "job-controller";
/// Held by pods that are not counted yet.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let jobs = state.objects("jobs.batch", None);
    let mut next = None;
    for job in &jobs {
        let due = match finished(job) {
            Some(condition) => expire(state, job, condition),
            None => sync_one(state, job),
        };
        next = sooner(next, due);
    }
    release(state, &jobs);
    next
}

/// The condition that a Job ended with.
pub(super) fn finished(job: &Value) -> Option<&Value> {
    ["Complete", "Failed"].into_iter().find_map(|kind| condition(job, kind).filter(|_| is_true(job, kind)))
}

/// Deletes a Job that ended long enough ago (`pkg/controller/ttlafterfinished`).
fn expire(state: &mut State, job: &Arc<Value>, condition: &Value) -> Option<Timestamp> {
    let seconds = int(job, "/spec/ttlSecondsAfterFinished").filter(|_| !is_deleting(job))?;
    let due = after(time(condition, "/lastTransitionTime")?, seconds);
    if due > state.now {
        return Some(due);
    }
    delete_in_foreground(state, job);
    None
}

/// Lets pods go whose Job does not count them any more.
fn release(state: &mut State, jobs: &[Arc<Value>]) {
    let is_tracked =
        |pod: &&Arc<Value>| pod.pointer("/metadata/finalizers").is_some() && pod::is_tracked(pod);
    let pods = state.objects("pods.", None);
    for pod in pods.iter().filter(is_tracked) {
        let owner = controller(pod).map(|owner| &owner["uid"]);
        let counts = |job: &&Arc<Value>| Some(&job["metadata"]["uid"]) == owner && finished(job).is_none();
        if !jobs.iter().any(|job| counts(&job)) {
            remove_finalizer(state, pod, TRACKING);
        }
    }
}

/// A Job and its pods, as they were found, and what becomes of them.
struct Run {
    job: Arc<Value>,
    pods: Vec<Arc<Value>>,
    /// Pods that neither ended nor are to go.
    active: Vec<Arc<Value>>,
    /// Pods that ended and are not counted yet.
    succeeded: Vec<Arc<Value>>,
    failed: Vec<Arc<Value>>,
    /// Indexes that are done, and those that never will be.
    done: BTreeSet<i64>,
    lost: BTreeSet<i64>,
    /// What the status is to say: pods that run, are ready, are on their way out.
    running: i64,
    ready: i64,
    ending: i64,
}

fn sync_one(state: &mut State, job: &Arc<Value>) -> Option<Timestamp> {
    let manager = text(job, "/spec/managedBy");
    if !manager.is_empty() && manager != "kubernetes.io/job-controller" {
        return None;
    }
    let mut run = Run::new(Arc::clone(job), claim(state, job, "pods."));
    let mut next = None;
    let mut end = end::decide(state, &run);
    if end.is_some() {
        for pod in run.active.clone() {
            match pods::delete(state, SOURCE, job, &pod) {
                Ok(()) => run.leaves(&pod),
                Err(_) => end = None,
            }
        }
    } else {
        if !is_deleting(job) {
            next = state.retries.waits(job, state.now).or_else(|| manage(state, &mut run));
        }
        end = run.is_complete().then(End::reached);
    }
    status::write(state, &run, end);
    let deadline = int(job, "/spec/activeDeadlineSeconds").filter(|_| !run.is_suspended());
    let started = time(job, "/status/startTime").unwrap_or(state.now);
    sooner(next, deadline.map(|seconds| after(started, seconds)).filter(|at| *at > state.now))
}

/// Deletes or creates pods; when to go on, if it has to wait.
fn manage(state: &mut State, run: &mut Run) -> Option<Timestamp> {
    let surplus = run.surplus(state.now);
    for pod in &surplus {
        // These do not count.
        remove_finalizer(state, pod, TRACKING);
        if pods::delete(state, SOURCE, &run.job, pod).is_ok() {
            run.leaves(pod);
        }
    }
    let waits_for = if run.replaces_only_failed() { run.ending } else { 0 };
    let missing = run.wanted() - waits_for - count_of(&run.active);
    if !surplus.is_empty() || missing <= 0 {
        return None;
    }
    if let Some(due) = pod::backs_off_until(run, state.now) {
        // While it waits the controller tells of no pod, whatever there is.
        run.running = 0;
        return Some(due);
    }
    let (indexes, later) = pod::missing_indexes(run, missing, state.now);
    match add(state, run, missing, &indexes) {
        Ok(()) => {
            state.retries.forget(&run.job);
            later.filter(|_| indexes.is_empty())
        }
        Err(_) => {
            state.retries.refused(&run.job, state.now);
            state.retries.waits(&run.job, state.now)
        }
    }
}

fn add(state: &mut State, run: &mut Run, missing: i64, indexes: &[i64]) -> Result<(), Status> {
    let indexes: Vec<Option<i64>> = if run.is_indexed() {
        indexes.iter().copied().map(Some).collect()
    } else {
        (0..missing).map(|_| None).collect()
    };
    for index in indexes {
        let new = pod::new(state, run, index);
        match pods::create(state, SOURCE, &run.job, new) {
            Err(status) if pods::of_namespace_that_goes(&status) => return Ok(()),
            Err(status) => return Err(status),
            Ok(_) => run.running += 1,
        }
    }
    Ok(())
}

impl Run {
    fn new(job: Arc<Value>, pods: Vec<Arc<Value>>) -> Self {
        let active: Vec<_> = pods.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
        let mut run = Self {
            running: count_of(&active),
            ready: number(&active, |pod| is_true(pod, "Ready")),
            ending: number(&pods, |pod| is_deleting(pod) && !pods::has_ended(pod)),
            succeeded: Vec::new(),
            failed: Vec::new(),
            done: BTreeSet::new(),
            lost: BTreeSet::new(),
            job,
            pods,
            active,
        };
        let counts =
            |pod: &&Arc<Value>| pod::is_tracked(pod) && (!run.is_indexed() || run.index(pod).is_some());
        let tracked: Vec<_> = run.pods.iter().filter(counts).cloned().collect();
        let has_succeeded = |pod: &&Arc<Value>| text(pod, "/status/phase") == "Succeeded";
        let succeeded: Vec<_> = tracked.iter().filter(has_succeeded).cloned().collect();
        let failed: Vec<_> = tracked.iter().filter(|pod| run.is_failed(pod)).cloned().collect();
        if run.is_indexed() {
            let completions = run.completions().unwrap_or(0);
            let known =
                |field: &str| indexes::parse(text(&run.job, &format!("/status/{field}")), completions);
            let (mut done, mut lost) = (known("completedIndexes"), known("failedIndexes"));
            done.extend(succeeded.iter().filter_map(|pod| run.index(pod)));
            let is_lost = |pod: &&Arc<Value>| policy::loses_index(&run.job, pod);
            lost.extend(failed.iter().filter(is_lost).filter_map(|pod| run.index(pod)));
            (run.done, run.lost) = (done, lost);
        }
        (run.succeeded, run.failed) = (succeeded, failed);
        run
    }

    fn is_indexed(&self) -> bool {
        text(&self.job, "/spec/completionMode") == "Indexed"
    }

    fn is_suspended(&self) -> bool {
        self.job["spec"]["suspend"] == true
    }

    fn completions(&self) -> Option<i64> {
        int(&self.job, "/spec/completions")
    }

    /// The index of a pod, if the Job has such a one.
    fn index(&self, pod: &Value) -> Option<i64> {
        pod::index(pod).filter(|index| (0..self.completions().unwrap_or(0)).contains(index))
    }

    /// Whether a pod that goes is replaced only when it is gone.
    fn replaces_only_failed(&self) -> bool {
        text(&self.job, "/spec/podReplacementPolicy") == "Failed"
            || self.job["spec"].get("podFailurePolicy").is_some()
    }

    fn is_failed(&self, pod: &Value) -> bool {
        match text(pod, "/status/phase") {
            "Failed" => true,
            "Succeeded" => false,
            _ => is_deleting(pod) && !self.replaces_only_failed(),
        }
    }

    fn count_succeeded(&self) -> i64 {
        if self.is_indexed() {
            i64::try_from(self.done.len()).unwrap_or(i64::MAX)
        } else {
            int(&self.job, "/status/succeeded").unwrap_or(0) + count_of(&self.succeeded)
        }
    }

    fn count_failed(&self) -> i64 {
        let new = number(&self.failed, |pod| policy::counts(&self.job, pod));
        int(&self.job, "/status/failed").unwrap_or(0) + new
    }

    /// How many pods are to run at once.
    fn wanted(&self) -> i64 {
        let parallelism = int(&self.job, "/spec/parallelism").unwrap_or(1);
        match self.completions() {
            _ if self.is_suspended() => 0,
            // The first that ends well says that there is no more work.
            None if self.count_succeeded() > 0 => count_of(&self.active),
            None => parallelism,
            Some(completions) => parallelism.min(completions - self.count_succeeded()).max(0),
        }
    }

    fn is_complete(&self) -> bool {
        let enough = self.completions().unwrap_or(1);
        self.count_succeeded() >= enough
            && self.running == 0
            && (self.completions().is_some() || self.count_succeeded() > 0)
    }

    /// The pods that are too much: second ones of an index first, then those that are missed least.
    fn surplus(&self, now: Timestamp) -> Vec<Arc<Value>> {
        let mut seen = BTreeSet::new();
        let (mut left, mut gone) = (Vec::new(), Vec::new());
        let mut active = self.active.clone();
        active.sort_by_cached_key(|pod| text(pod, "/metadata/creationTimestamp").to_owned());
        for pod in active {
            let fits = !self.is_indexed() || self.index(&pod).is_some_and(|index| seen.insert(index));
            if fits { left.push(pod) } else { gone.push(pod) }
        }
        left.sort_by(|one, other| pods::victim(one, other, now));
        let surplus = usize::try_from(count_of(&self.active) - self.wanted()).unwrap_or(0);
        let more = surplus.saturating_sub(gone.len());
        gone.extend(left.into_iter().take(more));
        gone
    }

    /// A pod that is deleted now.
    fn leaves(&mut self, pod: &Value) {
        self.active.retain(|other| other["metadata"]["uid"] != pod["metadata"]["uid"]);
        self.running -= 1;
        self.ready -= i64::from(is_true(pod, "Ready"));
        self.ending += 1;
    }
}
