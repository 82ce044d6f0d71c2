//! How long a poll of many objects takes; a look, not a promise.

use deploy_core::clock::Timestamp;
use deploy_core::health::Patience;
use deploy_core::manifest::{Object, ObjectId};
use serde_json::{Value, json};

use crate::node::{Node, Poll, verdicts};

/// Fifty Deployments with ten ReplicaSets and two pods each, as large as real ones.
fn world() -> (Vec<ObjectId>, Vec<Value>) {
    let (mut targets, mut objects) = (Vec::new(), Vec::new());
    let env: Vec<Value> =
        (0..20).map(|number| json!({"name": format!("VAR_{number}"), "value": "x".repeat(40)})).collect();
    let meta = |name: &str, owner: Option<(&str, &str)>| {
        let mut meta = json!({"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"});
        if let Some((kind, owner)) = owner {
            meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "controller": true, "kind": kind, "name": owner, "uid": format!("uid-{owner}")}]);
        }
        meta
    };
    for number in 0..50 {
        let name = format!("api-{number:02}");
        let spec = |version: usize| {
            json!({
                "containers": [{"name": "api", "image": format!("shop/api:v{version}"), "env": env, "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
                    "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent"}],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler", "terminationGracePeriodSeconds": 30,
            })
        };
        let template = |version: usize| json!({"metadata": {"labels": {"app": name}}, "spec": spec(version)});
        let status = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(&name, None),
            "spec": {"replicas": 2, "template": template(9)}, "status": status});
        targets.push(Object::new(deployment.clone()).expect("is one").id());
        objects.push(deployment);
        for version in 0..10 {
            let set = format!("{name}-{version}");
            let mut template = template(version);
            template["metadata"]["labels"]["pod-template-hash"] = json!(version.to_string());
            objects.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta(&set, Some(("Deployment", &name))),
                "spec": {"replicas": 0, "template": template}, "status": {"observedGeneration": 1, "replicas": 0}}));
        }
        for pod in 0..2 {
            let set = format!("{name}-9");
            objects.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta(&format!("{set}-{pod}"), Some(("ReplicaSet", &set))), "spec": spec(9),
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [{"name": "api", "ready": true, "restartCount": 0, "containerID": "c", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}}));
        }
    }
    (targets, objects)
}

#[test]
#[ignore = "needs gawk, busybox and original-awk"]
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn fifty_deployments() {
    let (targets, objects) = world();
    let now: Timestamp = "2026-01-01T01:00:00Z".parse().expect("is a time");
    for awk in ["mawk", "gawk --posix", "busybox awk", "original-awk"] {
        let node = Node::new(awk, &Patience::default(), &targets);
        let began = std::time::Instant::now();
        let poll = Poll::of(now, &objects);
        let (lines, bytes) = (poll.text.lines().count(), poll.text.len());
        let polls = [poll];
        let written = began.elapsed();
        let said = node.polls(&polls);
        let took = began.elapsed().saturating_sub(written);
        println!("{awk}: {lines} lines, {bytes} bytes in {took:?}");
        let said = verdicts(&said[0]);
        assert_eq!(said.iter().filter(|said| said.state == "healthy").count(), 50, "{:?}", said[0]);
    }
}
