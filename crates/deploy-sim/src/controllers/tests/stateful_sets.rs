//! StatefulSets, one pod after another; the sequences are those of the recordings.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::World;
use crate::controllers::object::{int, name, text};

fn stateful_set(image: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{
                    "name": "db", "image": image,
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
                }]},
            },
        },
    })
}

fn set(world: &World) -> Arc<Value> {
    world.find("statefulsets.apps", "db").unwrap()
}

fn image(world: &mut World, image: &str) {
    let image = image.to_owned();
    world.change("statefulsets.apps", "db", |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

fn is_done(world: &World) -> bool {
    let set = set(world);
    let wanted = int(&set, "/spec/replicas");
    let status = &set["status"];
    ["replicas", "readyReplicas", "updatedReplicas", "currentReplicas"]
        .iter()
        .all(|field| status[field].as_i64() == wanted)
        && status["currentRevision"] == status["updateRevision"]
        && int(&set, "/status/observedGeneration") == int(&set, "/metadata/generation")
}

fn running(change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::new();
    let mut set = stateful_set("shop/db:1", 2);
    change(&mut set);
    world.create(set);
    world.until("the first rollout", is_done);
    world
}

/// `NAME IMAGE`
fn pods(world: &World) -> Vec<String> {
    let pods = world.pods();
    pods.iter().map(|pod| format!("{} {}", name(pod), text(pod, "/spec/containers/0/image"))).collect()
}

#[test]
fn a_rollout_tells_what_a_real_one_tells() {
    let mut world = running(|_| {});
    let old = text(&set(&world), "/status/currentRevision").to_owned();
    assert_eq!(
        world.events("StatefulSet"),
        [
            "SuccessfulCreate Create Pod db-0 in StatefulSet db successful ×1",
            "SuccessfulCreate Create Pod db-1 in StatefulSet db successful ×1",
        ]
    );
    let before = world.state.store.revision();
    image(&mut world, "shop/db:2");
    let new = text(&set(&world), "/status/updateRevision").to_owned();
    world.until("the second rollout", is_done);
    let told = |[generation, replicas, ready, current, updated]: [i64; 5], current_revision: &str| {
        let mut status = json!({
            "observedGeneration": generation, "replicas": replicas, "availableReplicas": ready, "readyReplicas": ready,
            "collisionCount": 0, "currentRevision": current_revision, "updateRevision": new,
        });
        for (field, count) in [("currentReplicas", current), ("updatedReplicas", updated)] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        status
    };
    // The recording, from the apply on.
    assert_eq!(
        world.statuses(before, "statefulsets.apps", "db"),
        [
            told([2, 2, 2, 1, 0], &old),
            told([2, 2, 1, 1, 0], &old),
            told([2, 1, 1, 1, 0], &old),
            told([2, 2, 1, 1, 1], &old),
            told([2, 2, 2, 0, 1], &old),
            told([2, 2, 1, 0, 1], &old),
            told([2, 1, 1, 0, 1], &old),
            told([2, 2, 1, 0, 2], &old),
            told([2, 2, 2, 2, 2], &new),
        ]
    );
    assert_eq!(
        world.events("StatefulSet"),
        [
            "SuccessfulDelete Delete Pod db-1 in StatefulSet db successful ×1",
            "SuccessfulCreate Create Pod db-1 in StatefulSet db successful ×2",
            "SuccessfulDelete Delete Pod db-0 in StatefulSet db successful ×1",
            "SuccessfulCreate Create Pod db-0 in StatefulSet db successful ×2",
        ]
    );
    let pod = world.find("pods.", "db-1").unwrap();
    assert_eq!(
        pod["metadata"]["labels"],
        json!({
            "app": "db", "apps.kubernetes.io/pod-index": "1", "controller-revision-hash": new,
            "statefulset.kubernetes.io/pod-name": "db-1",
        })
    );
    assert_eq!((text(&pod, "/spec/hostname"), text(&pod, "/spec/subdomain")), ("db-1", "db"));
    assert_eq!(text(&pod, "/metadata/generateName"), "db-");
}

#[test]
fn pods_start_one_after_another_and_go_in_reverse() {
    let mut world = World::new();
    world.create(stateful_set("shop/db:1", 3));
    let mut most = 0;
    world.until("the rollout", |world| {
        let starting = world.pods().iter().filter(|pod| pod["status"]["phase"] == "Pending").count();
        assert!(starting <= 1);
        is_done(world)
    });
    world.change("statefulsets.apps", "db", |set| set["spec"]["replicas"] = 0.into());
    while !world.pods().is_empty() {
        let names: Vec<String> = world.pods().iter().map(|pod| name(pod).to_owned()).collect();
        assert_eq!(names, ["db-0", "db-1", "db-2"][..names.len()]);
        let ending =
            world.pods().iter().filter(|pod| pod["metadata"].get("deletionTimestamp").is_some()).count();
        most = most.max(ending);
        world.pass(SignedDuration::from_millis(100));
    }
    assert_eq!(most, 1);
}

#[test]
fn parallel_pods_start_and_go_together() {
    let mut world = World::new();
    let mut set = stateful_set("shop/db:1", 3);
    set["spec"]["podManagementPolicy"] = "Parallel".into();
    world.create(set);
    assert_eq!(world.pods().len(), 3);
    world.until("the rollout", is_done);
    world.change("statefulsets.apps", "db", |set| set["spec"]["replicas"] = 1.into());
    let is_going = |pod: &&Arc<Value>| pod["metadata"].get("deletionTimestamp").is_some();
    assert_eq!(world.pods().iter().filter(is_going).count(), 2);
    image(&mut world, "shop/db:2");
    world.until("the update", is_done);
}

#[test]
fn a_rollout_of_a_broken_template_is_stuck_until_the_pod_is_deleted() {
    let mut world = running(|_| {});
    image(&mut world, "shop/api:bad");
    world.pass(SignedDuration::from_mins(5));
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/api:bad"]);
    image(&mut world, "shop/db:1");
    world.pass(SignedDuration::from_mins(5));
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/api:bad"], "the way back does not help by itself");
    let status = &set(&world)["status"];
    assert_eq!(status["currentRevision"], status["updateRevision"], "it is the first revision again");
    assert_eq!((&status["replicas"], &status["readyReplicas"]), (&json!(2), &json!(1)));
    world.delete("pods.", "db-1");
    world.until("the way back", is_done);
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/db:1"]);
}

#[test]
fn a_parallel_rollout_replaces_a_broken_pod() {
    let mut world = running(|set| set["spec"]["podManagementPolicy"] = "Parallel".into());
    image(&mut world, "shop/api:bad");
    world.pass(SignedDuration::from_mins(5));
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/api:bad"]);
    image(&mut world, "shop/db:1");
    world.until("the way back", is_done);
}

#[test]
fn a_partition_keeps_the_lower_pods() {
    let mut world = running(|set| {
        set["spec"]["replicas"] = 3.into();
        set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    });
    image(&mut world, "shop/db:2");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/db:1", "db-2 shop/db:2"]);
    world.delete("pods.", "db-0");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(pods(&world)[0], "db-0 shop/db:1", "of the revision that it is kept at");
    let status = &set(&world)["status"];
    assert_eq!((&status["currentReplicas"], &status["updatedReplicas"]), (&json!(2), &json!(1)));
    world.change("statefulsets.apps", "db", |set| {
        set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 0.into();
    });
    world.until("the rest", is_done);
}

#[test]
fn on_delete_nothing_moves_by_itself() {
    let mut world = running(|set| set["spec"]["updateStrategy"] = json!({"type": "OnDelete"}));
    image(&mut world, "shop/db:2");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(pods(&world), ["db-0 shop/db:1", "db-1 shop/db:1"]);
    world.delete("pods.", "db-0");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(pods(&world), ["db-0 shop/db:2", "db-1 shop/db:1"]);
}

#[test]
fn numbers_can_start_elsewhere() {
    let world = running(|set| set["spec"]["ordinals"] = json!({"start": 5}));
    assert_eq!(pods(&world), ["db-5 shop/db:1", "db-6 shop/db:1"]);
}

#[test]
fn the_history_has_a_limit_and_a_way_back() {
    let mut world = running(|set| set["spec"]["revisionHistoryLimit"] = 1.into());
    for version in 2..6 {
        image(&mut world, &format!("shop/db:{version}"));
        world.until("a rollout", is_done);
    }
    let revisions = |world: &World| -> Vec<i64> {
        let all = world.state.objects("controllerrevisions.apps", Some("default"));
        let mut numbers: Vec<i64> = all.iter().map(|revision| int(revision, "/revision").unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(revisions(&world), [4, 5]);
    image(&mut world, "shop/db:4");
    world.until("the way back", is_done);
    assert_eq!(revisions(&world), [5, 6], "the old revision is the latest one");
}

#[test]
fn claims_stay_when_pods_go_unless_they_are_not_to() {
    let check = |policy: Value, after_scaling: usize, after_deletion: usize| {
        let mut world = running(|set| {
            set["spec"]["persistentVolumeClaimRetentionPolicy"] = policy.clone();
            set["spec"]["volumeClaimTemplates"] = json!([{
                "metadata": {"name": "data", "labels": {"tier": "store"}},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }]);
        });
        let claims = |world: &World| world.state.objects("persistentvolumeclaims.", Some("default"));
        assert_eq!(
            claims(&world).iter().map(|claim| name(claim)).collect::<Vec<_>>(),
            ["data-db-0", "data-db-1"]
        );
        assert_eq!(claims(&world)[0]["metadata"]["labels"], json!({"app": "db", "tier": "store"}));
        assert_eq!(text(&claims(&world)[0], "/status/phase"), "Bound");
        let pod = world.find("pods.", "db-1").unwrap();
        let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}});
        assert_eq!(pod["spec"]["volumes"][0], volume);
        assert_eq!(
            world.events("StatefulSet")[0],
            "SuccessfulCreate Create Claim data-db-0 Pod db-0 in StatefulSet db success ×1"
        );
        world.change("statefulsets.apps", "db", |set| set["spec"]["replicas"] = 1.into());
        world.pass(SignedDuration::from_mins(2));
        assert_eq!(claims(&world).len(), after_scaling, "{policy}");
        world.change("statefulsets.apps", "db", |set| set["spec"]["replicas"] = 2.into());
        world.until("both again", is_done);
        world.delete("statefulsets.apps", "db");
        world.pass(SignedDuration::from_mins(2));
        assert!(world.pods().is_empty());
        assert_eq!(claims(&world).len(), after_deletion, "{policy}");
    };
    check(json!({"whenScaled": "Retain", "whenDeleted": "Retain"}), 2, 2);
    check(json!({"whenScaled": "Delete", "whenDeleted": "Retain"}), 1, 2);
    check(json!({"whenScaled": "Retain", "whenDeleted": "Delete"}), 2, 0);
    check(json!({"whenScaled": "Delete", "whenDeleted": "Delete"}), 1, 0);
}

#[test]
fn in_the_foreground_it_goes_last_and_makes_no_revisions() {
    let mut world = running(|_| {});
    world.change("statefulsets.apps", "db", |set| {
        set["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    });
    world.delete("statefulsets.apps", "db");
    world.until("it is gone", |world| {
        let is_gone = world.find("statefulsets.apps", "db").is_none();
        assert!(!is_gone || world.pods().is_empty());
        is_gone
    });
}
