//! What goes, and what that lets go: changes of kinds that few depend on count as well.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::World;

fn lease(namespace: &str, finalizers: &[&str]) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "leader", "namespace": namespace, "finalizers": finalizers},
    })
}

fn event(namespace: &str, finalizers: &[&str]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "told", "namespace": namespace, "finalizers": finalizers},
        "involvedObject": {"namespace": namespace},
    })
}

#[test]
fn a_lease_that_waits_for_its_dependents_goes() {
    for finalizer in ["foregroundDeletion", "orphan"] {
        let mut world = World::new();
        world.create(lease("default", &[finalizer]));
        world.delete("leases.coordination.k8s.io", "leader");
        assert!(world.find("leases.coordination.k8s.io", "leader").is_none(), "{finalizer}");
    }
}

#[test]
fn a_namespace_goes_with_the_last_that_was_held_in_it() {
    let check = |resource: &str, named: &str, held: &dyn Fn(&str, &[&str]) -> Value| {
        let mut world = World::new();
        world.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        world.create(held("shop", &["x.io/hold"]));
        world.delete("namespaces.", "shop");
        world.pass(SignedDuration::from_mins(1));
        assert!(world.find("namespaces.", "shop").is_some(), "{resource}");
        world.change(resource, named, |object| {
            drop(object["metadata"].as_object_mut().unwrap().remove("finalizers"));
        });
        assert!(world.find("namespaces.", "shop").is_none(), "{resource}");
    };
    check("leases.coordination.k8s.io", "leader", &lease);
    check("events.", "told", &event);
}

#[test]
fn a_quota_counts_leases_and_events() {
    let mut world = World::new();
    let hard = json!({"count/leases.coordination.k8s.io": "5", "count/events": "9"});
    world.create(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": "default"},
        "spec": {"hard": hard},
    }));
    world.create(lease("default", &[]));
    world.create(event("default", &[]));
    world.delete("leases.coordination.k8s.io", "leader");
    world.delete("events.", "told");
    let used = &world.find("resourcequotas.", "few").unwrap()["status"]["used"];
    assert_eq!(used, &json!({"count/leases.coordination.k8s.io": "0", "count/events": "0"}));
}

/// What a quota refused is made as soon as the quota lets it.
#[test]
fn what_a_quota_refused_is_made_when_it_is_gone() {
    let mut world = World::new();
    world.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    world.create(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "shop"},
        "spec": {"hard": {"configmaps": "0", "count/endpoints": "0"}},
    }));
    let in_shop = |world: &World, resource: &str| world.state.objects(resource, Some("shop")).len();
    let root = world.state.objects("configmaps.", Some("shop")).remove(0);
    super::world::USER.delete(&mut world.state, &root).unwrap();
    world.create(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}]},
    }));
    assert_eq!([in_shop(&world, "configmaps."), in_shop(&world, "endpoints.")], [0, 0]);
    world.delete("resourcequotas.", "none");
    assert_eq!([in_shop(&world, "configmaps."), in_shop(&world, "endpoints.")], [1, 1]);
}
