//! What a StatefulSet tells of itself.

use serde_json::{Map, Value};

use super::{Rollout, is_running, pod};
use crate::controllers::object::{count, generation, is_deleting, name};
use crate::controllers::{pods, write_status};
use crate::state::State;

/// Writes the status of the pods as they were found.
pub(super) fn write(state: &mut State, rollout: &Rollout) {
    let pods = &rollout.pods;
    let of =
        |revision: &str| pods::number(pods, |found| !is_deleting(found) && pod::revision(found) == revision);
    let replicas = pods::count_of(pods);
    let ready = pods::number(pods, is_running);
    let available = pods::number(pods, |pod| rollout.is_available(pod, state.now));
    let updated = of(name(&rollout.update));
    let (mut current, mut current_revision) =
        (of(name(&rollout.current)) - rollout.leaving, name(&rollout.current));
    let is_complete = [updated, ready, replicas].iter().all(|count| *count == rollout.wanted());
    if rollout.is_rolling() && is_complete {
        (current, current_revision) = (updated, name(&rollout.update));
    }
    let mut status = Map::new();
    status.insert("replicas".into(), replicas.into());
    status.insert("availableReplicas".into(), available.into());
    count(&mut status, "readyReplicas", ready);
    count(&mut status, "currentReplicas", current);
    count(&mut status, "updatedReplicas", updated);
    status.insert("currentRevision".into(), current_revision.into());
    status.insert("updateRevision".into(), name(&rollout.update).into());
    status.insert("collisionCount".into(), rollout.collisions.into());
    status.insert("observedGeneration".into(), generation(&rollout.set).into());
    write_status(state, &rollout.set, Value::Object(status));
}
