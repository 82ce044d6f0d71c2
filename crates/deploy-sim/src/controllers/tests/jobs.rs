//! Jobs that end well, and Jobs that do not; the sequences are those of the recordings.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{World, reason};
use crate::controllers::object::{int, list, name, text};
use crate::kubelet::Image;

pub(super) fn job(image: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "default"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": image}]}}},
    });
    change(&mut job["spec"]);
    job
}

pub(super) fn found(world: &World) -> Arc<Value> {
    world.find("jobs.batch", "migrate").unwrap()
}

pub(super) fn has(world: &World, kind: &str) -> bool {
    reason(&found(world), kind).starts_with("True")
}

pub(super) fn world() -> World {
    let mut world = World::new();
    world.state.node.images.add("shop/bad:1", Image::new().exits(1, Duration::from_millis(100)));
    world.state.node.images.add("shop/long:1", Image::new().exits(0, Duration::from_secs(600)));
    world
}

/// What a status says beside its times: counts, `TYPE REASON` of its conditions, pods that are not counted yet.
fn told(status: &Value) -> Value {
    let conditions: Vec<String> = list(status, "/conditions")
        .iter()
        .map(|condition| format!("{} {}", text(condition, "/type"), text(condition, "/reason")))
        .collect();
    let waiting = |field: &str| list(status, &format!("/uncountedTerminatedPods/{field}")).len();
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    json!([
        [count("active"), count("succeeded"), count("failed")],
        [waiting("succeeded"), waiting("failed")],
        conditions,
    ])
}

#[test]
fn a_job_that_succeeds_tells_what_a_real_one_tells() {
    let mut world = world();
    world.create(job("shop/migrate:1", |_| {}));
    world.until("its end", |world| has(world, "Complete"));
    let statuses = world.statuses(1, "jobs.batch", "migrate");
    assert_eq!(statuses[1]["terminating"], 0);
    assert_eq!(statuses[1]["ready"], 0);
    let met = "SuccessCriteriaMet CompletionsReached";
    let mut seen: Vec<Value> = statuses[1..].iter().map(told).collect();
    // Its container is ready for a moment, as the recorded one was not.
    seen.dedup();
    assert_eq!(
        seen,
        [
            json!([[1, 0, 0], [0, 0], []]),
            json!([[0, 0, 0], [1, 0], [met]]),
            json!([[0, 1, 0], [0, 0], [met, "Complete CompletionsReached"]]),
        ]
    );
    let pod = &world.pods()[0];
    assert_eq!(
        world.events("Job"),
        [format!("SuccessfulCreate Created pod: {} ×1", name(pod)), "Completed Job completed ×1".to_owned(),]
    );
    assert_eq!(pod["metadata"].get("finalizers"), None);
    let ended = found(&world);
    assert_eq!(ended["status"]["uncountedTerminatedPods"], json!({}));
    assert!(ended["status"]["completionTime"].is_string());
    let condition = &ended["status"]["conditions"][1];
    assert_eq!(condition["message"], "Reached expected number of succeeded pods");
    assert_eq!(condition["lastProbeTime"], condition["lastTransitionTime"]);
    world.pass(SignedDuration::from_hours(24));
    assert_eq!(found(&world), ended, "it stays as it is");
}

#[test]
fn a_job_that_fails_tells_what_a_real_one_tells() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| spec["backoffLimit"] = 1.into()));
    let took = world.until("its end", |world| has(world, "Failed"));
    assert!((10..14).contains(&took.as_secs()), "{took:?}");
    let mut seen: Vec<Value> = world.statuses(1, "jobs.batch", "migrate")[1..].iter().map(told).collect();
    seen.dedup();
    let target = "FailureTarget BackoffLimitExceeded";
    assert_eq!(
        seen,
        [
            json!([[1, 0, 0], [0, 0], []]),
            json!([[0, 0, 0], [0, 1], []]),
            json!([[0, 0, 1], [0, 0], []]),
            json!([[1, 0, 1], [0, 0], []]),
            json!([[0, 0, 1], [0, 1], [target]]),
            json!([[0, 0, 2], [0, 0], [target, "Failed BackoffLimitExceeded"]]),
        ]
    );
    let told = world.events("Job");
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], "BackoffLimitExceeded Job has reached the specified backoff limit ×1");
    assert_eq!(world.pods().len(), 2, "its pods stay");
}

#[test]
fn the_wait_between_failures_doubles() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| spec["backoffLimit"] = 4.into()));
    let mut waits = Vec::new();
    for count in 2..6 {
        waits.push(world.until("the next pod", |world| world.pods().len() == count).as_secs());
    }
    for (waited, expect) in waits.iter().zip([10, 20, 40, 80]) {
        assert!((expect..=expect + 2).contains(waited), "{waits:?}");
    }
    world.until("its end", |world| has(world, "Failed"));
    assert_eq!(found(&world)["status"]["failed"], 5);
}

#[test]
fn as_many_pods_as_are_wanted_run_at_once() {
    let mut world = world();
    world.create(job("shop/migrate:1", |spec| {
        spec["completions"] = 5.into();
        spec["parallelism"] = 2.into();
    }));
    world.until("its end", |world| {
        assert!(int(&found(world), "/status/active").unwrap_or(0) <= 2);
        has(world, "Complete")
    });
    assert_eq!(found(&world)["status"]["succeeded"], 5);
    assert_eq!(world.pods().len(), 5);
}

#[test]
fn a_queue_is_done_when_one_ends_well_and_the_others_end() {
    let mut world = world();
    world.create(job("shop/migrate:1", |spec| spec["parallelism"] = 3.into()));
    world.until("its end", |world| has(world, "Complete"));
    assert_eq!((found(&world)["status"]["succeeded"].as_i64(), world.pods().len()), (Some(3), 3));
}

#[test]
fn a_deadline_ends_it() {
    let mut world = world();
    world.create(job("shop/long:1", |spec| spec["activeDeadlineSeconds"] = 30.into()));
    let took = world.until("the decision", |world| has(world, "FailureTarget"));
    assert_eq!(took.as_secs(), 30);
    assert_eq!(reason(&found(&world), "Failed"), "", "its pod is still on its way out");
    assert_eq!(found(&world)["status"]["terminating"], 1);
    world.until("its end", |world| has(world, "Failed"));
    assert_eq!(reason(&found(&world), "Failed"), "True DeadlineExceeded");
    assert_eq!(found(&world)["status"]["failed"], 1);
    let told = world.events("Job");
    assert!(told[1].starts_with("SuccessfulDelete Deleted pod: migrate-"), "{told:#?}");
    assert_eq!(told[2], "DeadlineExceeded Job was active longer than specified deadline ×1");
}

#[test]
fn a_job_that_is_suspended_waits() {
    let mut world = world();
    world.create(job("shop/long:1", |spec| spec["suspend"] = true.into()));
    world.pass(SignedDuration::from_mins(1));
    assert!(world.pods().is_empty());
    assert_eq!(reason(&found(&world), "Suspended"), "True JobSuspended");
    assert_eq!(found(&world)["status"].get("startTime"), None);
    world.change("jobs.batch", "migrate", |job| job["spec"]["suspend"] = false.into());
    assert_eq!((reason(&found(&world), "Suspended").as_str(), world.pods().len()), ("False JobResumed", 1));
    world.pass(SignedDuration::from_secs(5));
    world.change("jobs.batch", "migrate", |job| job["spec"]["suspend"] = true.into());
    world.until("its pod's end", |world| world.pods().is_empty());
    assert_eq!(found(&world)["status"].get("failed"), None, "what is suspended did not fail");
    world.change("jobs.batch", "migrate", |job| job["spec"]["suspend"] = false.into());
    world.until("its end", |world| has(world, "Complete"));
    let told: Vec<String> = world.events("Job").into_iter().filter(|event| event.contains("Job ")).collect();
    assert_eq!(told, ["Suspended Job suspended ×2", "Resumed Job resumed ×2", "Completed Job completed ×1"]);
}

#[test]
fn a_job_that_ended_goes_after_its_time() {
    let mut world = world();
    world.create(job("shop/migrate:1", |spec| spec["ttlSecondsAfterFinished"] = 100.into()));
    world.until("its end", |world| has(world, "Complete"));
    let took = world.until("it is gone", |world| world.find("jobs.batch", "migrate").is_none());
    assert!((99..=101).contains(&took.as_secs()), "{took:?}");
    assert!(world.pods().is_empty());
}

#[test]
fn a_job_that_is_deleted_takes_its_pods_with_it() {
    let mut world = world();
    world.create(job("shop/long:1", |_| {}));
    world.pass(SignedDuration::from_secs(5));
    world.delete("jobs.batch", "migrate");
    world.until("all is gone", |world| world.pods().is_empty());
}

#[test]
fn containers_that_are_restarted_count_as_failures() {
    let mut world = world();
    world.create(job("shop/bad:1", |spec| {
        spec["template"]["spec"]["restartPolicy"] = "OnFailure".into();
        spec["backoffLimit"] = 2.into();
    }));
    world.until("its end", |world| has(world, "Failed"));
    assert_eq!(reason(&found(&world), "Failed"), "True BackoffLimitExceeded");
    world.until("its pod's end", |world| world.pods().is_empty());
}

#[test]
fn a_rule_ends_it_at_the_first_failure_or_ignores_it() {
    let with = |action: &str| {
        let mut world = world();
        let rule = json!({"action": action, "onExitCodes": {"operator": "In", "values": [1, 3]}});
        world.create(job("shop/bad:1", |spec| {
            spec["podFailurePolicy"] = json!({"rules": [rule]});
            spec["backoffLimit"] = 0.into();
        }));
        world
    };
    let mut world = with("FailJob");
    world.until("its end", |world| has(world, "Failed"));
    let pod = name(&world.pods()[0]).to_owned();
    assert_eq!(
        found(&world)["status"]["conditions"][1]["message"],
        format!("Container m for pod default/{pod} failed with exit code 1 matching FailJob rule at index 0")
    );
    assert_eq!(reason(&found(&world), "Failed"), "True PodFailurePolicy");
    let mut world = with("Ignore");
    world.until("another pod", |world| world.pods().len() == 3);
    assert_eq!(found(&world)["status"].get("failed"), None);
    assert_eq!(reason(&found(&world), "FailureTarget"), "");
}
