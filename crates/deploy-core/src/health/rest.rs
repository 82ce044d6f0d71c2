//! What is well by its own word, without a look at its pods: an object that nobody changed for a while.

use super::read::Read;
use super::signs::CLOCK_SKEW;
use super::{Judge, Patience};
use crate::clock::Timestamp;
use crate::manifest::Object;

impl Judge {
    /// Whether a Deployment that a run leaves as it is has been complete and available for so long that its pods have settled, whatever
    /// its cluster's clock and `now` differ by (up to a minute). `false` for all other kinds, whose status does not say since when; they,
    /// and what is not at rest, are judged by their pods.
    pub fn is_at_rest(&self, object: &Object, now: Timestamp) -> bool {
        object.id().is("apps", "Deployment")
            && !self.has_rule("apps", "Deployment")
            && is_deployment_at_rest(object, self.patience(), now)
    }
}

fn is_deployment_at_rest(object: &Object, patience: &Patience, now: Timestamp) -> bool {
    let wanted = object.int("/spec/replicas").unwrap_or(1);
    let all = |field: &str| object.count(&format!("/status/{field}")) == wanted;
    let observed = object.int("/status/observedGeneration") == object.int("/metadata/generation");
    let long_ago = |kind: &str, reason: Option<&str>, time: &str| {
        object.items("/status/conditions").any(|condition| {
            let since = condition.get(time).and_then(|time| time.as_str()?.parse::<Timestamp>().ok());
            condition["type"] == kind
                && condition["status"] == "True"
                && reason.is_none_or(|reason| condition["reason"] == reason)
                && since.is_some_and(|since| now.since(since) >= patience.settling + CLOCK_SKEW)
        })
    };
    observed
        && ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"].into_iter().all(all)
        && long_ago("Available", None, "lastTransitionTime")
        // A rolling update does not end the availability; it ends here.
        && long_ago("Progressing", Some("NewReplicaSetAvailable"), "lastUpdateTime")
        && !object.flag("/spec/paused")
        && !object.has("/metadata/deletionTimestamp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at_rest(change: impl FnOnce(&mut Value)) -> bool {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "generation": 2}, "spec": {"replicas": 2},
            "status": {
                "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                "conditions": [
                    {"type": "Available", "status": "True", "lastTransitionTime": "2026-11-21T10:00:00Z"},
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": "2026-11-21T10:00:00Z"},
                ],
            },
        });
        change(&mut object);
        let now = "2026-11-21T10:02:00Z".parse().unwrap();
        Judge::new(Patience::default()).is_at_rest(&Object::new(object).unwrap(), now)
    }

    #[test]
    fn only_what_is_complete_and_has_been_for_a_while() {
        assert!(at_rest(|_| {}));
        let changes: [fn(&mut Value); 9] = [
            |object| object["status"]["conditions"][0]["lastTransitionTime"] = "2026-11-21T10:01:30Z".into(),
            |object| object["status"]["conditions"][1]["lastUpdateTime"] = "2026-11-21T10:01:30Z".into(),
            |object| object["status"]["conditions"][1]["reason"] = "ReplicaSetUpdated".into(),
            |object| object["status"]["conditions"][0]["status"] = "False".into(),
            |object| object["status"]["availableReplicas"] = 1.into(),
            |object| object["status"]["replicas"] = 3.into(),
            |object| object["metadata"]["generation"] = 3.into(),
            |object| object["spec"]["paused"] = true.into(),
            |object| object["status"] = Value::Null,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert!(!at_rest(change), "change {index}");
        }
        assert!(!at_rest(|object| object["kind"] = "StatefulSet".into()));
    }
}
