//! DaemonSets on their one node; the sequences are those of the recordings.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{USER, World, waiting};
use crate::controllers::object::{int, is_deleting, name, text};
use crate::kubelet::Image;

fn daemon_set(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{
                    "name": "agent", "image": image,
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
                }]},
            },
        },
    })
}

fn set(world: &World) -> Arc<Value> {
    world.find("daemonsets.apps", "agent").unwrap()
}

fn image(world: &mut World, image: &str) {
    let image = image.to_owned();
    world.change("daemonsets.apps", "agent", |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

fn is_done(world: &World) -> bool {
    let status = &set(world)["status"];
    status["updatedNumberScheduled"] == status["desiredNumberScheduled"]
        && status["numberAvailable"] == status["desiredNumberScheduled"]
        && status["observedGeneration"] == set(world)["metadata"]["generation"]
}

fn running(change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::new();
    // As the image of the recordings.
    world.state.node.images.add("shop/agent:1", Image::new().ignores_sigterm());
    let mut set = daemon_set("shop/agent:1");
    change(&mut set);
    world.create(set);
    world.until("the first rollout", is_done);
    world
}

#[test]
fn a_rollout_tells_what_a_real_one_tells() {
    let mut world = running(|_| {});
    let first = name(&world.pods()[0]).to_owned();
    let before = world.state.store.revision();
    image(&mut world, "shop/agent:2");
    world.until("the second rollout", is_done);
    world.until("the old pod's end", |world| world.pods().len() == 1);
    let told = |ready: i64, updated: i64| {
        let mut status = json!({
            "currentNumberScheduled": 1, "desiredNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": ready,
            "observedGeneration": 2,
        });
        for (field, count) in [
            ("numberAvailable", ready),
            ("numberUnavailable", 1 - ready),
            ("updatedNumberScheduled", updated),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        status
    };
    // The recording, from the apply on, but for the moment between the old pod's end and the new pod's birth, which took 3 ms there.
    let statuses = world.statuses(before, "daemonsets.apps", "agent");
    let seen: Vec<&Value> = statuses.iter().filter(|status| status["currentNumberScheduled"] == 1).collect();
    assert_eq!(seen, [&told(1, 0), &told(0, 1), &told(1, 1)]);
    let second = name(&world.pods()[0]).to_owned();
    assert_eq!(
        world.events("DaemonSet"),
        [
            format!("SuccessfulCreate Created pod: {first} ×1"),
            format!("SuccessfulDelete Deleted pod: {first} ×1"),
            format!("SuccessfulCreate Created pod: {second} ×1"),
        ]
    );
    let pod = &world.pods()[0];
    let revisions = world.state.objects("controllerrevisions.apps", Some("default"));
    let latest = revisions.iter().find(|revision| revision["revision"] == 2).unwrap();
    let hash = text(latest, "/metadata/labels/controller-revision-hash");
    assert_eq!(name(latest), format!("agent-{hash}"));
    let labels = json!({"app": "agent", "controller-revision-hash": hash, "pod-template-generation": "2"});
    assert_eq!(pod["metadata"]["labels"], labels);
    let tolerated: Vec<&Value> =
        pod["spec"]["tolerations"].as_array().unwrap().iter().map(|toleration| &toleration["key"]).collect();
    assert_eq!(
        tolerated,
        ["not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"]
            .map(|taint| json!(format!("node.kubernetes.io/{taint}")))
            .iter()
            .collect::<Vec<_>>()
    );
    let fields = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]);
    assert_eq!(
        pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"],
        fields
    );
}

#[test]
fn a_bad_image_takes_the_place_of_the_old_pod_and_gives_it_back() {
    let mut world = running(|_| {});
    image(&mut world, "shop/api:bad");
    world.until("the error", |world| world.pods().iter().any(|pod| waiting(pod).0 == "ErrImagePull"));
    world.pass(SignedDuration::from_secs(5));
    assert_eq!(world.pods().len(), 1);
    assert_eq!(set(&world)["status"]["numberUnavailable"], 1);
    image(&mut world, "shop/agent:1");
    world.until("the way back", is_done);
    let numbers: Vec<Option<i64>> = world
        .state
        .objects("controllerrevisions.apps", Some("default"))
        .iter()
        .map(|revision| int(revision, "/revision"))
        .collect();
    assert!(numbers.contains(&Some(3)) && numbers.len() == 2, "the old revision is the latest: {numbers:?}");
}

#[test]
fn with_a_surge_the_new_pod_comes_first() {
    let mut world = running(|set| {
        let strategy =
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
        set["spec"]["updateStrategy"] = strategy;
    });
    image(&mut world, "shop/agent:2");
    world.until("the update", |world| {
        let serving =
            world.pods().iter().filter(|pod| crate::controllers::object::is_true(pod, "Ready")).count();
        assert!(serving >= 1, "one serves always");
        assert!(world.pods().len() <= 2);
        is_done(world)
    });
    world.until("the old pod's end", |world| world.pods().len() == 1);
    image(&mut world, "shop/api:hangs");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(world.pods().len(), 2, "the old one stays as long as the new one does not serve");
    image(&mut world, "shop/agent:2");
    world.until("the way back", |world| is_done(world) && world.pods().len() == 1);
}

#[test]
fn on_delete_nothing_moves_by_itself() {
    let mut world = running(|set| set["spec"]["updateStrategy"] = json!({"type": "OnDelete"}));
    let first = name(&world.pods()[0]).to_owned();
    image(&mut world, "shop/agent:2");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(name(&world.pods()[0]), first);
    assert_eq!(set(&world)["status"].get("updatedNumberScheduled"), None);
    world.delete("pods.", &first);
    world.until("the update", is_done);
}

#[test]
fn a_node_that_does_not_fit_has_no_pod() {
    let mut world = running(|_| {});
    world.change("daemonsets.apps", "agent", |set| {
        set["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
    });
    world.pass(SignedDuration::from_mins(1));
    assert!(world.pods().is_empty());
    assert_eq!(set(&world)["status"]["desiredNumberScheduled"], 0);
    let node = world.find("nodes.", "node-1").unwrap();
    USER.change(&mut world.state, &node, None, |node| node["metadata"]["labels"]["disk"] = "ssd".into())
        .unwrap();
    world.settle();
    world.until("a node that fits", |world| is_done(world) && world.pods().len() == 1);
}

#[test]
fn a_pod_that_ended_is_made_anew() {
    let mut world = running(|_| {});
    let pod = Arc::clone(&world.pods()[0]);
    USER.change(&mut world.state, &pod, Some("status"), |pod| pod["status"]["phase"] = "Failed".into())
        .unwrap();
    world.settle();
    let told = format!(
        "FailedDaemonPod Found failed daemon pod default/{} on node node-1, will try to kill it ×1",
        name(&pod)
    );
    assert!(world.events("DaemonSet").contains(&told), "{:#?}", world.events("DaemonSet"));
    world.until("another one", |world| {
        is_done(world) && world.pods().iter().all(|pod| !is_deleting(pod)) && world.pods().len() == 1
    });
}
