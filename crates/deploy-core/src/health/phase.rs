//! How far a pod is, for a timeline: what a person is shown, never what is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::World;
use super::read::{Condition, Read, clip};
use super::signs;
use super::track::MAX_CONTAINERS;
use crate::event::EventKind;
use crate::manifest::{Object, ObjectId};

/// The most characters of the cluster's word for a phase.
const MAX_REASON: usize = 64;

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PodPhase {
    /// It has no node yet.
    Pending,
    /// It has a node; no container of its own runs yet: images are pulled, volumes mounted, init containers run.
    Starting,
    /// It runs and is not ready.
    Running,
    /// It is ready.
    Ready,
    /// A container cannot start or ended badly, or the pod itself failed. It may still recover.
    Failing,
    /// It ended well.
    Succeeded,
    /// It is being deleted.
    Terminating,
    /// It is there no more.
    Gone,
}

impl PodPhase {
    /// The phase of a pod as it stands, and the cluster's own word for it where it waits or fails, as in `ImagePullBackOff`.
    pub fn of(pod: &Object) -> (Self, Option<String>) {
        let (phase, reason) = phase_of(pod);
        (phase, reason.map(|reason| clip(reason, MAX_REASON)))
    }
}

impl fmt::Display for PodPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running, not ready",
            Self::Ready => "ready",
            Self::Failing => "failing",
            Self::Succeeded => "succeeded",
            Self::Terminating => "being deleted",
            Self::Gone => "gone",
        })
    }
}

fn phase_of(pod: &Object) -> (PodPhase, Option<&str>) {
    let phase = pod.text("/status/phase").unwrap_or_default();
    if pod.has("/metadata/deletionTimestamp") {
        return (PodPhase::Terminating, None);
    }
    match phase {
        "Succeeded" => return (PodPhase::Succeeded, None),
        "Failed" => return (PodPhase::Failing, pod.text("/status/reason").or(Some(phase))),
        _ => {}
    }
    let init = pod.items("/status/initContainerStatuses").take(MAX_CONTAINERS);
    let own = || pod.items("/status/containerStatuses").take(MAX_CONTAINERS);
    if let Some(sign) = init.chain(own()).find_map(bad_sign) {
        return (PodPhase::Failing, Some(sign));
    }
    if Condition::find(pod, "Ready").is_some_and(Condition::is_true) {
        return (PodPhase::Ready, None);
    }
    if pod.text("/spec/nodeName").is_none() {
        let refused = Condition::find(pod, "PodScheduled").filter(|condition| condition.is_false());
        return (PodPhase::Pending, refused.map(Condition::reason).filter(|reason| !reason.is_empty()));
    }
    let runs = own().any(|status| status.has("/state/running"));
    (if runs { PodPhase::Running } else { PodPhase::Starting }, None)
}

/// What is wrong with a container, in the cluster's word.
fn bad_sign(status: &Value) -> Option<&str> {
    let waits = status.text("/state/waiting/reason").filter(|reason| signs::waiting(reason).is_some());
    let ended = status.int("/state/terminated/exitCode").filter(|code| *code != 0);
    waits.or_else(|| ended.and(status.text("/state/terminated/reason").or(Some("Error"))))
}

/// What was told of the pods of followed workloads, so that only news is told.
#[derive(Clone, Debug, Default)]
pub struct PodPhases {
    workloads: BTreeMap<ObjectId, Told>,
}

#[derive(Clone, Debug, Default)]
struct Told {
    /// The uids of the workload and of what it owns, kept when they go: their pods go later.
    owners: BTreeSet<String>,
    pods: BTreeMap<String, (PodPhase, Option<String>)>,
}

impl PodPhases {
    /// Nothing was told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is new of the pods of `workload`, of all its revisions, by name; a Pod is its own.
    pub fn news(&mut self, workload: &ObjectId, world: &World) -> Vec<EventKind> {
        let told = self.workloads.entry(workload.clone()).or_default();
        let now = pods_in(workload, &mut told.owners, world);
        let gone = told.pods.keys().filter(|pod| !now.contains_key(pod.as_str()));
        let mut news: Vec<_> = gone.map(|pod| (pod.clone(), PodPhase::Gone, None)).collect();
        for (pod, known) in now {
            if told.pods.get(pod) != Some(known) {
                let (phase, reason) = known.clone();
                news.push((pod.to_owned(), phase, reason));
            }
        }
        for (pod, phase, reason) in &news {
            if *phase == PodPhase::Gone {
                told.pods.remove(pod);
            } else {
                told.pods.insert(pod.clone(), (*phase, reason.clone()));
            }
        }
        let event = |(pod, phase, reason)| EventKind::Pod { object: workload.clone(), pod, phase, reason };
        news.into_iter().map(event).collect()
    }
}

/// The pods of a workload and of all that it owns, by name. `owners` are those known from before, and afterwards from now.
fn pods_in<'a>(
    workload: &'a ObjectId,
    owners: &mut BTreeSet<String>,
    world: &'a World,
) -> BTreeMap<&'a str, &'a (PodPhase, Option<String>)> {
    let top = world.seen(workload);
    let mut pods = BTreeMap::new();
    if let Some(phase) = top.and_then(|top| top.phase.as_ref()) {
        pods.insert(workload.name.as_str(), phase);
        return pods;
    }
    let mut uids: Vec<String> = owners.iter().cloned().collect();
    owners.clear();
    uids.extend(top.and_then(|top| top.object.uid()).map(str::to_owned));
    while let Some(uid) = uids.pop() {
        if owners.contains(&uid) {
            continue;
        }
        for (id, seen) in world.ids_owned_by(&uid) {
            match &seen.phase {
                Some(phase) => {
                    pods.insert(id.name.as_str(), phase);
                }
                None => uids.extend(seen.object.uid().map(str::to_owned)),
            }
        }
        owners.insert(uid);
    }
    pods
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    fn pod(mut rest: Value) -> Object {
        let owner = json!({"kind": "ReplicaSet", "name": "api-1", "uid": "rs", "controller": true});
        rest["apiVersion"] = "v1".into();
        rest["kind"] = "Pod".into();
        rest["metadata"]["name"] = "api-1-x".into();
        rest["metadata"]["namespace"] = "shop".into();
        rest["metadata"]["uid"] = "pod".into();
        rest["metadata"]["ownerReferences"] = json!([owner]);
        Object::new(rest).unwrap()
    }

    #[test]
    fn is_how_far_it_is() {
        let check = |found: Value, phase: PodPhase, reason: Option<&str>| {
            assert_eq!(PodPhase::of(&pod(found)), (phase, reason.map(str::to_owned)));
        };
        let on_node = |status: Value| json!({"spec": {"nodeName": "n"}, "status": status});
        let container =
            |state: Value| on_node(json!({"containerStatuses": [{"name": "api", "state": state}]}));
        check(json!({}), PodPhase::Pending, None);
        let refused = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]);
        check(json!({"status": {"conditions": refused}}), PodPhase::Pending, Some("Unschedulable"));
        check(on_node(json!({})), PodPhase::Starting, None);
        check(container(json!({"waiting": {"reason": "ContainerCreating"}})), PodPhase::Starting, None);
        check(container(json!({"running": {}})), PodPhase::Running, None);
        let pull = container(json!({"waiting": {"reason": "ErrImagePull"}}));
        check(pull, PodPhase::Failing, Some("ErrImagePull"));
        let end = |code: i64| json!({"terminated": {"exitCode": code, "reason": "OOMKilled"}});
        check(container(end(137)), PodPhase::Failing, Some("OOMKilled"));
        check(container(end(0)), PodPhase::Starting, None);
        let init =
            |code: i64| on_node(json!({"initContainerStatuses": [{"name": "warm", "state": end(code)}]}));
        check(init(0), PodPhase::Starting, None);
        check(init(1), PodPhase::Failing, Some("OOMKilled"));
        let ready = on_node(json!({"conditions": [{"type": "Ready", "status": "True"}]}));
        check(ready, PodPhase::Ready, None);
        check(json!({"status": {"phase": "Succeeded"}}), PodPhase::Succeeded, None);
        check(
            json!({"status": {"phase": "Failed", "reason": "Evicted"}}),
            PodPhase::Failing,
            Some("Evicted"),
        );
        let going = json!({"metadata": {"deletionTimestamp": "2026-11-21T07:53:25Z"}});
        check(going, PodPhase::Terminating, None);
        check(
            json!({"status": {"phase": 1, "conditions": 2, "containerStatuses": {}}}),
            PodPhase::Pending,
            None,
        );
    }

    #[test]
    fn only_news_is_told_and_of_pods_that_outlive_their_owner_too() {
        let at = Timestamp::UNIX_EPOCH;
        let object = |value| Object::new(value).unwrap();
        let deployment = object(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "shop", "uid": "deployment"},
        }));
        let set = object(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "api-1", "namespace": "shop", "uid": "rs", "ownerReferences": [{"uid": "deployment"}]},
        }));
        let (mut world, mut phases) = (World::new(), PodPhases::new());
        let mut news = |world: &World| -> Vec<String> {
            phases.news(&deployment.id(), world).iter().map(ToString::to_string).collect()
        };
        world.upsert(pod(json!({})), at);
        world.upsert(deployment.clone(), at);
        assert!(news(&world).is_empty(), "its ReplicaSet was not seen yet");
        world.upsert(set.clone(), at);
        assert_eq!(news(&world), ["Deployment shop/api: pod api-1-x is pending"]);
        assert!(news(&world).is_empty());
        world.remove(&deployment, at);
        world.remove(&set, at);
        world.upsert(pod(json!({"metadata": {"deletionTimestamp": "2026-11-21T07:53:25Z"}})), at);
        assert_eq!(news(&world), ["Deployment shop/api: pod api-1-x is being deleted"]);
        world.remove(&pod(json!({})), at);
        assert_eq!(news(&world), ["Deployment shop/api: pod api-1-x is gone"]);
        assert!(news(&world).is_empty());
    }
}
