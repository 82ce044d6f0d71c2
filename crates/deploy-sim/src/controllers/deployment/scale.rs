//! A Deployment that got another size in the middle of a rollout: every ReplicaSet gets its share.

use serde_json::Value;

use super::{DESIRED, MOST, Rollout, counted, resize, size};
use crate::controllers::object::{annotation, name};
use crate::state::State;

pub(super) fn proportionally(state: &mut State, rollout: &mut Rollout) {
    let wanted = rollout.wanted();
    let active: Vec<_> = rollout.sets().filter(|set| size(set) > 0).cloned().collect();
    match active.as_slice() {
        [] => {
            if let Some(set) = rollout.new.clone().or_else(|| rollout.old.last().cloned()) {
                resize(state, rollout, name(&set), wanted);
            }
        }
        [only] => drop(resize(state, rollout, name(only), wanted)),
        _ if is_saturated(rollout) => {
            for set in rollout.old.clone().into_iter().filter(|set| size(set) > 0) {
                resize(state, rollout, name(&set), 0);
            }
        }
        _ if rollout.is_rolling() => {
            let most = if wanted > 0 { wanted + rollout.max_surge() } else { 0 };
            let to_add = most - active.iter().map(|set| size(set)).sum::<i64>();
            let mut sorted = active;
            // The largest first; of those of the same size the newer one grows and the older one shrinks first.
            if to_add > 0 {
                sorted.reverse();
            }
            sorted.sort_by_key(|set| std::cmp::Reverse(size(set)));
            let mut sizes = Vec::new();
            let mut added = 0;
            for set in &sorted {
                let share = share(rollout, set, to_add, added);
                added += share;
                sizes.push(size(set) + share);
            }
            if let Some(first) = sizes.first_mut() {
                *first = (*first + to_add - added).max(0);
            }
            for (set, replicas) in sorted.iter().zip(sizes) {
                resize(state, rollout, name(set), replicas);
            }
        }
        _ => {}
    }
}

/// Whether the new ReplicaSet has all that the Deployment wants.
fn is_saturated(rollout: &Rollout) -> bool {
    let wanted = rollout.wanted();
    rollout.new.as_deref().is_some_and(|new| {
        let told = annotation(new, DESIRED).and_then(|told| told.parse::<i64>().ok());
        size(new) == wanted && told == Some(wanted) && counted(new, "availableReplicas") == wanted
    })
}

fn share(rollout: &Rollout, set: &Value, to_add: i64, added: i64) -> i64 {
    if to_add == 0 || to_add == added {
        return 0;
    }
    let replicas = size(set);
    let fraction = if rollout.wanted() == 0 {
        -replicas
    } else {
        let told = annotation(set, MOST).and_then(|told| told.parse::<i64>().ok());
        let before = told.unwrap_or_else(|| counted(&rollout.deployment, "replicas")).max(1);
        let scaled = replicas * (rollout.wanted() + rollout.max_surge());
        // Rounded to the nearest.
        (scaled * 2 + before) / (before * 2) - replicas
    };
    let left = to_add - added;
    if to_add > 0 { fraction.min(left) } else { fraction.max(left) }
}
