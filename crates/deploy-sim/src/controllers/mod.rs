//! The controllers, and the step that lets every component of the cluster do what is due.

mod deployment;
mod garbage;
mod namespace;
pub(crate) mod object;
mod replica_set;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::component::CONTROLLER_MANAGER;
use crate::selector::Selector;
use crate::state::State;
use crate::{kubelet, scheduler};
use object::{controlled_by, controller, is_deleting, sooner, uid};

/// Rounds of one step. Each round does at least one thing, so a cluster of any size that a test has comes to rest in fewer.
const MOST_ROUNDS: usize = 1_000;
/// When a step that was not at rest by then goes on.
const BREATH: SignedDuration = SignedDuration::from_millis(10);

/// Lets the controllers, the scheduler and the kubelet work at `state.now` until nothing changes any more. The moment at which something
/// is due next, if nobody writes before.
pub(crate) fn settle(state: &mut State) -> Option<Timestamp> {
    const COMPONENTS: [fn(&mut State) -> Option<Timestamp>; 6] = [
        namespace::sync,
        garbage::collect,
        deployment::sync,
        replica_set::sync,
        scheduler::sync,
        kubelet::sync,
    ];
    kubelet::register(state);
    for _ in 0..MOST_ROUNDS {
        let before = state.store.revision();
        let next = COMPONENTS.iter().fold(None, |next, sync| sooner(next, sync(state)));
        if state.store.revision() == before && next.is_none_or(|next| next > state.now) {
            return next;
        }
    }
    Some(state.now + BREATH)
}

/// When controllers try again what was refused: after 5 ms at first, twice as long every time, at most 1,000 s
/// (`client-go/util/workqueue`).
#[derive(Debug, Default)]
pub(crate) struct Retries(BTreeMap<String, (u32, Timestamp)>);

impl Retries {
    /// When the object is to be tried again, if it has to wait.
    fn waits(&self, object: &Value, now: Timestamp) -> Option<Timestamp> {
        self.0.get(uid(object)).map(|(_, until)| *until).filter(|until| *until > now)
    }

    fn refused(&mut self, object: &Value, now: Timestamp) {
        let (times, until) = self.0.entry(uid(object).to_owned()).or_insert((0, now));
        let wait = 5_i64.saturating_mul(1 << (*times).min(18)).min(1_000_000);
        *times += 1;
        *until = now + SignedDuration::from_millis(wait);
    }

    fn forget(&mut self, object: &Value) {
        self.0.remove(uid(object));
    }
}

/// The objects of a resource that an object controls by its selector: those that match and nobody owns are adopted, those that match no
/// more let go.
fn claim(state: &mut State, owner: &Value, resource: &str) -> Vec<Arc<Value>> {
    let namespace = object::namespace(owner).to_owned();
    let selector = Selector::of(&owner["spec"]["selector"]);
    let mut claimed = Vec::new();
    for candidate in state.objects(resource, Some(&namespace)) {
        let matches = selector.matches(&candidate);
        match controller(&candidate) {
            Some(reference) if reference["uid"] != owner["metadata"]["uid"] => {}
            Some(_) if matches || is_deleting(&candidate) => claimed.push(candidate),
            Some(_) => {
                let owner = uid(owner);
                let _ = CONTROLLER_MANAGER.change(state, &candidate, None, |object| disown(object, owner));
            }
            None if matches && !is_deleting(&candidate) && !is_deleting(owner) => {
                let adopted = CONTROLLER_MANAGER.change(state, &candidate, None, |object| {
                    let owners = &mut object["metadata"]["ownerReferences"];
                    match owners.as_array_mut() {
                        Some(owners) => owners.push(controlled_by(owner)),
                        None => *owners = json!([controlled_by(owner)]),
                    }
                });
                claimed.extend(adopted.ok().flatten());
            }
            None => {}
        }
    }
    claimed
}

/// Removes the reference to an owner.
fn disown(object: &mut Value, owner: &str) {
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
        owners.retain(|reference| reference["uid"] != owner);
        if owners.is_empty() {
            metadata.remove("ownerReferences");
        }
    }
}

/// Writes the status where it is another one.
fn write_status(state: &mut State, object: &Value, status: Value) {
    if object.get("status") != Some(&status) {
        // Who is refused tries again at the next change.
        let _ = CONTROLLER_MANAGER.change(state, object, Some("status"), |object| object["status"] = status);
    }
}
