//! StatefulSets: pods with names that stay, one after another (`pkg/controller/statefulset`).

mod claims;
mod pod;
mod status;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::object::{int, is_deleting, is_true, sooner, text};
use super::pods::{self, has_ended};
use super::{claim_if, each, history};
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;
use crate::status::Status;

const SOURCE: &str = "statefulset-controller";
/// What a ControllerRevision is labeled with.
const HASH: &str = "controller.kubernetes.io/hash";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    each(state, "statefulsets.apps", sync_one)
}

/// A StatefulSet on its way from one revision to another.
struct Rollout {
    set: Arc<Value>,
    /// The revision that the pods are to leave, and the one of the present template.
    current: Arc<Value>,
    update: Arc<Value>,
    collisions: i64,
    /// As they were found.
    pods: Vec<Arc<Value>>,
    /// Pods that this step deletes for the update.
    leaving: i64,
}

fn sync_one(state: &mut State, set: Arc<Value>) -> Option<Timestamp> {
    let pods = claim_if(state, &set, "pods.", |found| pod::ordinal(&set, found).is_some());
    let revisions = history::list(state, &set);
    let waits = state.retries.waits(&set, state.now);
    let has_present = revisions.iter().any(|revision| history::is_of(revision, &set["spec"]["template"]));
    // The garbage collector took the revision of one that waits for its dependents: another would be its next.
    if !has_present && (waits.is_some() || is_deleting(&set)) {
        return waits;
    }
    let mut rollout = match revise(state, &set, &revisions) {
        Ok((current, update, collisions)) => Rollout { set, current, update, collisions, pods, leaving: 0 },
        Err(_) => return retry(state, &set),
    };
    let mut next = waits;
    if !is_deleting(&rollout.set) && next.is_none() {
        match advance(state, &mut rollout) {
            Ok(()) => state.retries.forget(&rollout.set),
            Err(_) => next = retry(state, &rollout.set),
        }
    }
    next = sooner(next, pods::next_available(&rollout.pods, rollout.min_ready_seconds(), state.now));
    status::write(state, &rollout);
    forget_oldest(state, &rollout, &revisions);
    next
}

fn retry(state: &mut State, set: &Value) -> Option<Timestamp> {
    state.retries.refused(set, state.now);
    state.retries.waits(set, state.now)
}

/// The revision that the pods are of, the one that they are to be of, and how many names of such were taken.
fn revise(
    state: &mut State,
    set: &Arc<Value>,
    revisions: &[Arc<Value>],
) -> Result<(Arc<Value>, Arc<Value>, i64), Status> {
    let mut collisions = int(set, "/status/collisionCount").unwrap_or(0);
    let template = &set["spec"]["template"];
    let latest = revisions.last().map_or(0, |latest| history::number(latest));
    let equal = revisions.iter().rfind(|revision| history::is_of(revision, template));
    let update = match equal {
        Some(equal) if history::number(equal) == latest => Arc::clone(equal),
        Some(equal) => history::renew(state, equal, latest.saturating_add(1))?,
        None => history::create(state, set, HASH, latest.saturating_add(1), &mut collisions)?,
    };
    let named = text(set, "/status/currentRevision");
    let current = revisions.iter().find(|revision| revision["metadata"]["name"] == named);
    let current = current.map_or_else(|| Arc::clone(&update), Arc::clone);
    Ok((current, update, collisions))
}

impl Rollout {
    fn wanted(&self) -> i64 {
        int(&self.set, "/spec/replicas").unwrap_or(1).max(0)
    }

    fn start(&self) -> i64 {
        int(&self.set, "/spec/ordinals/start").unwrap_or(0)
    }

    fn is_wanted(&self, ordinal: i64) -> bool {
        (self.start()..self.start() + self.wanted()).contains(&ordinal)
    }

    fn min_ready_seconds(&self) -> i64 {
        int(&self.set, "/spec/minReadySeconds").unwrap_or(0)
    }

    /// Whether one pod waits for the other.
    fn is_ordered(&self) -> bool {
        text(&self.set, "/spec/podManagementPolicy") != "Parallel"
    }

    fn partition(&self) -> Option<i64> {
        int(&self.set, "/spec/updateStrategy/rollingUpdate/partition")
    }

    fn is_rolling(&self) -> bool {
        text(&self.set, "/spec/updateStrategy/type") == "RollingUpdate"
    }

    /// The revision that a new pod is made of.
    fn revision_of(&self, ordinal: i64) -> &Arc<Value> {
        let old = self.partition().or_else(|| int(&self.set, "/status/currentReplicas")).unwrap_or(0);
        if self.is_rolling() && ordinal < self.start() + old { &self.current } else { &self.update }
    }

    fn is_updated(&self, pod: &Value) -> bool {
        pod::revision(pod) == text(&self.update, "/metadata/name")
    }

    /// Whether a pod that is there serves.
    fn is_available(&self, pod: &Value, now: Timestamp) -> bool {
        is_running(pod) && pods::is_available(pod, self.min_ready_seconds(), now)
    }

    fn pod(&self, ordinal: i64) -> Option<Arc<Value>> {
        self.pods.iter().find(|found| pod::ordinal(&self.set, found) == Some(ordinal)).cloned()
    }
}

fn is_running(pod: &Value) -> bool {
    text(pod, "/status/phase") == "Running" && is_true(pod, "Ready")
}

/// Does the next thing: what is missing first, then what is too much, then what is of an old revision.
///
/// A pod that is not ready holds back everything behind it, also its own replacement: that is how a rollout of a broken template gets
/// stuck until somebody deletes the pod.
fn advance(state: &mut State, rollout: &mut Rollout) -> Result<(), Status> {
    for ordinal in rollout.start()..rollout.start() + rollout.wanted() {
        if !settle_one(state, rollout, ordinal)? && rollout.is_ordered() {
            return Ok(());
        }
    }
    if !condemn(state, rollout)? || text(&rollout.set, "/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    update(state, rollout)
}

/// Brings one pod to be there, and to be itself; whether the next one may have its turn.
fn settle_one(state: &mut State, rollout: &Rollout, ordinal: i64) -> Result<bool, Status> {
    let Some(pod) = rollout.pod(ordinal) else {
        if !claims::is_stale(state, rollout, ordinal) {
            pod::create(state, rollout, ordinal)?;
        }
        return Ok(false);
    };
    if has_ended(&pod) {
        if !is_deleting(&pod) {
            pod::delete(state, rollout, &pod)?;
        }
        return Ok(false);
    }
    if text(&pod, "/status/phase") == "Pending" {
        claims::create(state, rollout, ordinal, &pod)?;
    }
    if rollout.is_ordered() && (is_deleting(&pod) || !rollout.is_available(&pod, state.now)) {
        return Ok(false);
    }
    claims::own(state, rollout, ordinal, &pod);
    pod::identify(state, rollout, &pod);
    Ok(true)
}

/// Deletes what is too much, the highest first; whether an update may go on.
fn condemn(state: &mut State, rollout: &Rollout) -> Result<bool, Status> {
    let mut condemned: Vec<(i64, Arc<Value>)> = Vec::new();
    for pod in &rollout.pods {
        if let Some(ordinal) = pod::ordinal(&rollout.set, pod).filter(|ordinal| !rollout.is_wanted(*ordinal))
        {
            claims::own(state, rollout, ordinal, pod);
            condemned.push((ordinal, Arc::clone(pod)));
        }
    }
    condemned.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
    // The lowest one that does not serve may go before those above it do.
    let serves = |pod: &Value| rollout.is_available(pod, state.now) && !is_deleting(pod);
    let sick = condemned.iter().rev().find(|(_, pod)| !serves(pod)).map(|(ordinal, _)| *ordinal);
    for (ordinal, pod) in condemned {
        let waits = is_deleting(&pod) || !rollout.is_available(&pod, state.now) && sick != Some(ordinal);
        if rollout.is_ordered() && waits {
            return Ok(false);
        }
        if !is_deleting(&pod) {
            pod::delete(state, rollout, &pod)?;
        }
        if rollout.is_ordered() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes the highest pod of an old revision, if all above it serve.
fn update(state: &mut State, rollout: &mut Rollout) -> Result<(), Status> {
    let least = rollout.start() + rollout.partition().unwrap_or(0);
    for ordinal in (least..rollout.start() + rollout.wanted()).rev() {
        let Some(pod) = rollout.pod(ordinal) else { return Ok(()) };
        if !rollout.is_updated(&pod) && !is_deleting(&pod) {
            pod::delete(state, rollout, &pod)?;
            rollout.leaving += 1;
            return Ok(());
        }
        if is_deleting(&pod) || !rollout.is_available(&pod, state.now) {
            return Ok(());
        }
    }
    Ok(())
}

/// Deletes the oldest revisions that nobody is of, beyond the history's limit.
fn forget_oldest(state: &mut State, rollout: &Rollout, revisions: &[Arc<Value>]) {
    let limit = int(&rollout.set, "/spec/revisionHistoryLimit").unwrap_or(10);
    let is_live = |revision: &Value| {
        let named = text(revision, "/metadata/name");
        [&rollout.current, &rollout.update].iter().any(|live| live["metadata"]["name"] == named)
            || rollout.pods.iter().any(|pod| pod::revision(pod) == named)
    };
    let old: Vec<_> = revisions.iter().filter(|revision| !is_live(revision)).collect();
    let surplus = usize::try_from(limit).map_or(0, |limit| old.len().saturating_sub(limit));
    for revision in old.into_iter().take(surplus) {
        let _ = CONTROLLER_MANAGER.delete(state, revision);
    }
}
