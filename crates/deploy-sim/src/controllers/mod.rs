//! The controllers, and the step that lets every component of the cluster do what is due.

mod autoscaler;
mod cluster_role;
mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod garbage;
mod history;
mod job;
mod namespace;
mod namespace_contents;
pub(crate) mod object;
mod pods;
mod quota;
mod replica_set;
mod stateful_set;
#[cfg(test)]
mod tests;
mod volume_claim;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::component::CONTROLLER_MANAGER;
use crate::selector::Selector;
use crate::state::State;
use crate::store::Change;
use crate::{kubelet, scheduler};
use object::{controlled_by, controller, is_deleting, later, push, retain, sooner, uid};

/// Rounds of one step. Each round does at least one thing, so a cluster of any size that a test has comes to rest in fewer.
const MOST_ROUNDS: usize = 100_000;

/// A component, and what it decides by: it has nothing to do before one of these resources changes or its own moment comes.
struct Component {
    /// As errors call it.
    name: &'static str,
    sync: fn(&mut State) -> Option<Timestamp>,
    reads: Reads,
}

/// What a component decides by.
enum Reads {
    /// All resources.
    Everything,
    Only(&'static [&'static str]),
    /// The changes of which this is true.
    If(fn(&Change) -> bool),
}
use Reads::{Everything, If, Only};

const COMPONENTS: &[Component] = &[
    Component { name: "namespace-controller", sync: namespace::sync, reads: Everything },
    Component {
        name: "serviceaccount-controller",
        sync: namespace_contents::sync,
        reads: Only(&["namespaces.", "serviceaccounts.", "configmaps.", "resourcequotas."]),
    },
    Component { name: "garbage-collector-controller", sync: garbage::collect, reads: If(garbage::matters) },
    Component {
        name: "deployment-controller",
        sync: deployment::sync,
        reads: Only(&["deployments.apps", "replicasets.apps", "pods."]),
    },
    Component {
        name: "replicaset-controller",
        sync: replica_set::sync,
        reads: Only(&["replicasets.apps", "pods."]),
    },
    Component {
        name: "statefulset-controller",
        sync: stateful_set::sync,
        reads: Only(&["statefulsets.apps", "pods.", "controllerrevisions.apps", "persistentvolumeclaims."]),
    },
    Component {
        name: "daemonset-controller",
        sync: daemon_set::sync,
        reads: Only(&["daemonsets.apps", "pods.", "controllerrevisions.apps", "nodes."]),
    },
    Component {
        name: "cronjob-controller",
        sync: cron_job::sync,
        reads: Only(&["cronjobs.batch", "jobs.batch"]),
    },
    Component { name: "job-controller", sync: job::sync, reads: Only(&["jobs.batch", "pods."]) },
    Component {
        name: "persistentvolume-binder-controller",
        sync: volume_claim::sync,
        reads: Only(&["persistentvolumeclaims.", "persistentvolumes.", "pods."]),
    },
    Component {
        name: "kube-scheduler",
        sync: scheduler::sync,
        reads: Only(&["pods.", "nodes.", "persistentvolumeclaims."]),
    },
    Component {
        name: "endpoints-controller",
        sync: endpoints::sync,
        reads: Only(&[
            "services.",
            "pods.",
            "endpoints.",
            "endpointslices.discovery.k8s.io",
            "resourcequotas.",
        ]),
    },
    Component {
        name: "disruption-controller",
        sync: disruption::sync,
        // Anything may be a pod's controller.
        reads: Everything,
    },
    Component { name: "horizontal-pod-autoscaler-controller", sync: autoscaler::sync, reads: Everything },
    Component { name: "resourcequota-controller", sync: quota::sync, reads: Everything },
    Component {
        name: "clusterrole-aggregation-controller",
        sync: cluster_role::sync,
        reads: Only(&["clusterroles.rbac.authorization.k8s.io"]),
    },
    Component { name: "kubelet", sync: kubelet::sync, reads: Only(&["pods.", "configmaps.", "secrets."]) },
];

/// What each component knew and waits for.
#[derive(Debug, Default)]
pub(crate) struct Agenda(Vec<Entry>);

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The revision up to which it knows, or need not know, what changed.
    seen: u64,
    due: Option<Timestamp>,
}

impl Entry {
    fn is_due(&self, component: &Component, state: &State) -> bool {
        let is_news = match component.reads {
            Everything => state.store.revision() > self.seen,
            Only(resources) => resources.iter().any(|resource| state.store.changed(resource) > self.seen),
            If(matters) => state.store.since(self.seen).map_or(true, |mut changes| changes.any(matters)),
        };
        self.seen == 0 || is_news || self.due.is_some_and(|due| due <= state.now)
    }
}

/// Lets the controllers, the scheduler and the kubelet work at `state.now` until nobody has anything to do any more. The moment at which
/// something is due next, if nobody writes before.
///
/// # Errors
/// Names the components that answer each other for ever, which is a mistake in them.
pub(crate) fn settle(state: &mut State) -> Result<Option<Timestamp>, String> {
    kubelet::register(state);
    settle_all(COMPONENTS, MOST_ROUNDS, state)
}

fn settle_all(
    components: &[Component],
    rounds: usize,
    state: &mut State,
) -> Result<Option<Timestamp>, String> {
    let mut agenda = std::mem::take(&mut state.agenda);
    agenda.0.resize(components.len(), Entry::default());
    let mut busy = Vec::new();
    for _ in 0..rounds {
        busy.clear();
        for (component, entry) in components.iter().zip(&mut agenda.0) {
            let seen = state.store.revision();
            if entry.is_due(component, state) {
                busy.push(component.name);
                entry.due = (component.sync)(state);
            }
            entry.seen = seen;
        }
        if busy.is_empty() {
            let next = agenda.0.iter().fold(None, |next, entry| sooner(next, entry.due));
            state.agenda = agenda;
            return Ok(next);
        }
    }
    Err(format!("{} never came to rest", busy.join(", ")))
}

/// Syncs every object of a resource; when the first of them is due again.
fn each(
    state: &mut State,
    resource: &str,
    sync: impl Fn(&mut State, Arc<Value>) -> Option<Timestamp>,
) -> Option<Timestamp> {
    let objects = state.objects(resource, None);
    objects.into_iter().fold(None, |next, object| sooner(next, sync(state, object)))
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
        *until = later(now, SignedDuration::from_millis(wait));
    }

    fn forget(&mut self, object: &Value) {
        self.0.remove(uid(object));
    }
}

/// The objects of a resource that an object controls by its selector: those that match and nobody owns are adopted, those that match no
/// more let go.
fn claim(state: &mut State, owner: &Value, resource: &str) -> Vec<Arc<Value>> {
    claim_if(state, owner, resource, |_| true)
}

/// Those of which something else holds, too.
fn claim_if(
    state: &mut State,
    owner: &Value,
    resource: &str,
    is_fit: impl Fn(&Value) -> bool,
) -> Vec<Arc<Value>> {
    let namespace = object::namespace(owner).to_owned();
    let selector = Selector::of(&owner["spec"]["selector"]);
    let mut claimed = Vec::new();
    for candidate in state.objects(resource, Some(&namespace)) {
        let matches = selector.matches(&candidate) && is_fit(&candidate);
        match controller(&candidate) {
            Some(reference) if reference["uid"] != owner["metadata"]["uid"] => {}
            Some(_) if matches || is_deleting(&candidate) => claimed.push(candidate),
            Some(_) => {
                let owner = uid(owner);
                let _ = CONTROLLER_MANAGER.change(state, &candidate, None, |object| disown(object, owner));
            }
            None if matches && !is_deleting(&candidate) && !is_deleting(owner) => {
                let adopted = CONTROLLER_MANAGER.change(state, &candidate, None, |object| {
                    push(object, "ownerReferences", controlled_by(owner));
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
    retain(object, "ownerReferences", |reference| reference["uid"] != owner);
}

/// Deletes an object after its dependents.
fn delete_in_foreground(state: &mut State, object: &Value) {
    let held = CONTROLLER_MANAGER.change(state, object, None, |object| {
        push(object, "finalizers", garbage::FOREGROUND.into());
    });
    if held.is_ok() {
        let _ = CONTROLLER_MANAGER.delete(state, object);
    }
}

/// Removes a finalizer.
fn remove_finalizer(state: &mut State, object: &Value, name: &str) {
    let _ = CONTROLLER_MANAGER.change(state, object, None, |object| {
        retain(object, "finalizers", |finalizer| finalizer != name);
    });
}

/// Writes the status where it is another one.
fn write_status(state: &mut State, object: &Value, status: Value) {
    if object.get("status") != Some(&status) {
        // Who is refused tries again at the next change.
        let _ = CONTROLLER_MANAGER.change(state, object, Some("status"), |object| object["status"] = status);
    }
}
