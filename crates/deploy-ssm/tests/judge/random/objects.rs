//! The objects themselves.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use serde_json::{Value, json};

use super::World;

impl World {
    /// A thing that is to become healthy.
    pub(super) fn workload(&mut self, number: usize) -> Value {
        let kinds = [
            ("apps/v1", "Deployment"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("apps/v1", "DaemonSet"),
            ("apps/v1", "ReplicaSet"),
            ("batch/v1", "Job"),
            ("v1", "Pod"),
            ("v1", "Service"),
            ("v1", "PersistentVolumeClaim"),
            ("v1", "Namespace"),
            ("v1", "ConfigMap"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("policy/v1", "PodDisruptionBudget"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            ("apiregistration.k8s.io/v1", "APIService"),
            ("batch/v1", "CronJob"),
            ("networking.k8s.io/v1", "Ingress"),
            ("shop.example/v1", "Thing"),
            ("gateway.networking.k8s.io/v1", "Gateway"),
        ];
        let (api, kind) = self.pick(&kinds);
        let name = format!("{}-{number}", self.pick(&["api", "db", "data"]));
        let mut object = self.object(api, kind, &name, None);
        if ["Namespace", "CustomResourceDefinition", "APIService"].contains(&kind) {
            object["metadata"].as_object_mut().expect("is one").remove("namespace");
        }
        object
    }

    pub(super) fn object(&mut self, api: &str, kind: &str, name: &str, owner: Option<&Value>) -> Value {
        let uid = format!("u-{name}-{}", self.rng.u32(..));
        let mut object = json!({
            "apiVersion": api, "kind": kind,
            "metadata": {
                "name": name, "namespace": "shop", "uid": uid, "generation": self.rng.i64(1..3), "creationTimestamp": self.time(),
                "labels": {}, "annotations": {},
            },
            "spec": {}, "status": {},
        });
        if let Some(owner) = owner {
            object["metadata"]["ownerReferences"] = json!([{"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": true}]);
        }
        let image = self.image();
        match kind {
            "Pod" => {
                object["spec"] = self.pod_spec(&image);
                let labels = json!({
                    "controller-revision-hash": self.pick(&["h1", "h2"]), "pod-template-generation": self.pick(&["1", "2"]),
                });
                object["metadata"]["labels"] = labels;
            }
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
                let mut template = json!({"metadata": {"labels": {"app": "a", "z": "<z>"}}, "spec": {"containers": [{"name": "app", "image": image}]}});
                if kind == "ReplicaSet" {
                    template["metadata"]["labels"]["pod-template-hash"] = json!(name);
                }
                object["spec"]["template"] = template;
                let revision = self.pick(&["1", "2"]);
                object["metadata"]["annotations"] = json!({
                    "deployment.kubernetes.io/revision": revision, "deprecated.daemonset.template.generation": revision,
                });
                if kind == "StatefulSet" {
                    if self.once_in(3) {
                        object["spec"]["podManagementPolicy"] = json!("Parallel");
                    }
                    if self.once_in(3) {
                        object["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": self.rng.i64(0..3), "maxUnavailable": "50%"}});
                    }
                }
                if kind != "Deployment" && self.once_in(5) {
                    object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
                }
                if kind == "DaemonSet" && self.once_in(2) {
                    let strategy = json!({"rollingUpdate": {"maxUnavailable": self.pick(&[json!(2), json!("30%"), json!("x")]), "maxSurge": 1}});
                    object["spec"]["updateStrategy"] = strategy;
                }
            }
            "Service" => object["spec"]["type"] = json!(self.pick(&["LoadBalancer", "ClusterIP"])),
            "ControllerRevision" => {
                object["metadata"]["labels"] = json!({"controller-revision-hash": self.pick(&["h1", "h2"])});
                object["revision"] = json!(self.rng.i64(1..4));
            }
            _ => {}
        }
        self.restate(&mut object);
        object
    }

    pub(super) fn image(&mut self) -> String {
        self.pick(&["shop/api:v1", "shop/api:v2", "shop/timeout:v1"]).to_owned()
    }

    pub(super) fn time(&mut self) -> String {
        let ago = Duration::from_secs(self.rng.u64(..200));
        let at = Timestamp::UNIX_EPOCH + self.now.since(Timestamp::UNIX_EPOCH + ago);
        let text = at.to_string();
        if self.once_in(2) {
            text
        } else {
            format!("{}Z", text.split('.').next().unwrap_or_default().trim_end_matches('Z'))
        }
    }

    pub(super) fn pod_spec(&mut self, image: &str) -> Value {
        let mut spec = json!({"nodeName": "n1", "containers": [{"name": "app", "image": image}]});
        if self.once_in(3) {
            spec["containers"][0]["readinessProbe"] = json!({"httpGet": {"path": "/"}});
        }
        if self.once_in(4) {
            spec["containers"]
                .as_array_mut()
                .expect("is one")
                .push(json!({"name": "side", "image": "shop/side:1"}));
        }
        if self.once_in(3) {
            let mut init = json!({"name": "init", "image": "shop/init:1"});
            if self.once_in(3) {
                init["restartPolicy"] = json!("Always");
            }
            spec["initContainers"] = json!([init]);
        }
        if self.once_in(4) {
            spec["restartPolicy"] = json!(self.pick(&["Never", "OnFailure", "Always"]));
        }
        if self.once_in(3) {
            spec["volumes"] = json!([
                {"name": "cfg", "configMap": {"name": "app"}},
                {"name": "sec", "secret": {"secretName": "db"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": self.pick(&["data-0", "data-1", "other"])}},
            ]);
        }
        if self.once_in(4) {
            spec.as_object_mut().expect("is one").remove("nodeName");
        }
        spec
    }

    /// Makes owned objects that are not there yet, and lets some of them go.
    pub(super) fn owned(&mut self) {
        for index in 0..self.objects.len() {
            let owner = self.objects[index].clone();
            let makes: &[(&str, &str)] = match owner["kind"].as_str().unwrap_or_default() {
                "Deployment" => &[("apps/v1", "ReplicaSet")],
                "DaemonSet" => &[("v1", "Pod"), ("v1", "Pod"), ("apps/v1", "ControllerRevision")],
                "StatefulSet" | "ReplicaSet" | "Job" => &[("v1", "Pod")],
                _ => continue,
            };
            for (api, kind) in makes {
                if self.once_in(2) {
                    let name = format!(
                        "{}-{}",
                        owner["metadata"]["name"].as_str().unwrap_or_default(),
                        self.rng.char('a'..='f')
                    );
                    if self
                        .objects
                        .iter()
                        .all(|object| object["kind"] != *kind || object["metadata"]["name"] != *name)
                    {
                        let object = self.object(api, kind, &name, Some(&owner));
                        self.objects.push(object);
                    }
                }
            }
        }
        self.objects.sort_by_key(|object| {
            (object["kind"].to_string(), object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        });
    }
}
