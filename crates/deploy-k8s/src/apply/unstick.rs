//! A StatefulSet whose pods are started in order waits for ever for a broken pod of an older revision: Kubernetes deletes it only
//! once it is ready (kubernetes/kubernetes#67250). It is deleted here, by its uid, once.

use std::collections::HashSet;

use deploy_core::event::EventKind;
use deploy_core::health::World;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::run::Run;
use serde_json::Value;

use crate::api::{Cluster, Resource};

const REVISION: &str = "controller-revision-hash";

/// The pods that were deleted already.
#[derive(Default)]
pub(super) struct Unstick(HashSet<String>);

impl Unstick {
    /// Deletes `pod`, unless it was before. A pod that cannot be deleted is a warning: the rollout then times out and says so.
    pub(super) async fn delete(&mut self, cluster: &Cluster, pod: &Object, run: &Run) {
        let (Some(uid), Some(pods)) = (pod.uid(), Resource::built_in_kind("", "Pod")) else { return };
        if !self.0.insert(uid.to_owned()) {
            return;
        }
        let message = match cluster.delete(&pods.within(pod.namespace()), pod.name(), Some(uid)).await {
            Ok(_) => {
                format!("{} of an older revision was broken and held up its StatefulSet: deleted", pod.id())
            }
            Err(error) => {
                format!("{} of an older revision is broken and holds up its StatefulSet: {error}", pod.id())
            }
        };
        run.emit(EventKind::Warning { message });
    }
}

/// The pods of older revisions that are not ready and hold up one of `sets`.
pub(super) fn stuck_pods<'a>(world: &World, sets: impl Iterator<Item = &'a ObjectId>) -> Vec<Object> {
    let sets = sets.filter(|id| id.is("apps", "StatefulSet")).filter_map(|id| world.get(id));
    sets.filter(|set| is_ordered(set) && is_observed(set))
        .flat_map(|set| {
            let update = set.get("/status/updateRevision").and_then(Value::as_str).unwrap_or_default();
            let pods =
                world.owned_by(set.uid().unwrap_or_default()).filter(|object| object.id().is("", "Pod"));
            let partition =
                set.get("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_u64).unwrap_or(0);
            pods.filter(move |pod| {
                // Below the partition the older revision is meant.
                let ordinal =
                    pod.name().rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse::<u64>().ok());
                if ordinal.is_some_and(|ordinal| ordinal < partition) {
                    return false;
                }
                pod.label(REVISION).is_some_and(|revision| !update.is_empty() && revision != update)
                    && pod.get("/metadata/deletionTimestamp").is_none()
                    && is_broken(pod)
            })
        })
        .cloned()
        .collect()
}

fn is_ordered(set: &Object) -> bool {
    let text = |pointer: &str| set.get(pointer).and_then(Value::as_str);
    text("/spec/podManagementPolicy") != Some("Parallel")
        && text("/spec/updateStrategy/type") != Some("OnDelete")
}

fn is_observed(set: &Object) -> bool {
    set.get("/status/observedGeneration").is_some_and(|seen| Some(seen) == set.get("/metadata/generation"))
}

/// A container that waits for something that does not come, or ended badly: not one that is only starting or not ready yet.
fn is_broken(pod: &Object) -> bool {
    const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    statuses.iter().filter_map(|pointer| pod.get(pointer)?.as_array()).flatten().any(|status| {
        let waiting = status.pointer("/state/waiting/reason").and_then(Value::as_str);
        let exit = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
        waiting.is_some_and(|reason| !STARTING.contains(&reason)) || exit.is_some_and(|code| code != 0)
    }) || unschedulable(pod)
}

fn unschedulable(pod: &Object) -> bool {
    let conditions =
        pod.get("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    conditions
        .iter()
        .any(|condition| condition.get("reason").and_then(Value::as_str) == Some("Unschedulable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::clock::Timestamp;
    use serde_json::json;

    fn stuck(pod_revision: &str, pod_status: &Value, policy: &str) -> usize {
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "redis", "namespace": "shop", "uid": "s", "generation": 3},
            "spec": {"podManagementPolicy": policy},
            "status": {"observedGeneration": 3, "updateRevision": "redis-good"}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "redis-0", "namespace": "shop", "uid": "p", "labels": {REVISION: pod_revision},
                "ownerReferences": [{"uid": "s", "kind": "StatefulSet", "name": "redis", "controller": true}]},
            "status": pod_status});
        let mut world = World::new();
        for object in [set, pod] {
            world.upsert(Object::new(object).unwrap(), Timestamp::UNIX_EPOCH);
        }
        let id = ObjectId::new("apps", "StatefulSet", Some("shop"), "redis");
        stuck_pods(&world, std::iter::once(&id)).len()
    }

    #[test]
    fn only_broken_pods_of_older_revisions_of_ordered_sets() {
        let waiting = |reason: &str| json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason}}}]});
        let check = |revision: &str, status: Value, policy: &str, expect: usize| {
            assert_eq!(stuck(revision, &status, policy), expect, "{revision} {status} {policy}");
        };
        check("redis-bad", waiting("ImagePullBackOff"), "OrderedReady", 1);
        check(
            "redis-bad",
            json!({"containerStatuses": [{"state": {"terminated": {"exitCode": 1}}}]}),
            "OrderedReady",
            1,
        );
        check("redis-bad", json!({"conditions": [{"reason": "Unschedulable"}]}), "OrderedReady", 1);
        check("redis-bad", waiting("ContainerCreating"), "OrderedReady", 0);
        check("redis-bad", json!({"containerStatuses": [{"state": {"running": {}}}]}), "OrderedReady", 0);
        check("redis-good", waiting("ImagePullBackOff"), "OrderedReady", 0);
        check("redis-bad", waiting("ImagePullBackOff"), "Parallel", 0);
    }
}
