//! Claims, and the pods that name them.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{World, deployment, is_done, reason};
use crate::controllers::object::{condition, list, text};

fn claim(named: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": named, "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

fn with_claim(named: &str) -> Value {
    let mut api = deployment("shop/api:1", 1);
    let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": named}});
    api["spec"]["template"]["spec"]["volumes"] = json!([volume]);
    api
}

#[test]
fn a_claim_has_its_volume_at_once() {
    let mut world = World::new();
    world.create(claim("data"));
    let claim = world.find("persistentvolumeclaims.", "data").unwrap();
    assert_eq!(
        claim["status"],
        json!({"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}})
    );
    assert!(text(&claim, "/spec/volumeName").starts_with("pvc-"));
}

#[test]
fn a_pod_waits_for_a_claim_that_is_not_there() {
    let mut world = World::new();
    world.create(with_claim("data"));
    world.pass(SignedDuration::from_mins(1));
    let pod = &world.pods()[0];
    assert_eq!(reason(pod, "PodScheduled"), "False Unschedulable");
    let message = "0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found";
    assert_eq!(condition(pod, "PodScheduled").unwrap()["message"], message);
    world.create(claim("data"));
    world.until("it is there after all", is_done);
}

#[test]
fn a_claim_in_use_stays_until_its_pod_is_gone() {
    let mut world = World::new();
    world.create(claim("data"));
    world.create(with_claim("data"));
    world.until("the rollout", is_done);
    world.delete("persistentvolumeclaims.", "data");
    world.pass(SignedDuration::from_mins(1));
    let held = world.find("persistentvolumeclaims.", "data").unwrap();
    assert_eq!(list(&held, "/metadata/finalizers"), ["kubernetes.io/pvc-protection"]);
    world.change("deployments.apps", "api", |api| api["spec"]["replicas"] = 0.into());
    world.until("it is gone", |world| world.find("persistentvolumeclaims.", "data").is_none());
    assert!(world.pods().is_empty());
}
