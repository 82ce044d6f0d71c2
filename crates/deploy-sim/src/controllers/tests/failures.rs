//! Rollouts that fail, in the words of the recordings.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{World, deployment, is_done, reason, waiting};
use crate::controllers::object::{condition, int, list, text};
use crate::kubelet::Image;

fn pod(world: &World) -> std::sync::Arc<Value> {
    world.pods().into_iter().next().unwrap()
}

#[test]
fn an_image_that_is_not_there() {
    let mut world = World::new();
    world.create(deployment("shop/api:bad", 1));
    let why = "rpc error: code = NotFound desc = failed to pull and unpack image \"shop/api:bad\": failed to resolve reference \"shop/api:bad\": shop/api:bad: not found";
    world.until("the error", |world| waiting(&pod(world)).0 == "ErrImagePull");
    assert_eq!(waiting(&pod(&world)).1, why);
    assert_eq!(
        world.events("Pod")[1..],
        [
            "Pulling Pulling image \"shop/api:bad\" ×1".to_owned(),
            format!("Failed Failed to pull image \"shop/api:bad\": {why} ×1"),
            "Failed Error: ErrImagePull ×1".to_owned(),
            "BackOff Back-off pulling image \"shop/api:bad\" ×1".to_owned(),
            "Failed Error: ImagePullBackOff ×1".to_owned(),
        ]
    );
    let took = world.until("the back-off", |world| waiting(&pod(world)).0 == "ImagePullBackOff");
    assert_eq!(took.as_secs(), 13);
    assert_eq!(
        waiting(&pod(&world)).1,
        format!("Back-off pulling image \"shop/api:bad\": ErrImagePull: {why}")
    );
    assert_eq!(pod(&world)["status"]["phase"], "Pending");
    world.state.node.images.add("shop/api:bad", Image::new());
    world.until("it is there after all", is_done);
}

#[test]
fn a_container_that_crashes() {
    let mut world = World::new();
    let mut api = deployment("shop/api:crash", 1);
    api["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("readinessProbe");
    world.create(api);
    world.until("it runs", is_done);
    let restarts = |world: &World| int(&pod(world), "/status/containerStatuses/0/restartCount").unwrap();
    let took = world.until("the first restart", |world| restarts(world) == 1);
    assert!(took < SignedDuration::from_secs(2), "without back-off: {took:?}");
    let is_shown = |world: &World| waiting(&pod(world)).0 == "CrashLoopBackOff";
    let mut shown = world.until("the back-off", is_shown);
    let words = waiting(&pod(&world)).1;
    let uid = text(&pod(&world), "/metadata/uid").to_owned();
    let name = text(&pod(&world), "/metadata/name").to_owned();
    assert_eq!(words, format!("back-off 10s restarting failed container=api pod={name}_default({uid})"));
    let last = pod(&world)["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    assert_eq!((&last["exitCode"], &last["reason"]), (&json!(1), &json!("Error")));
    assert_eq!(reason(&pod(&world), "Ready"), "False ContainersNotReady");
    assert_eq!(condition(&pod(&world), "Ready").unwrap()["message"], "containers with unready status: [api]");
    assert_eq!(pod(&world)["status"]["phase"], "Running");
    let told = format!("BackOff Back-off restarting failed container api in pod {name}_default({uid}) ×1");
    assert!(world.events("Pod").contains(&told), "{:#?}", world.events("Pod"));
    // As the recordings, it is shown when the kubelet looks again, which is when it restarts the container or after a minute.
    let mut waits = Vec::new();
    for count in 2..8 {
        let took = shown + world.until("the next restart", |world| restarts(world) == count);
        waits.push((shown.as_secs(), took.as_secs()));
        shown = world.until("the next back-off", is_shown);
    }
    assert_eq!(waits, [(12, 12), (24, 24), (49, 49), (75, 81), (75, 162), (75, 300)]);
    assert!(waiting(&pod(&world)).1.starts_with("back-off 5m0s "), "{:?}", waiting(&pod(&world)));
    let logs = world.state.node.logs(&uid, "api", true).unwrap();
    assert_eq!(logs.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>(), ["starting", "no database"]);
}

#[test]
fn a_config_map_that_is_missing() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 1);
    api["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "nope"}}]);
    world.create(api);
    world.until("the error", |world| waiting(&pod(world)).0 == "CreateContainerConfigError");
    assert_eq!(waiting(&pod(&world)).1, "configmap \"nope\" not found");
    assert!(world.events("Pod").contains(&"Failed Error: configmap \"nope\" not found ×2".to_owned()));
    world.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nope", "namespace": "default"}}));
    world.until("it is there after all", is_done);
}

#[test]
fn a_volume_that_is_missing() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 1);
    api["spec"]["template"]["spec"]["volumes"] = json!([{"name": "keys", "secret": {"secretName": "nope"}}]);
    world.create(api);
    world.pass(SignedDuration::from_secs(5));
    assert_eq!(waiting(&pod(&world)).0, "ContainerCreating");
    let told = world.events("Pod");
    assert!(
        told[1].starts_with(
            "FailedMount MountVolume.SetUp failed for volume \"keys\" : secret \"nope\" not found"
        ),
        "{told:#?}"
    );
}

#[test]
fn a_pod_that_no_node_takes() {
    let check = |change: &dyn Fn(&mut Value), words: &str, preemption: &str| {
        let mut world = World::new();
        let mut api = deployment("shop/api:1", 1);
        change(&mut api["spec"]["template"]["spec"]);
        world.create(api);
        world.pass(SignedDuration::from_mins(1));
        let pod = pod(&world);
        let message = format!(
            "0/1 nodes are available: 1 {words}. no new claims to deallocate, preemption: 0/1 nodes are available: 1 {preemption}."
        );
        assert_eq!(condition(&pod, "PodScheduled").unwrap()["message"], message);
        assert_eq!(reason(&pod, "PodScheduled"), "False Unschedulable");
        assert_eq!(pod["status"]["phase"], "Pending");
        assert_eq!(world.events("Pod"), [format!("FailedScheduling {message} ×1")]);
    };
    let never = "Preemption is not helpful for scheduling";
    check(
        &|spec| spec["containers"][0]["resources"] = json!({"requests": {"cpu": "1k"}}),
        "Insufficient cpu",
        never,
    );
    check(
        &|spec| spec["containers"][0]["resources"] = json!({"requests": {"memory": "1Ti"}}),
        "Insufficient memory",
        never,
    );
    check(
        &|spec| spec["nodeSelector"] = json!({"a": "b"}),
        "node(s) didn't match Pod's node affinity/selector",
        never,
    );
}

#[test]
fn a_full_node_takes_the_next_pod_when_another_goes() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 2);
    api["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "5"}});
    world.create(api);
    world.pass(SignedDuration::from_secs(10));
    assert_eq!(world.deployment()["status"]["readyReplicas"], 1);
    world.change("deployments.apps", "api", |api| api["spec"]["replicas"] = 1.into());
    world.until("the other one is not wanted any more", is_done);
}

#[test]
fn a_probe_that_never_passes_exceeds_the_deadline() {
    let mut world = World::new();
    let mut api = deployment("shop/api:hangs", 1);
    api["spec"]["progressDeadlineSeconds"] = 30.into();
    world.create(api);
    let took = world.until("the deadline", |world| {
        reason(&world.deployment(), "Progressing") == "False ProgressDeadlineExceeded"
    });
    assert!((30..33).contains(&took.as_secs()), "{took:?}");
    let api = world.deployment();
    let set = text(&world.sets()[0], "/metadata/name").to_owned();
    let message = &condition(&api, "Progressing").unwrap()["message"];
    assert_eq!(*message, format!("ReplicaSet \"{set}\" has timed out progressing."));
    let pod = pod(&world);
    assert_eq!(
        (text(&pod, "/status/phase"), reason(&pod, "Ready").as_str()),
        ("Running", "False ContainersNotReady")
    );
    let told = world.events("Pod");
    assert!(
        told.iter().any(|event| event
            .starts_with("Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503 ×3")),
        "{told:#?}"
    );
    world.image("shop/api:1");
    world.until("the way out", is_done);
}

#[test]
fn a_liveness_probe_restarts_its_container() {
    let mut world = World::new();
    world.state.node.images.add("shop/api:1", Image::new().unhealthy_after(Duration::from_secs(60)));
    let mut api = deployment("shop/api:1", 1);
    let probe = json!({"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 5});
    api["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = probe;
    world.create(api);
    let took = world.until("the restart", |world| {
        int(&pod(world), "/status/containerStatuses/0/restartCount") == Some(1)
    });
    assert!((70..75).contains(&took.as_secs()), "after three failures: {took:?}");
    let told = world.events("Pod");
    assert!(
        told.contains(&"Killing Container api failed liveness probe, will be restarted ×1".to_owned()),
        "{told:#?}"
    );
}

#[test]
fn a_pod_that_is_refused() {
    let mut world = World::new();
    // A template may have what its pods may not.
    let mut set = deployment("shop/api:1", 1);
    set["kind"] = "ReplicaSet".into();
    set["spec"]["template"]["metadata"]["finalizers"] = json!(["hold"]);
    world.create(set);
    world.pass(SignedDuration::from_secs(10));
    let set = world.find("replicasets.apps", "api").unwrap();
    assert_eq!(reason(&set, "ReplicaFailure"), "True FailedCreate");
    let message = condition(&set, "ReplicaFailure").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Pod \"api-"), "{message}");
    let told = world.events("ReplicaSet");
    assert!((5..20).contains(&told.len()), "less and less often: {told:#?}");
    assert!(told[0].starts_with("FailedCreate Error creating: Pod \"api-"), "{told:#?}");
    world.change("replicasets.apps", "api", |set| set["spec"]["replicas"] = 0.into());
    world.pass(SignedDuration::from_secs(60));
    let set = world.find("replicasets.apps", "api").unwrap();
    assert_eq!(reason(&set, "ReplicaFailure"), "");
}

#[test]
fn a_pod_that_ignores_the_signal_is_killed() {
    let mut world = World::new();
    world.state.node.images.add("shop/api:1", Image::new().ignores_sigterm());
    world.create(deployment("shop/api:1", 1));
    world.until("it runs", is_done);
    world.delete("deployments.apps", "api");
    let took =
        world.until("its end", |world| world.pods().iter().any(|pod| pod["status"]["phase"] == "Failed"));
    assert!((30..32).contains(&took.as_secs()), "{took:?}");
    let ended = pod(&world)["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(137), &json!("Error")));
    assert_eq!(reason(&pod(&world), "Ready"), "False PodFailed");
    world.until("it is gone", |world| world.pods().is_empty());
    assert!(world.events("Pod").contains(&"Killing Stopping container api ×1".to_owned()));
}

#[test]
fn a_pod_that_never_started_goes_too() {
    let mut world = World::new();
    world.create(deployment("shop/api:bad", 1));
    world.pass(SignedDuration::from_secs(20));
    world.delete("deployments.apps", "api");
    let took = world.until("it is gone", |world| world.pods().is_empty());
    assert!(took.as_secs() < 3, "{took:?}");
}

#[test]
fn init_containers_run_first() {
    let mut world = World::new();
    let mut api = deployment("shop/api:1", 1);
    api["spec"]["template"]["spec"]["initContainers"] =
        json!([{"name": "migrate", "image": "shop/migrate:1"}]);
    world.create(api);
    assert_eq!(reason(&pod(&world), "Initialized"), "False ContainersNotInitialized");
    assert_eq!(waiting(&pod(&world)).0, "PodInitializing");
    world.until("it runs", is_done);
    let init = &pod(&world)["status"]["initContainerStatuses"][0];
    assert_eq!((&init["state"]["terminated"]["reason"], &init["ready"]), (&json!("Completed"), &json!(true)));
}

#[test]
fn a_pod_that_is_to_end_ends() {
    let mut world = World::new();
    world.state.node.images.add("shop/job:bad", Image::new().exits(3, Duration::from_secs(1)));
    for (named, image, phase) in [("good", "shop/job:1", "Succeeded"), ("bad", "shop/job:bad", "Failed")] {
        world.create(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": named, "namespace": "default"},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "job", "image": image}]},
        }));
        world.until("its end", |world| world.find("pods.", named).unwrap()["status"]["phase"] == phase);
    }
    assert_eq!(list(&world.find("pods.", "good").unwrap(), "/status/conditions").len(), 5);
    assert_eq!(reason(&world.find("pods.", "good").unwrap(), "Ready"), "False PodCompleted");
}
