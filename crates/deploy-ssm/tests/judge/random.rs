//! Random worlds over several polls: both judges must say the same, word for word.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::{Patience, signs};
use deploy_core::manifest::{Object, ObjectId};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::twin::{Snapshot, compare};

const CASES: u64 = 300;

#[test]
fn random_worlds_are_judged_as_in_rust() {
    for seed in 0..CASES {
        check("awk", seed);
    }
}

/// As [`random_worlds_are_judged_as_in_rust`], and the recordings, with the other awks that nodes have.
#[test]
#[ignore = "needs gawk, busybox and original-awk"]
fn every_awk_judges_as_rust_does() {
    for awk in ["mawk", "gawk --posix", "busybox awk", "original-awk"] {
        crate::recordings::agree(awk);
        crate::evidence::check_crash(awk);
        for seed in 0..CASES / 3 {
            check(awk, seed);
        }
    }
}

pub(crate) fn check(awk: &str, seed: u64) {
    println!("{awk}, seed {seed}");
    let (targets, snapshots) = World::of(seed);
    let patience = if seed % 3 == 0 {
        Patience::default()
            .with_settling(Duration::from_millis(1_500))
            .with_pull_attempts(1)
            .with_container_ends(3)
    } else {
        Patience::default()
    };
    if let Err(difference) = compare(awk, &patience, &targets, &snapshots) {
        panic!("seed {seed}: {difference}");
    }
}

struct World {
    rng: Rng,
    now: Timestamp,
    objects: Vec<Value>,
    events: Vec<Value>,
}

impl World {
    /// The targets, and what is listed at each poll.
    fn of(seed: u64) -> (Vec<ObjectId>, Vec<Snapshot>) {
        let now: Timestamp = "2026-01-01T01:00:00.250Z".parse().expect("is a time");
        let mut world = Self { rng: Rng::with_seed(seed), now, objects: Vec::new(), events: Vec::new() };
        let mut targets = Vec::new();
        for number in 0..world.rng.usize(1..5) {
            let object = world.workload(number);
            targets.push(Object::new(object.clone()).expect("is an object").id());
            world.objects.push(object);
        }
        targets.push(ObjectId::new("apps", "Deployment", Some("shop"), "never-there"));
        let snapshots = (0..world.rng.usize(2..8)).map(|_| world.poll()).collect();
        (targets, snapshots)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())].clone()
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    fn poll(&mut self) -> Snapshot {
        let pause = self.pick(&[0.5, 1.0, 1.0, 2.0, 5.0, 11.0, 31.0, 61.0]);
        self.now = self.now + Duration::from_secs_f64(pause);
        self.owned();
        for index in 0..self.objects.len() {
            if !self.once_in(3) {
                let mut object = self.objects[index].take();
                self.restate(&mut object);
                self.objects[index] = object;
            }
        }
        if !self.objects.is_empty() && self.once_in(4) {
            let gone = self.rng.usize(..self.objects.len());
            self.objects.remove(gone);
        }
        for _ in 0..self.rng.usize(..6) {
            self.event();
        }
        let mut listed = [self.objects.clone(), self.events.clone()].concat();
        if self.once_in(6) {
            let which = self.rng.usize(..listed.len().max(1));
            if let Some(object) = listed.get_mut(which) {
                self.spoil(object);
            }
        }
        (self.now, listed)
    }

    /// A thing that is to become healthy.
    fn workload(&mut self, number: usize) -> Value {
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

    fn object(&mut self, api: &str, kind: &str, name: &str, owner: Option<&Value>) -> Value {
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

    fn image(&mut self) -> String {
        self.pick(&["shop/api:v1", "shop/api:v2", "shop/timeout:v1"]).to_owned()
    }

    fn time(&mut self) -> String {
        let ago = Duration::from_secs(self.rng.u64(..200));
        let at = Timestamp::UNIX_EPOCH + self.now.since(Timestamp::UNIX_EPOCH + ago);
        let text = at.to_string();
        if self.once_in(2) {
            text
        } else {
            format!("{}Z", text.split('.').next().unwrap_or_default().trim_end_matches('Z'))
        }
    }

    fn pod_spec(&mut self, image: &str) -> Value {
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
    fn owned(&mut self) {
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

    fn restate(&mut self, object: &mut Value) {
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
                status = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}})
            }
            "PersistentVolumeClaim" => {
                status = json!({"phase": self.pick(&["Pending", "Bound", "Lost", "Pending"])})
            }
            "Namespace" => status = json!({"phase": self.pick(&["Active", "Terminating", "New"])}),
            _ => {}
        }
        if kind != "Pod" {
            status["conditions"] = self.conditions(generation);
        }
        object["status"] = status;
    }

    fn conditions(&mut self, generation: i64) -> Value {
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

    fn pod_status(&mut self, spec: &Value, before: &Value) -> Value {
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

    fn container_status(&mut self, name: &Value, before: &Value) -> Value {
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

    fn ended(&mut self) -> Value {
        let reason = self.pick(&["Error", "Completed", "OOMKilled", "StartError", "ContainerCannotRun"]);
        json!({"terminated": {"exitCode": self.pick(&[0, 1, 137, 255]), "reason": reason, "finishedAt": self.time(), "message": self.words()}})
    }

    /// A new Event about something, or an old one again.
    fn event(&mut self) {
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
        if self.once_in(2) {
            event["lastTimestamp"] = json!(self.time());
        } else if self.once_in(2) {
            event["eventTime"] = json!(self.time());
        }
        if about["kind"] == "Pod" && !self.once_in(3) {
            let path =
                self.pick(&["spec.containers{app}", "spec.initContainers{init}", "spec.containers{side}"]);
            event["involvedObject"]["fieldPath"] = json!(path);
        }
        self.events.push(event);
    }

    fn words(&mut self) -> String {
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

    /// Makes some field of it another.
    fn spoil(&mut self, place: &mut Value) {
        let deeper = !self.once_in(6);
        match place {
            Value::Object(map) if deeper && !map.is_empty() => {
                let index = self.rng.usize(..map.len());
                self.spoil(map.iter_mut().nth(index).expect("is there").1);
            }
            Value::Array(items) if deeper && !items.is_empty() => {
                let index = self.rng.usize(..items.len());
                self.spoil(&mut items[index]);
            }
            place => {
                let others = [
                    json!(null),
                    json!({}),
                    json!([]),
                    json!("text"),
                    json!(7),
                    json!(-1),
                    json!(1.5),
                    json!(true),
                ];
                *place = self.pick(&others);
            }
        }
    }
}
