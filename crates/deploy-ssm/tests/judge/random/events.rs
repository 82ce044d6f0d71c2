//! Events, and the words of the cluster.

use serde_json::json;

use super::World;

impl World {
    /// A new Event about something, or an old one again.
    pub(super) fn event(&mut self) {
        if !self.events.is_empty() && self.once_in(3) {
            let index = self.rng.usize(..self.events.len());
            let again = self.events[index]["count"].as_i64().unwrap_or(1) + 1;
            self.events[index]["count"] = json!(again);
            self.events[index]["lastTimestamp"] = json!(self.time());
            return;
        }
        if self.objects.is_empty() {
            return;
        }
        let index = self.rng.usize(..self.objects.len());
        let about = self.objects[index].clone();
        let reasons = [
            "Failed",
            "Failed",
            "Pulling",
            "Pulled",
            "Created",
            "Unhealthy",
            "FailedCreate",
            "FailedCreate",
            "FailedMount",
            "FailedMount",
            "FailedCreatePodSandBox",
            "TriggeredScaleUp",
            "FailedBinding",
            "WaitForFirstConsumer",
            "BackOff",
        ];
        let (reason, message) = (self.pick(&reasons), self.words());
        let message = if reason == "Failed" && self.once_in(2) {
            format!("Failed to pull image \"shop/api:v2\": {message}")
        } else {
            message
        };
        let name = format!("e{:05}", self.rng.u32(..99_999));
        let mut event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "shop", "uid": format!("u-{name}")},
            "type": self.pick(&["Warning", "Normal"]), "reason": reason, "message": message, "count": self.rng.i64(1..4),
            "involvedObject": {"kind": about["kind"], "name": about["metadata"]["name"], "namespace": "shop", "uid": about["metadata"]["uid"]},
        });
        match self.rng.u8(..4) {
            0 | 1 => event["lastTimestamp"] = json!(self.time()),
            2 => event["eventTime"] = json!(self.time()),
            _ => {}
        }
        if about["kind"] == "Pod" && !self.once_in(3) {
            let path =
                self.pick(&["spec.containers{app}", "spec.initContainers{init}", "spec.containers{side}"]);
            event["involvedObject"]["fieldPath"] = json!(path);
        }
        self.events.push(event);
    }

    pub(super) fn words(&mut self) -> String {
        let pool = [
            "",
            "shop/api:v2: not found",
            "dial tcp: connect: connection refused",
            "Back-off pulling image \"shop/api:v2\"",
            "rpc error: code = NotFound desc = failed to pull \"shop/timeout:v1\"",
            "shop/timeout:v1: Manifest Unknown",
            "invalid reference format",
            "configmap \"app\" not found",
            "Error: secret \"db<1>\" not found",
            "couldn't find key url in Secret shop/db",
            "couldn't find key url in Thing shop/db",
            "couldn't find key ",
            "error looking up service account shop/api: serviceaccount \"api\" not found",
            "MountVolume.SetUp failed for volume \"sec\" : references non-existent secret key: url",
            "MountVolume.SetUp failed for volume \"cfg\" : references non-existent config key: a.b, more",
            "MountVolume.SetUp failed for volume \"nope\" : references non-existent config key: a",
            "exceeded quota: small, requested: pods=1",
            "pods \"x\" is forbidden: violates PodSecurity <\"restricted\">",
            "failed calling webhook \"w\": context deadline exceeded",
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful",
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. no new claims to deallocate, …",
            "persistentvolumeclaim \"data-1\" not found...",
            "ReplicaSet \"api-0-a\" has timed out progressing.",
            "ReplicaSet \"other\" has timed out progressing.",
            "line one\nline\ttwo \\ \u{1}\u{7f} \u{2028} <b> & \"q\" é 🦀",
        ];
        let text = self.pick(&pool).to_owned();
        if self.once_in(20) {
            format!("{text}{}", "é<\"🦀\n".repeat(self.rng.usize(90..500)))
        } else {
            text
        }
    }
}
