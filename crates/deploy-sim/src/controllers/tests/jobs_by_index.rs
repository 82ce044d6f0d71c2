//! Jobs whose pods have indexes.

use std::time::Duration;

use serde_json::{Value, json};

use super::jobs::{found, has, job, world};
use super::world::{World, reason};
use crate::controllers::object::{int, list, name, text};
use crate::kubelet::Image;

fn indexed(spec: &mut Value, completions: i64) {
    spec["completionMode"] = "Indexed".into();
    spec["completions"] = completions.into();
    spec["parallelism"] = completions.into();
}

/// The pods' indexes, each as often as it has one.
fn indexes(world: &World) -> Vec<i64> {
    let index = |pod: &Value| {
        let index = &pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"];
        index.as_str().unwrap().parse().unwrap()
    };
    let mut indexes: Vec<i64> = world.pods().iter().map(|pod| index(pod)).collect();
    indexes.sort_unstable();
    indexes
}

#[test]
fn every_index_has_a_pod_that_knows_it() {
    let mut world = world();
    world.create(job("shop/migrate:1", |spec| indexed(spec, 3)));
    assert_eq!(indexes(&world), [0, 1, 2]);
    let pod = world.pods().into_iter().find(|pod| name(pod).starts_with("migrate-1-")).unwrap();
    assert_eq!(text(&pod, "/spec/hostname"), "migrate-1");
    assert_eq!(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"], "1");
    let variable = &list(&pod, "/spec/containers/0/env")[0];
    assert_eq!(variable["name"], "JOB_COMPLETION_INDEX");
    assert_eq!(
        text(variable, "/valueFrom/fieldRef/fieldPath"),
        "metadata.labels['batch.kubernetes.io/job-completion-index']"
    );
    world.until("its end", |world| has(world, "Complete"));
    let status = &found(&world)["status"];
    assert_eq!((&status["completedIndexes"], &status["succeeded"]), (&json!("0-2"), &json!(3)));
}

#[test]
fn an_index_that_failed_is_tried_again() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| {
        indexed(spec, 1);
        spec["backoffLimit"] = 3.into();
    }));
    world.until("another pod", |world| world.pods().len() == 2);
    assert_eq!(indexes(&world), [0, 0]);
    world.state.node.images.add("shop/bad:1", Image::new());
    world.until("its end", |world| has(world, "Complete") || has(world, "Failed"));
    let status = &found(&world)["status"];
    assert_eq!((int(status, "/failed"), text(status, "/completedIndexes")), (Some(1), "0"));
}

#[test]
fn each_index_has_a_limit_of_its_own() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| {
        indexed(spec, 2);
        spec["backoffLimitPerIndex"] = 1.into();
    }));
    world.until("its end", |world| has(world, "Failed"));
    assert_eq!(reason(&found(&world), "Failed"), "True FailedIndexes");
    assert_eq!(indexes(&world), [0, 0, 1, 1]);
    let status = &found(&world)["status"];
    assert_eq!((text(status, "/failedIndexes"), int(status, "/failed")), ("0,1", Some(4)));
}

#[test]
fn too_many_lost_indexes_end_it() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| {
        indexed(spec, 3);
        spec["parallelism"] = 1.into();
        spec["backoffLimitPerIndex"] = 0.into();
        spec["maxFailedIndexes"] = 1.into();
    }));
    world.until("its end", |world| has(world, "Failed"));
    assert_eq!(reason(&found(&world), "Failed"), "True MaxFailedIndexesExceeded");
    assert_eq!(text(&found(&world), "/status/failedIndexes"), "0,1");
}

#[test]
fn some_indexes_may_be_enough() {
    let mut world = world();
    world.state.node.images.add("shop/some:1", Image::new().exits(0, Duration::from_secs(5)));
    world.create(job("shop/some:1", |spec| {
        indexed(spec, 4);
        spec["parallelism"] = 1.into();
        spec["successPolicy"] =
            json!({"rules": [{"succeededIndexes": "3"}, {"succeededIndexes": "0-2", "succeededCount": 2}]});
    }));
    world.until("its end", |world| has(world, "Complete"));
    assert_eq!(reason(&found(&world), "Complete"), "True SuccessPolicy");
    let status = &found(&world)["status"];
    assert_eq!(status["conditions"][0]["message"], "Matched rules at index 1");
    assert_eq!(text(status, "/completedIndexes"), "0,1");
}
