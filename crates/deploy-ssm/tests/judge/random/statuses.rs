//! What their controllers and the kubelet say of them.

use deploy_core::health::signs;
use fastrand::Rng;
use serde_json::{Value, json};

use super::World;

impl World {
    pub(super) fn restate(&mut self, object: &mut Value) {
        let generation = object["metadata"]["generation"].as_i64().unwrap_or(1) + i64::from(self.once_in(12));
        object["metadata"]["generation"] = json!(generation);
        if self.once_in(25) {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T01:00:00Z");
            object["metadata"]["finalizers"] = json!(["shop.example/hold", "b"]);
        }
        let count = |rng: &mut Rng| rng.i64(0..3);
        let observed = generation - i64::from(self.once_in(8));
        let mut status = json!({"observedGeneration": observed});
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "Pod" => status = self.pod_status(&object["spec"].clone(), &object["status"].clone()),
            "Deployment" | "ReplicaSet" | "StatefulSet" => {
                let well = self.once_in(2);
                let wanted = self.rng.i64(1..3);
                object["spec"]["replicas"] = json!(wanted);
                for field in ["replicas", "updatedReplicas", "availableReplicas", "readyReplicas"] {
                    status[field] = json!(if well { wanted } else { count(&mut self.rng) });
                }
                status["updateRevision"] = json!(self.pick(&["h1", "h2"]));
                status["currentRevision"] = json!(self.pick(&["h1", "h2"]));
                if self.once_in(6) {
                    object["spec"]["paused"] = json!(true);
                }
                if self.once_in(6) {
                    object["spec"]["minReadySeconds"] = json!(5);
                }
            }
            "DaemonSet" => {
                let well = self.once_in(2);
                for field in
                    ["desiredNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"]
                {
                    status[field] = json!(if well { 2 } else { count(&mut self.rng) });
                }
            }
            "Job" => {
                for field in ["active", "succeeded", "failed"] {
                    status[field] = json!(count(&mut self.rng));
                }
                if self.once_in(3) {
                    object["spec"]["completions"] = json!(3);
                }
                object["spec"]["suspend"] = json!(self.once_in(10));
            }
            "Service" if self.once_in(2) => {
                status = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}});
            }
            "PersistentVolumeClaim" => {
                status = json!({"phase": self.pick(&["Pending", "Bound", "Lost", "Pending"])});
            }
            "Namespace" => status = json!({"phase": self.pick(&["Active", "Terminating", "New"])}),
            _ => {}
        }
        if kind != "Pod" {
            status["conditions"] = self.conditions(generation);
        }
        object["status"] = status;
    }

    pub(super) fn conditions(&mut self, generation: i64) -> Value {
        let types = [
            "Progressing",
            "Available",
            "ReplicaFailure",
            "Complete",
            "Failed",
            "FailureTarget",
            "SuccessCriteriaMet",
            "AbleToScale",
            "NamesAccepted",
            "Established",
            "Ready",
            "Reconciling",
            "Stalled",
        ];
        let mut conditions = Vec::new();
        for kind in types {
            if !self.once_in(5) {
                continue;
            }
            let reasons = ["ProgressDeadlineExceeded", "FailedCreate", "BackoffLimitExceeded", "Because", ""];
            let mut condition = json!({
                "type": kind, "status": self.pick(&["True", "False", "Unknown", "True"]), "reason": self.pick(&reasons), "message": self.words(),
            });
            if self.once_in(4) {
                condition["observedGeneration"] = json!(generation - i64::from(self.once_in(2)));
            }
            conditions.push(condition);
        }
        json!(conditions)
    }

    pub(super) fn pod_status(&mut self, spec: &Value, before: &Value) -> Value {
        let mut status =
            json!({"phase": self.pick(&["Pending", "Running", "Running", "Running", "Succeeded", "Failed"])});
        let mut conditions = vec![
            json!({"type": "Ready", "status": self.pick(&["True", "True", "False"]), "reason": "R", "message": self.words()}),
        ];
        if self.once_in(4) {
            let reason = self.pick(&["Unschedulable", "SchedulingGated"]);
            conditions.push(json!({"type": "PodScheduled", "status": self.pick(&["True", "False"]), "reason": reason, "message": self.words()}));
        }
        if !self.once_in(10) {
            status["conditions"] = json!(conditions);
        }
        if self.once_in(10) {
            status["reason"] = json!("Evicted");
            status["message"] = json!(self.words());
        }
        for (list, statuses) in
            [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")]
        {
            let Some(containers) = spec[list].as_array() else { continue };
            let told: Vec<Value> = containers
                .iter()
                .enumerate()
                .filter_map(|(index, container)| {
                    let before = before[statuses][index].clone();
                    if self.once_in(3) && before.is_object() {
                        return Some(before);
                    }
                    (!self.once_in(8)).then(|| self.container_status(&container["name"], &before))
                })
                .collect();
            status[statuses] = json!(told);
        }
        status
    }

    pub(super) fn container_status(&mut self, name: &Value, before: &Value) -> Value {
        let restarts = before["restartCount"].as_i64().unwrap_or(0) + self.pick(&[0, 0, 1, 2, -1]);
        let state = match self.rng.u8(..8) {
            0..=2 => json!({"running": {"startedAt": self.time()}}),
            3..=5 => {
                let reasons: Vec<&str> =
                    signs::WAITING.iter().map(|(word, _)| *word).chain(["ContainerCreating"]).collect();
                let pulls = ["ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff"];
                let reason = if self.once_in(2) { self.pick(&pulls) } else { self.pick(&reasons) };
                json!({"waiting": {"reason": reason, "message": self.words()}})
            }
            6 => self.ended(),
            _ => json!({}),
        };
        let mut status = json!({
            "name": name, "ready": state["running"].is_object() && !self.once_in(4), "restartCount": restarts.max(0), "state": state,
            "containerID": format!("containerd://{}", self.rng.u8(..3)),
        });
        if self.once_in(3) {
            status["lastState"] = self.ended();
        }
        status
    }

    pub(super) fn ended(&mut self) -> Value {
        let reason = self.pick(&["Error", "Completed", "OOMKilled", "StartError", "ContainerCannotRun"]);
        json!({"terminated": {"exitCode": self.pick(&[0, 1, 137, 255]), "reason": reason, "finishedAt": self.time(), "message": self.words()}})
    }
}
