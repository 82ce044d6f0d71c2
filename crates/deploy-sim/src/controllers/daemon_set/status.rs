//! What a DaemonSet tells of itself.

use serde_json::{Map, Value};

use super::{Daemons, takes};
use crate::controllers::object::{count, generation, is_true};
use crate::controllers::write_status;
use crate::state::State;

/// Writes the status of the pods as they were found, the first of each node.
pub(super) fn write(state: &mut State, daemons: &Daemons) {
    let (mut wanted, mut current, mut misplaced, mut ready, mut updated, mut available) = (0, 0, 0, 0, 0, 0);
    for place in &daemons.nodes {
        let pods = daemons.on(place);
        let is_wanted = takes(place, &daemons.set);
        wanted += i64::from(is_wanted);
        let Some(pod) = pods.first() else { continue };
        if !is_wanted {
            misplaced += 1;
            continue;
        }
        current += 1;
        ready += i64::from(is_true(pod, "Ready"));
        available += i64::from(daemons.is_available(pod, state.now));
        updated += i64::from(daemons.is_updated(pod));
    }
    let mut status = Map::new();
    if let Some(collisions) = daemons.set.pointer("/status/collisionCount") {
        status.insert("collisionCount".into(), collisions.clone());
    }
    for (field, number) in [
        ("currentNumberScheduled", current),
        ("desiredNumberScheduled", wanted),
        ("numberMisscheduled", misplaced),
        ("numberReady", ready),
        ("observedGeneration", generation(&daemons.set)),
    ] {
        status.insert(field.into(), number.into());
    }
    count(&mut status, "updatedNumberScheduled", updated);
    count(&mut status, "numberAvailable", available);
    count(&mut status, "numberUnavailable", wanted - available);
    write_status(state, &daemons.set, Value::Object(status));
}
