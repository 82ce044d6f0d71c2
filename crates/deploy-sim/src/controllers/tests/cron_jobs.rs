//! CronJobs over hours. The time begins at midnight.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::World;
use crate::controllers::object::{list, name, text};
use crate::kubelet::Image;

fn cron_job(schedule: &str, image: &str, change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::new();
    world.state.node.images.add("shop/long:1", Image::new().exits(0, Duration::from_secs(150)));
    world.state.node.images.add("shop/bad:1", Image::new().exits(1, Duration::from_secs(1)));
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": image}]}});
    let mut cron_job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "default"},
        "spec": {
            "schedule": schedule,
            "jobTemplate": {"metadata": {"labels": {"app": "tick"}}, "spec": {"backoffLimit": 0, "template": template}},
        },
    });
    change(&mut cron_job["spec"]);
    world.create(cron_job);
    world
}

fn found(world: &World) -> Arc<Value> {
    world.find("cronjobs.batch", "tick").unwrap()
}

fn jobs(world: &World) -> Vec<String> {
    world.state.objects("jobs.batch", Some("default")).iter().map(|job| name(job).to_owned()).collect()
}

/// The name of the Job of so many minutes after midnight.
fn at(minutes: i64) -> String {
    format!("tick-{}", 29_453_760 + minutes)
}

#[test]
fn a_job_starts_at_every_moment_of_the_schedule() {
    let mut world = cron_job("*/2 * * * *", "shop/migrate:1", |_| {});
    world.pass(SignedDuration::from_secs(121));
    assert_eq!(jobs(&world), [at(2)]);
    let job = world.find("jobs.batch", &at(2)).unwrap();
    assert_eq!(job["metadata"]["labels"]["app"], "tick");
    let scheduled = &job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"];
    assert_eq!(scheduled, "2026-01-01T00:02:00Z");
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "CronJob");
    let status = &found(&world)["status"];
    assert_eq!(
        (text(status, "/lastScheduleTime"), text(status, "/active/0/name")),
        ("2026-01-01T00:02:00Z", &*at(2))
    );
    world.pass(SignedDuration::from_secs(60));
    let status = &found(&world)["status"];
    assert_eq!(status.get("active"), None);
    assert!(text(status, "/lastSuccessfulTime").starts_with("2026-01-01T00:02:0"));
    assert_eq!(
        world.events("CronJob"),
        [
            format!("SuccessfulCreate Created job {} ×1", at(2)),
            format!("SawCompletedJob Saw completed job: {}, condition: Complete ×1", at(2)),
        ]
    );
    world.pass(SignedDuration::from_mins(10));
    assert_eq!(jobs(&world), [at(8), at(10), at(12)], "the last three are kept");
}

#[test]
fn failed_jobs_have_a_limit_of_their_own() {
    let mut world = cron_job("* * * * *", "shop/bad:1", |_| {});
    world.pass(SignedDuration::from_mins(5) + SignedDuration::from_secs(30));
    assert_eq!(jobs(&world), [at(5)]);
    assert_eq!(found(&world)["status"].get("lastSuccessfulTime"), None);
}

#[test]
fn what_still_runs_runs_beside_is_waited_for_or_replaced() {
    let check = |policy: &str, active: &[i64], event: Option<&str>| {
        let mut world =
            cron_job("* * * * *", "shop/long:1", |spec| spec["concurrencyPolicy"] = policy.into());
        world.pass(SignedDuration::from_secs(130));
        let status = found(&world)["status"].clone();
        let names: Vec<&str> = list(&status, "/active").iter().map(|job| text(job, "/name")).collect();
        assert_eq!(names, active.iter().map(|minutes| at(*minutes)).collect::<Vec<_>>(), "{policy}");
        let told = world.events("CronJob");
        assert!(
            event.is_none_or(|event| told.iter().any(|told| told.starts_with(event))),
            "{policy} {told:#?}"
        );
    };
    check("Allow", &[1, 2], None);
    let why = "JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid";
    check("Forbid", &[1], Some(why));
    check("Replace", &[2], Some(&format!("SuccessfulDelete Deleted job {}", at(1))));
}

#[test]
fn a_suspended_one_starts_the_last_that_it_missed_when_it_goes_on() {
    let check = |deadline: Option<i64>, expect: &[i64]| {
        let mut world = cron_job("*/10 * * * *", "shop/migrate:1", |spec| {
            spec["suspend"] = true.into();
            if let Some(seconds) = deadline {
                spec["startingDeadlineSeconds"] = seconds.into();
            }
        });
        world.pass(SignedDuration::from_mins(35));
        assert!(jobs(&world).is_empty());
        world.change("cronjobs.batch", "tick", |cron_job| cron_job["spec"]["suspend"] = false.into());
        assert_eq!(
            jobs(&world),
            expect.iter().map(|minutes| at(*minutes)).collect::<Vec<_>>(),
            "{deadline:?}"
        );
        world.until("the next one", |world| jobs(world).contains(&at(40)));
    };
    check(None, &[30]);
    check(Some(600), &[30]);
    check(Some(60), &[]);
}

#[test]
fn a_zone_that_is_not_known_is_told() {
    let mut world =
        cron_job("* * * * *", "shop/migrate:1", |spec| spec["timeZone"] = "Europe/Nowhere".into());
    world.pass(SignedDuration::from_mins(5));
    assert!(jobs(&world).is_empty());
    let told = world.events("CronJob");
    assert!(
        told[0].starts_with("UnknownTimeZone invalid timeZone: \"Europe/Nowhere\": unknown time zone"),
        "{told:#?}"
    );
}

#[test]
fn a_deletion_takes_jobs_and_pods_with_it() {
    let mut world = cron_job("* * * * *", "shop/long:1", |_| {});
    world.pass(SignedDuration::from_secs(70));
    assert_eq!(world.pods().len(), 1);
    world.delete("cronjobs.batch", "tick");
    world.until("all is gone", |world| jobs(world).is_empty() && world.pods().is_empty());
}
