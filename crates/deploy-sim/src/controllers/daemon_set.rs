//! DaemonSets: one pod on every node that takes it (`pkg/controller/daemon`).

mod pod;
mod status;
mod update;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::object::{annotation, int, is_deleting, is_true, name, sooner, text};
use super::{claim, each, history, pods};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::node_affinity;
use crate::state::State;
use crate::status::Status;

const SOURCE: &str = "daemonset-controller";
const HASH: &str = "controller-revision-hash";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    each(state, "daemonsets.apps", sync_one)
}

/// A DaemonSet and where its pods are.
struct Daemons {
    set: Arc<Value>,
    nodes: Vec<Arc<Value>>,
    /// But those that are gone as soon as their finalizers are, or ended and are to go.
    pods: Vec<Arc<Value>>,
    /// Of the present template.
    hash: String,
}

fn sync_one(state: &mut State, set: Arc<Value>) -> Option<Timestamp> {
    let all = claim(state, &set, "pods.");
    if is_deleting(&set) {
        return None;
    }
    let revisions = history::list(state, &set);
    let waits = state.retries.waits(&set, state.now);
    if waits.is_some() && !revisions.iter().any(|revision| history::is_of(revision, &set["spec"]["template"]))
    {
        return waits;
    }
    let Ok(hash) = revise(state, &set, &revisions) else { return retry(state, &set) };
    let nodes = state.objects("nodes.", None);
    let is_left = |pod: &&Arc<Value>| !(is_deleting(pod) && pods::has_ended(pod));
    let daemons = Daemons { nodes, pods: all.iter().filter(is_left).cloned().collect(), hash, set };
    let mut next = waits;
    if next.is_none() {
        match manage(state, &daemons) {
            Ok(()) => state.retries.forget(&daemons.set),
            Err(_) => next = retry(state, &daemons.set),
        }
    }
    forget_oldest(state, &daemons, &all, &revisions);
    next = sooner(next, pods::next_available(&daemons.pods, daemons.min_ready_seconds(), state.now));
    status::write(state, &daemons);
    next
}

fn retry(state: &mut State, set: &Value) -> Option<Timestamp> {
    state.retries.refused(set, state.now);
    state.retries.waits(set, state.now)
}

/// The hash of the revision of the present template, which is the latest one.
fn revise(state: &mut State, set: &Value, revisions: &[Arc<Value>]) -> Result<String, Status> {
    let is_present = |revision: &&Arc<Value>| history::is_of(revision, &set["spec"]["template"]);
    let old = revisions.iter().filter(|revision| !is_present(revision));
    let number = old.map(|revision| history::number(revision)).max().unwrap_or(0).saturating_add(1);
    let revision = match revisions.iter().rfind(is_present) {
        Some(present) if history::number(present) < number => history::renew(state, present, number)?,
        Some(present) => Arc::clone(present),
        None => {
            let before = int(set, "/status/collisionCount").unwrap_or(0);
            let mut collisions = before;
            let created = history::create(state, set, HASH, number, &mut collisions)?;
            if collisions != before {
                CONTROLLER_MANAGER.change(state, set, Some("status"), |set| {
                    set["status"]["collisionCount"] = collisions.into();
                })?;
            }
            created
        }
    };
    Ok(hash_of(&revision).to_owned())
}

/// The hash that a pod or a revision is labeled with.
fn hash_of(object: &Value) -> &str {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(HASH)).and_then(Value::as_str).unwrap_or_default()
}

impl Daemons {
    fn min_ready_seconds(&self) -> i64 {
        int(&self.set, "/spec/minReadySeconds").unwrap_or(0)
    }

    /// The pods of a node, those that are on it already first, then the oldest.
    fn on(&self, node: &Value) -> Vec<Arc<Value>> {
        let mut pods: Vec<_> =
            self.pods.iter().filter(|pod| pod::node(pod) == Some(name(node))).cloned().collect();
        pods.sort_by_key(|pod| {
            let created = text(pod, "/metadata/creationTimestamp").to_owned();
            (text(pod, "/spec/nodeName").is_empty(), created, name(pod).to_owned())
        });
        pods
    }

    fn is_updated(&self, pod: &Value) -> bool {
        hash_of(pod) == self.hash
    }

    fn is_available(&self, pod: &Value, now: Timestamp) -> bool {
        pods::is_available(pod, self.min_ready_seconds(), now)
    }

    /// The nodes that are to have a pod.
    fn wanted(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.nodes.iter().filter(|node| takes(node, &self.set))
    }

    /// How many templates the set had, which its pods are labeled with.
    fn template_generation(&self) -> Option<&str> {
        annotation(&self.set, "deprecated.daemonset.template.generation")
    }
}

/// Whether a node is to have a pod: taints count no more than for the scheduler, which knows none.
fn takes(node: &Value, set: &Value) -> bool {
    let spec = &set["spec"]["template"]["spec"];
    let named = text(spec, "/nodeName");
    (named.is_empty() || named == name(node)) && node_affinity::matches(spec, node)
}

/// Brings every node to its pod, then the pods to the present template.
fn manage(state: &mut State, daemons: &Daemons) -> Result<(), Status> {
    let mut is_settled = true;
    let is_surging = update::max_surge(daemons) > 0;
    for node in &daemons.nodes {
        let pods = daemons.on(node);
        let wants = takes(node, &daemons.set);
        if wants && (pods.is_empty() || is_surging && !pods.iter().any(|pod| pods::is_active(pod))) {
            pod::create(state, daemons, node)?;
            is_settled = false;
        }
        for pod in surplus(state, daemons, &pods, wants) {
            pod::delete(state, daemons, &pod)?;
            is_settled = false;
        }
    }
    let is_lost = |pod: &&Arc<Value>| {
        let waits = text(pod, "/spec/nodeName").is_empty() && !is_deleting(pod);
        waits && !daemons.nodes.iter().any(|node| pod::node(pod) == Some(name(node)))
    };
    for pod in daemons.pods.iter().filter(is_lost) {
        pod::delete(state, daemons, pod)?;
    }
    if is_settled && text(&daemons.set, "/spec/updateStrategy/type") == "RollingUpdate" {
        update::roll(state, daemons)?;
    }
    Ok(())
}

/// The pods of a node that are to go, whatever template they are of.
fn surplus(state: &mut State, daemons: &Daemons, pods: &[Arc<Value>], wants: bool) -> Vec<Arc<Value>> {
    let present: Vec<&Arc<Value>> = pods.iter().filter(|pod| !is_deleting(pod)).collect();
    if !wants {
        return present.into_iter().cloned().collect();
    }
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for pod in present {
        let about = format!(
            "daemon pod {}/{} on node {}",
            text(pod, "/metadata/namespace"),
            name(pod),
            pod::node(pod).unwrap_or_default()
        );
        match text(pod, "/status/phase") {
            "Failed" => {
                let message = format!("Found failed {about}, will try to kill it");
                CONTROLLER_MANAGER.event(
                    state,
                    &daemons.set,
                    &Event::warning(SOURCE, "FailedDaemonPod", &message),
                );
                gone.push(Arc::clone(pod));
            }
            "Succeeded" => {
                let message = format!("Found succeeded {about}, will try to delete it");
                CONTROLLER_MANAGER.event(
                    state,
                    &daemons.set,
                    &Event::normal(SOURCE, "SucceededDaemonPod", &message),
                );
                gone.push(Arc::clone(pod));
            }
            _ => kept.push(pod),
        }
    }
    if update::max_surge(daemons) == 0 {
        gone.extend(kept.into_iter().skip(1).cloned());
        return gone;
    }
    // While one takes over from another there may be two: the oldest of each template.
    let mut one_of = |updated: bool| {
        let mut of = kept.iter().filter(|pod| daemons.is_updated(pod) == updated);
        let first = of.next().copied();
        gone.extend(of.map(|pod| Arc::clone(pod)));
        first
    };
    if let (Some(new), Some(old)) = (one_of(true), one_of(false))
        && (!is_true(old, "Ready") || daemons.is_available(new, state.now))
    {
        gone.push(Arc::clone(old));
    }
    gone
}

/// Deletes the oldest revisions that no pod is of, beyond the history's limit.
fn forget_oldest(state: &mut State, daemons: &Daemons, pods: &[Arc<Value>], revisions: &[Arc<Value>]) {
    let limit = int(&daemons.set, "/spec/revisionHistoryLimit").unwrap_or(10);
    let old: Vec<_> = revisions.iter().filter(|revision| hash_of(revision) != daemons.hash).collect();
    let surplus = usize::try_from(limit).map_or(0, |limit| old.len().saturating_sub(limit));
    let is_live = |revision: &Value| pods.iter().any(|pod| hash_of(pod) == hash_of(revision));
    for revision in old.into_iter().filter(|revision| !is_live(revision)).take(surplus) {
        let _ = CONTROLLER_MANAGER.delete(state, revision);
    }
}
