//! Rollouts that go well, and what becomes of what is deleted.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{USER, World, deployment, is_done, reason};
use crate::controllers::object::{annotation, int, name, text};

const REVISION: &str = "deployment.kubernetes.io/revision";

fn running(image: &str, replicas: i64) -> World {
    let mut world = World::new();
    world.create(deployment(image, replicas));
    world.until("the first rollout", is_done);
    world
}

#[test]
fn a_deployment_of_two_rolls_out() {
    let mut world = World::new();
    world.create(deployment("shop/api:1", 2));
    assert_eq!(reason(&world.deployment(), "Progressing"), "True ReplicaSetUpdated");
    assert_eq!(reason(&world.deployment(), "Available"), "False MinimumReplicasUnavailable");
    assert_eq!(world.deployment()["status"]["unavailableReplicas"], 2);
    let took = world.until("the rollout", is_done);
    assert!(took < SignedDuration::from_secs(1), "{took:?}");
    let api = world.deployment();
    assert_eq!(reason(&api, "Progressing"), "True NewReplicaSetAvailable");
    assert_eq!(reason(&api, "Available"), "True MinimumReplicasAvailable");
    assert_eq!(annotation(&api, REVISION), Some("1"));
    let pods = world.pods();
    let status = &pods[0]["status"];
    let types: Vec<&str> =
        status["conditions"].as_array().unwrap().iter().map(|condition| text(condition, "/type")).collect();
    assert_eq!(
        types,
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    );
    assert_eq!(status["phase"], "Running");
    assert_eq!(status["qosClass"], "BestEffort");
    assert_eq!(status["podIP"], "10.244.0.1");
    assert_eq!(pods[0]["metadata"]["generation"], 1, "a binding counts no generation");
    let set = name(&world.sets()[0]).to_owned();
    assert_eq!(
        world.events("Deployment"),
        [format!("ScalingReplicaSet Scaled up replica set {set} from 0 to 2 ×1")]
    );
    assert_eq!(world.events("ReplicaSet").len(), 2);
    let about_one: Vec<String> =
        world.events("Pod").into_iter().filter(|event| event.starts_with("Pull")).collect();
    assert_eq!(about_one[0], "Pulling Pulling image \"shop/api:1\" ×1");
    let pulled = "Pulled Successfully pulled image \"shop/api:1\" in 70ms (70ms including waiting). Image size: 1032468 bytes. ×1";
    assert!(about_one.contains(&pulled.to_owned()), "{about_one:#?}");
}

#[test]
fn an_update_never_leaves_the_leeway() {
    let mut world = running("shop/api:1", 2);
    world.image("shop/api:2");
    assert_eq!(world.deployment()["status"]["replicas"], 3, "one more than wanted");
    world.until("the update", |world| {
        let available = int(&world.deployment(), "/status/availableReplicas").unwrap_or(0);
        assert!(available >= 2, "a quarter of two is none that may be missing");
        assert!(
            world.pods().iter().filter(|pod| pod["metadata"].get("deletionTimestamp").is_none()).count() <= 3
        );
        is_done(world)
    });
    assert_eq!(world.sets().len(), 2);
    let scaled: Vec<String> = world
        .events("Deployment")
        .iter()
        .map(|event| {
            event.split_whitespace().filter(|word| !word.starts_with("api-")).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(
        scaled,
        [
            "ScalingReplicaSet Scaled up replica set from 0 to 2 ×1",
            "ScalingReplicaSet Scaled up replica set from 0 to 1 ×1",
            "ScalingReplicaSet Scaled down replica set from 2 to 1 ×1",
            "ScalingReplicaSet Scaled up replica set from 1 to 2 ×1",
            "ScalingReplicaSet Scaled down replica set from 1 to 0 ×1",
        ]
    );
    world.until("the old pods' end", |world| world.pods().len() == 2);
    assert_eq!(world.deployment()["status"]["terminatingReplicas"], 0);
}

#[test]
fn a_rollback_makes_the_old_replica_set_the_latest_revision() {
    let mut world = running("shop/api:1", 1);
    world.image("shop/api:2");
    world.until("the update", is_done);
    let before = world.sets().len();
    world.image("shop/api:1");
    world.until("the rollback", is_done);
    assert_eq!(world.sets().len(), before, "no new one");
    assert_eq!(annotation(&world.deployment(), REVISION), Some("3"));
    let set = world.sets().into_iter().find(|set| set["spec"]["replicas"] == 1).unwrap();
    assert_eq!(annotation(&set, "deployment.kubernetes.io/revision-history"), Some("1"));
}

#[test]
fn scaling_takes_and_gives_pods() {
    let mut world = running("shop/api:1", 1);
    world.change("deployments.apps", "api", |api| api["spec"]["replicas"] = 4.into());
    world.until("more", is_done);
    assert_eq!(world.sets().len(), 1);
    world.change("deployments.apps", "api", |api| api["spec"]["replicas"] = 0.into());
    world.until("none", |world| world.pods().is_empty());
    let api = world.deployment();
    assert_eq!(api["status"].get("replicas"), None, "zeros are left out");
    assert_eq!(annotation(&api, REVISION), Some("1"));
}

#[test]
fn a_rollout_that_is_scaled_shares() {
    let mut world = running("shop/api:1", 10);
    world.image("shop/api:hangs");
    let sizes = |world: &World| {
        let mut sizes: Vec<i64> =
            world.sets().iter().map(|set| int(set, "/spec/replicas").unwrap()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(&world), [5, 8]);
    world.change("deployments.apps", "api", |api| api["spec"]["replicas"] = 20.into());
    assert_eq!(sizes(&world), [10, 15], "of 25 with the surge, in the proportion of 5 to 8");
}

#[test]
fn recreate_waits_for_the_old_pods_to_end() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 2);
    api["spec"]["strategy"] = json!({"type": "Recreate"});
    world.create(api);
    world.until("the first rollout", is_done);
    world.image("shop/api:2");
    world.until("the second rollout", |world| {
        let images: std::collections::BTreeSet<String> = world
            .pods()
            .iter()
            .filter(|pod| !["Succeeded", "Failed"].contains(&text(pod, "/status/phase")))
            .map(|pod| text(pod, "/spec/containers/0/image").to_owned())
            .collect();
        assert!(images.len() <= 1, "{images:?}");
        is_done(world)
    });
}

#[test]
fn a_pause_holds_the_rollout() {
    let mut world = running("shop/api:1", 1);
    world.change("deployments.apps", "api", |api| api["spec"]["paused"] = true.into());
    assert_eq!(reason(&world.deployment(), "Progressing"), "Unknown DeploymentPaused");
    world.image("shop/api:2");
    world.pass(SignedDuration::from_mins(20));
    assert_eq!(world.sets().len(), 1);
    world
        .change("deployments.apps", "api", |api| drop(api["spec"].as_object_mut().unwrap().remove("paused")));
    world.until("the rollout", is_done);
    assert_eq!(world.sets().len(), 2);
}

#[test]
fn the_history_has_a_limit() {
    let mut world = World::new();
    let mut api = deployment("shop/api:0", 1);
    api["spec"]["revisionHistoryLimit"] = 2.into();
    world.create(api);
    for version in 1..6 {
        world.until("a rollout", is_done);
        world.image(&format!("shop/api:{version}"));
    }
    world.until("the last rollout", is_done);
    world.pass(SignedDuration::from_secs(10));
    let mut revisions: Vec<_> =
        world.sets().iter().map(|set| annotation(set, REVISION).unwrap().to_owned()).collect();
    revisions.sort();
    assert_eq!(revisions, ["4", "5", "6"]);
}

#[test]
fn min_ready_seconds_delay_availability() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 1);
    api["spec"]["minReadySeconds"] = 30.into();
    world.create(api);
    let took = world.until("the rollout", is_done);
    assert!((30..32).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_deletion_takes_dependents_with_it() {
    let mut world = running("shop/api:1", 2);
    world.delete("deployments.apps", "api");
    assert!(world.find("deployments.apps", "api").is_none());
    world.until("all is gone", |world| world.sets().is_empty() && world.pods().is_empty());
}

#[test]
fn in_the_foreground_the_owner_goes_last() {
    let mut world = running("shop/api:1", 2);
    world.change("deployments.apps", "api", |api| {
        api["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    });
    world.delete("deployments.apps", "api");
    world.until("all is gone", |world| {
        let is_gone = world.find("deployments.apps", "api").is_none();
        assert!(!is_gone || world.sets().is_empty() && world.pods().is_empty());
        is_gone
    });
}

#[test]
fn orphans_stay_and_are_adopted() {
    let mut world = running("shop/api:1", 2);
    let pods: Vec<Value> = world.pods().iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    world.change("deployments.apps", "api", |api| api["metadata"]["finalizers"] = json!(["orphan"]));
    world.delete("deployments.apps", "api");
    world.pass(SignedDuration::from_mins(5));
    assert!(world.find("deployments.apps", "api").is_none());
    assert_eq!(world.sets()[0]["metadata"].get("ownerReferences"), None);
    world.create(deployment("shop/api:1", 2));
    world.until("adoption", is_done);
    let after: Vec<Value> = world.pods().iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    assert_eq!(after, pods);
}

#[test]
fn a_namespace_goes_when_it_is_empty() {
    let mut world = World::new();
    world.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    let mut api = deployment("shop/api:1", 2);
    api["metadata"]["namespace"] = "shop".into();
    world.create(api);
    world.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "namespace": "shop", "finalizers": ["x.io/hold"]}}));
    world.pass(SignedDuration::from_secs(5));
    world.delete("namespaces.", "shop");
    world.pass(SignedDuration::from_mins(1));
    let shop = world.find("namespaces.", "shop").unwrap();
    assert_eq!(shop["status"]["phase"], "Terminating");
    assert_eq!(reason(&shop, "NamespaceFinalizersRemaining"), "True SomeFinalizersRemain");
    assert!(world.state.objects("pods.", Some("shop")).is_empty());
    world.change("configmaps.", "held", |map| {
        drop(map["metadata"].as_object_mut().unwrap().remove("finalizers"));
    });
    world.until("the end", |world| world.find("namespaces.", "shop").is_none());
    let late = USER.create(
        &mut world.state,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "shop"}}),
    );
    assert_eq!(late.unwrap_err().code, 404);
}
