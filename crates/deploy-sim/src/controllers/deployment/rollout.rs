//! The two strategies: RollingUpdate and Recreate.

use std::sync::Arc;

use serde_json::Value;

use super::{Rollout, counted, resize, revision, size, status};
use crate::controllers::object::{controller, name, namespace, text};
use crate::state::State;

pub(super) fn roll(state: &mut State, rollout: &mut Rollout) {
    if rollout.new.is_some() {
        revision::adopt(state, rollout);
    } else {
        revision::create(state, rollout);
    }
    if grow(state, rollout) || shrink(state, rollout) {
        return;
    }
    if status::is_complete(rollout) {
        revision::forget_oldest(state, rollout);
    }
}

pub(super) fn recreate(state: &mut State, rollout: &mut Rollout) {
    revision::adopt(state, rollout);
    let old = active(&rollout.old);
    if !old.is_empty() {
        for set in old {
            resize(state, rollout, name(&set), 0);
        }
        return;
    }
    if old_pods_run(state, rollout) {
        return;
    }
    if rollout.new.is_none() {
        revision::create(state, rollout);
    }
    if let Some(new) = rollout.new.clone() {
        let wanted = rollout.wanted();
        resize(state, rollout, name(&new), wanted);
    }
    if status::is_complete(rollout) {
        revision::forget_oldest(state, rollout);
    }
}

/// The size that the ReplicaSet of a new template begins with.
pub(super) fn first_size(rollout: &Rollout) -> i64 {
    grown(rollout, 0)
}

/// As many more as the surge allows.
fn grown(rollout: &Rollout, size: i64) -> i64 {
    if !rollout.is_rolling() {
        return rollout.wanted();
    }
    let most = rollout.wanted() + rollout.max_surge();
    let room = (most - rollout.pods()).max(0);
    size + room.min(rollout.wanted() - size).max(0)
}

fn grow(state: &mut State, rollout: &mut Rollout) -> bool {
    let Some(new) = rollout.new.clone() else { return false };
    let wanted = rollout.wanted();
    let replicas = if size(&new) >= wanted { wanted } else { grown(rollout, size(&new)) };
    resize(state, rollout, name(&new), replicas)
}

/// Takes from the old ReplicaSets what the new one makes up for: first the pods that are of no use, then the others.
fn shrink(state: &mut State, rollout: &mut Rollout) -> bool {
    let least = rollout.wanted() - rollout.max_unavailable();
    let (size_of_new, available) =
        rollout.new.as_deref().map_or((0, 0), |new| (size(new), counted(new, "availableReplicas")));
    let surplus = rollout.pods() - least - (size_of_new - available);
    let old = active(&rollout.old);
    if old.is_empty() || surplus <= 0 {
        return false;
    }
    let mut taken = 0;
    for set in &old {
        let of_no_use = size(set) - counted(set, "availableReplicas");
        let take = of_no_use.min(surplus - taken);
        if take > 0 && resize(state, rollout, name(set), size(set) - take) {
            taken += take;
        }
    }
    let mut spare = rollout.counted("availableReplicas") - least;
    for set in active(&rollout.old) {
        let take = size(&set).min(spare);
        if take > 0 && resize(state, rollout, name(&set), size(&set) - take) {
            spare -= take;
            taken += take;
        }
    }
    taken > 0
}

fn active(sets: &[Arc<Value>]) -> Vec<Arc<Value>> {
    sets.iter().filter(|set| size(set) > 0).cloned().collect()
}

fn old_pods_run(state: &State, rollout: &Rollout) -> bool {
    let ended = |pod: &Value| ["Succeeded", "Failed"].contains(&text(pod, "/status/phase"));
    let pods = state.objects("pods.", Some(namespace(&rollout.deployment)));
    let is_old = |pod: &Value| {
        let Some(owner) = controller(pod) else { return false };
        rollout.old.iter().any(|set| set["metadata"]["uid"] == owner["uid"])
    };
    pods.iter().any(|pod| is_old(pod) && !ended(pod))
}
