//! Deployments: from one ReplicaSet to the next (`pkg/controller/deployment`).

mod revision;
mod rollout;
mod scale;
mod status;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{self, annotate, annotation, int, is_deleting, portion, text};
use super::{claim, each};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::state::State;

const SOURCE: &str = "deployment-controller";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// A progress deadline and a history limit of this number are none.
const NONE: i64 = i32::MAX as i64;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    each(state, "deployments.apps", sync_one)
}

/// A Deployment and its ReplicaSets, as they were read and then written.
struct Rollout {
    deployment: Arc<Value>,
    /// The ReplicaSet of the present template.
    new: Option<Arc<Value>>,
    /// All others, the oldest first.
    old: Vec<Arc<Value>>,
}

fn sync_one(state: &mut State, deployment: Arc<Value>) -> Option<Timestamp> {
    let mut sets = claim(state, &deployment, "replicasets.apps");
    sets.sort_by(|one, other| age(one).cmp(&age(other)));
    let is_new = |set: &Arc<Value>| revision::same_template(set, &deployment);
    let new = sets.iter().find(|set| is_new(set)).cloned();
    let old =
        sets.into_iter().filter(|set| Some(object::uid(set)) != new.as_deref().map(object::uid)).collect();
    let mut rollout = Rollout { deployment, new, old };
    if is_deleting(&rollout.deployment) {
        return status::write(state, &rollout, false);
    }
    if status::tell_pause(state, &mut rollout) {
        return Some(state.now);
    }
    if rollout.is_paused() || rollout.was_scaled() {
        revision::adopt(state, &mut rollout);
        scale::proportionally(state, &mut rollout);
        if rollout.is_paused() {
            revision::forget_oldest(state, &rollout);
        }
        return status::write(state, &rollout, false);
    }
    if text(&rollout.deployment, "/spec/strategy/type") == "Recreate" {
        rollout::recreate(state, &mut rollout);
    } else {
        rollout::roll(state, &mut rollout);
    }
    status::write(state, &rollout, true)
}

/// Kubernetes sorts by creation, then by name.
fn age(set: &Value) -> (&str, &str) {
    (text(set, "/metadata/creationTimestamp"), object::name(set))
}

impl Rollout {
    fn wanted(&self) -> i64 {
        int(&self.deployment, "/spec/replicas").unwrap_or(1).max(0)
    }

    fn is_paused(&self) -> bool {
        self.deployment["spec"]["paused"] == true
    }

    fn is_rolling(&self) -> bool {
        text(&self.deployment, "/spec/strategy/type") == "RollingUpdate"
    }

    fn sets(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    /// The pods that the ReplicaSets are to have.
    fn pods(&self) -> i64 {
        self.sets().map(|set| size(set)).sum()
    }

    /// Pods of all ReplicaSets by a count of their statuses.
    fn counted(&self, field: &str) -> i64 {
        self.sets().map(|set| counted(set, field)).sum()
    }

    /// Whether the Deployment has another size than its ReplicaSets were told.
    fn was_scaled(&self) -> bool {
        let told = |set: &Arc<Value>| annotation(set, DESIRED).and_then(|told| told.parse::<i64>().ok());
        self.sets().filter(|set| size(set) > 0).any(|set| told(set).is_some_and(|told| told != self.wanted()))
    }

    /// The pods that there may be more than wanted, and fewer: surge rounds up, unavailability down.
    fn leeway(&self) -> (i64, i64) {
        let rolling = &self.deployment["spec"]["strategy"]["rollingUpdate"];
        let of = |field: &str, up: bool| portion(&rolling[field], self.wanted(), up);
        match (of("maxSurge", true), of("maxUnavailable", false)) {
            // Both may round to nothing, and then nothing would ever move.
            (0, 0) => (0, 1),
            leeway => leeway,
        }
    }

    fn max_surge(&self) -> i64 {
        if self.is_rolling() { self.leeway().0 } else { 0 }
    }

    fn max_unavailable(&self) -> i64 {
        if self.is_rolling() && self.wanted() > 0 { self.leeway().1.min(self.wanted()) } else { 0 }
    }
}

fn size(set: &Value) -> i64 {
    int(set, "/spec/replicas").unwrap_or(0)
}

fn counted(set: &Value, field: &str) -> i64 {
    set["status"][field].as_i64().unwrap_or(0)
}

/// Gives a ReplicaSet its size and tells it the Deployment's; whether its size is another one now.
fn resize(state: &mut State, rollout: &mut Rollout, name: &str, replicas: i64) -> bool {
    let (wanted, most) = (rollout.wanted().to_string(), (rollout.wanted() + rollout.max_surge()).to_string());
    let Some(set) = rollout.old.iter_mut().chain(&mut rollout.new).find(|set| object::name(set) == name)
    else {
        return false;
    };
    let before = size(set);
    let is_told = annotation(set, DESIRED) == Some(&wanted) && annotation(set, MOST) == Some(&most);
    if before == replicas && is_told {
        return false;
    }
    let written = CONTROLLER_MANAGER.change(state, set, None, |set| {
        set["spec"]["replicas"] = replicas.into();
        annotate(set, DESIRED, &wanted);
        annotate(set, MOST, &most);
    });
    let Ok(Some(written)) = written else { return false };
    *set = written;
    if before == replicas {
        return false;
    }
    let direction = if replicas > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {name} from {before} to {replicas}");
    let deployment = Arc::clone(&rollout.deployment);
    CONTROLLER_MANAGER.event(state, &deployment, &Event::normal(SOURCE, "ScalingReplicaSet", &message));
    true
}

/// A condition that was told now.
fn told(state: &State, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let time = state.time();
    json!({
        "type": kind, "status": status, "lastUpdateTime": time, "lastTransitionTime": time, "reason": reason,
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surge_rounds_up_and_unavailability_down() {
        let check = |replicas: i64, surge: Value, unavailable: Value, expect: (i64, i64)| {
            let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
            let deployment = Arc::new(json!({"spec": {"replicas": replicas, "strategy": strategy}}));
            let rollout = Rollout { deployment, new: None, old: Vec::new() };
            assert_eq!(rollout.leeway(), expect, "{replicas} {surge} {unavailable}");
        };
        check(2, json!("25%"), json!("25%"), (1, 0));
        check(4, json!("25%"), json!("25%"), (1, 1));
        check(10, json!("25%"), json!("25%"), (3, 2));
        check(3, json!(0), json!("25%"), (0, 1));
        check(3, json!(2), json!(1), (2, 1));
        check(0, json!("50%"), json!("50%"), (0, 1));
    }
}
