//! From one template to the next, as many nodes at a time as the strategy allows.

use std::sync::Arc;

use serde_json::Value;

use super::{Daemons, pod};
use crate::controllers::object::{is_deleting, portion, text};
use crate::state::State;
use crate::status::Status;

pub(super) fn max_surge(daemons: &Daemons) -> i64 {
    let is_rolling = text(&daemons.set, "/spec/updateStrategy/type") == "RollingUpdate";
    if is_rolling { leeway(daemons, "maxSurge") } else { 0 }
}

fn leeway(daemons: &Daemons, field: &str) -> i64 {
    let value = daemons.set.pointer(&format!("/spec/updateStrategy/rollingUpdate/{field}"));
    let wanted = i64::try_from(daemons.wanted().count()).unwrap_or(i64::MAX);
    value.map_or(0, |value| portion(value, wanted, true))
}

pub(super) fn roll(state: &mut State, daemons: &Daemons) -> Result<(), Status> {
    match max_surge(daemons) {
        0 => replace(state, daemons),
        surge => add_first(state, daemons, surge),
    }
}

/// The old and the new pod of every node; none where there is more than one of each.
fn pairs(daemons: &Daemons) -> Vec<(&Arc<Value>, Option<Pair>)> {
    let pair = |node: &Arc<Value>| {
        let pods: Vec<_> = daemons.on(node).into_iter().filter(|pod| !is_deleting(pod)).collect();
        let (new, old): (Vec<_>, Vec<_>) = pods.into_iter().partition(|pod| daemons.is_updated(pod));
        (new.len() <= 1 && old.len() <= 1)
            .then(|| Pair { new: new.into_iter().next(), old: old.into_iter().next() })
    };
    let taken = daemons.nodes.iter().filter(|node| !daemons.on(node).is_empty());
    taken.map(|node| (node, pair(node))).collect()
}

struct Pair {
    new: Option<Arc<Value>>,
    old: Option<Arc<Value>>,
}

/// Deletes old pods: those that do not serve at once, the others as long as enough nodes have one that does.
fn replace(state: &mut State, daemons: &Daemons) -> Result<(), Status> {
    // Both may round to nothing, and then nothing would ever move.
    let most = leeway(daemons, "maxUnavailable").max(1);
    let is_available = |pod: &Arc<Value>| daemons.is_available(pod, state.now);
    let (mut gone, mut candidates, mut unavailable) = (Vec::new(), Vec::new(), 0);
    for (_, pair) in pairs(daemons) {
        match pair {
            Some(Pair { new: Some(new), old: None }) => unavailable += i64::from(!is_available(&new)),
            Some(Pair { new: None, old: Some(old) }) if is_available(&old) => candidates.push(old),
            Some(Pair { new: None, old: Some(old) }) => {
                unavailable += 1;
                gone.push(old);
            }
            _ => unavailable += 1,
        }
    }
    let left = usize::try_from(most - unavailable).unwrap_or(0);
    gone.extend(candidates.into_iter().take(left));
    gone.iter().try_for_each(|pod| pod::delete(state, daemons, pod))
}

/// Adds new pods beside the old ones, which go when the new ones serve.
fn add_first(state: &mut State, daemons: &Daemons, surge: i64) -> Result<(), Status> {
    let is_available = |pod: &Arc<Value>| daemons.is_available(pod, state.now);
    let (mut gone, mut needy, mut candidates, mut surging) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (node, pair) in pairs(daemons) {
        match pair {
            Some(Pair { old: None, .. }) => {}
            Some(Pair { new: None, old: Some(old) }) if is_available(&old) => candidates.push(node),
            Some(Pair { new: None, .. }) => needy.push(node),
            Some(Pair { new: Some(new), old: Some(old) }) if is_available(&new) => gone.push(old),
            _ => surging += 1,
        }
    }
    let left = usize::try_from(surge - surging).unwrap_or(0);
    needy.extend(candidates.into_iter().take(left));
    gone.iter().try_for_each(|pod| pod::delete(state, daemons, pod))?;
    needy.into_iter().try_for_each(|node| pod::create(state, daemons, node))
}
