//! What Services lead to, and what a namespace has from its beginning.

use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{World, deployment, is_done};
use crate::controllers::object::{list, name, text};

fn service(change: impl FnOnce(&mut Value)) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "api", "namespace": "default", "labels": {"tier": "web"}},
        "spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    });
    change(&mut service["spec"]);
    service
}

fn endpoints(world: &World) -> Option<Arc<Value>> {
    world.find("endpoints.", "api")
}

fn slice(world: &World) -> Arc<Value> {
    let slices = world.state.objects("endpointslices.discovery.k8s.io", Some("default"));
    assert_eq!(slices.len(), 1);
    Arc::clone(&slices[0])
}

#[test]
fn ready_pods_are_behind_their_service() {
    let mut world = World::new();
    world.create(service(|_| {}));
    assert_eq!(endpoints(&world).unwrap().get("subsets"), None);
    assert_eq!(
        (slice(&world)["endpoints"].clone(), slice(&world)["ports"].clone()),
        (Value::Null, Value::Null)
    );
    world.create(deployment("shop/api:1", 2));
    world.until("a pod that is not ready", |world| {
        endpoints(world).unwrap().pointer("/subsets/0/notReadyAddresses").is_some()
    });
    world.until("the rollout", is_done);
    let found = endpoints(&world).unwrap();
    let subset = &found["subsets"][0];
    assert_eq!(subset["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    assert_eq!((list(subset, "/addresses").len(), subset.get("notReadyAddresses")), (2, None));
    let pod = &world.pods()[0];
    let reference =
        json!({"kind": "Pod", "namespace": "default", "name": name(pod), "uid": pod["metadata"]["uid"]});
    let address = json!({"ip": pod["status"]["podIP"], "nodeName": "node-1", "targetRef": reference});
    assert_eq!(subset["addresses"][0], address);
    let labels = json!({"tier": "web", "endpoints.kubernetes.io/managed-by": "endpoint-controller"});
    assert_eq!(found["metadata"]["labels"], labels);
    let slice = slice(&world);
    assert_eq!(
        slice["endpoints"][0],
        json!({
            "addresses": [pod["status"]["podIP"]], "nodeName": "node-1", "targetRef": reference,
            "conditions": {"ready": true, "serving": true, "terminating": false},
        })
    );
    let labels = json!({
        "tier": "web", "kubernetes.io/service-name": "api",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
    assert_eq!((&slice["metadata"]["labels"], text(&slice, "/metadata/generateName")), (&labels, "api-"));
}

#[test]
fn a_pod_that_goes_is_behind_it_no_more() {
    let mut world = World::new();
    world.create(service(|_| {}));
    world.create(deployment("shop/api:1", 1));
    world.until("the rollout", is_done);
    let pod = name(&world.pods()[0]).to_owned();
    world.delete("pods.", &pod);
    let gone = slice(&world)["endpoints"].as_array().unwrap()[0].clone();
    assert_eq!(gone["conditions"], json!({"ready": false, "serving": true, "terminating": true}));
    assert_eq!(endpoints(&world).unwrap().get("subsets"), None);
    world.until("the next pod", |world| endpoints(world).unwrap().pointer("/subsets/0/addresses").is_some());
}

#[test]
fn pods_behind_a_headless_service_have_names() {
    let mut world = World::new();
    world.create(service(|spec| spec["clusterIP"] = "None".into()));
    let mut set = deployment("shop/api:1", 1);
    set["kind"] = "StatefulSet".into();
    set["spec"]["serviceName"] = "api".into();
    world.create(set);
    world.until("a pod", |world| endpoints(world).unwrap().pointer("/subsets/0/addresses").is_some());
    assert_eq!(text(&endpoints(&world).unwrap(), "/subsets/0/addresses/0/hostname"), "api-0");
    assert_eq!(slice(&world)["endpoints"][0]["hostname"], "api-0");
    assert_eq!(slice(&world)["metadata"]["labels"]["service.kubernetes.io/headless"], "");
}

#[test]
fn what_a_service_led_to_goes_with_it() {
    let mut world = World::new();
    world.create(service(|_| {}));
    world.create(
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "own", "namespace": "default"}}),
    );
    world.delete("services.", "api");
    assert!(endpoints(&world).is_none() && world.find("endpoints.", "own").is_some());
    assert!(world.state.objects("endpointslices.discovery.k8s.io", None).is_empty());
}

#[test]
fn every_namespace_has_an_account_and_a_certificate() {
    let mut world = World::new();
    world.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    let of_shop = |world: &World, resource: &str| -> Vec<Value> {
        let objects = world.state.objects(resource, Some("shop"));
        objects.iter().map(|object| object["metadata"]["name"].clone()).collect()
    };
    assert_eq!(of_shop(&world, "serviceaccounts."), ["default"]);
    assert_eq!(of_shop(&world, "configmaps."), ["kube-root-ca.crt"]);
    assert_eq!(world.state.objects("serviceaccounts.", None).len(), 5);
    let map = world.state.objects("configmaps.", Some("shop")).remove(0);
    super::world::USER.change(&mut world.state, &map, None, |map| map["data"] = json!({})).unwrap();
    world.settle();
    assert!(
        text(&world.state.objects("configmaps.", Some("shop"))[0], "/data/ca.crt")
            .starts_with("-----BEGIN CERT")
    );
    world.delete("namespaces.", "shop");
    assert!(world.find("namespaces.", "shop").is_none(), "it goes with all that it has");
}
