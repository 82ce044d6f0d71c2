//! What stood before, what the node keeps, and the ways back to it.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::guard::Answer;
use deploy_core::memory::FixedCheck;
use deploy_core::outcome::{Cause, Status};
use deploy_core::rollout::Rollout;
use deploy_core::target::RolloutTarget;
use deploy_tests::reasons;
use serde_json::json;

use crate::app::small;
use crate::far_scenario;
use crate::world::World;

fn stands(setting: &str, image: &str) -> (Option<String>, Vec<String>) {
    (Some(setting.to_owned()), vec![image.to_owned()])
}

async fn deployed(world: &World, setting: &str, image: &str) {
    let outcome = world.apply(world.target(), &small(image, setting), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
}

far_scenario!(a_first_install_with_a_bad_image_is_removed, async |world| {
    for target in [world.target(), world.inline().build().unwrap()] {
        let outcome =
            world.apply(target.clone(), &small("api:does-not-exist", "a"), world.run()).await.unwrap();
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert_eq!(reasons(&outcome)[0], "ImageNotFound", "{outcome}");
        assert_eq!(world.stands().await, (None, Vec::new()));
        assert_eq!(world.env.get("apps/v1", "Deployment", "api").await, None);
        assert!(target.log(&outcome.deployment).unwrap().contains("rolling back"));
    }
});

far_scenario!(what_somebody_else_had_applied_comes_back, async |world| {
    let theirs = world.env.target().field_manager("theirs").unwrap();
    let (run, _) = world.env.run();
    let outcome =
        Rollout::new(Arc::new(theirs)).run(&world.env.bundle(&small("api:v1", "theirs")), run).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    // Two managers of one field are a conflict, which is said before anything is written.
    let error = world.refused(world.target(), &small("api:does-not-exist", "ours"), world.run()).await;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(world.stands().await, stands("theirs", "api:v1"));
    let target = world.inline().force_conflicts(true).build().unwrap();
    let outcome = world.apply(target, &small("api:does-not-exist", "ours"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(world.stands().await, stands("theirs", "api:v1"));
});

far_scenario!(what_is_not_in_the_bundle_any_more_is_pruned, async |world| {
    let extra = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n";
    let with = small("api:v1", "a") + extra;
    let target = || world.inline().prune(true).build().unwrap();
    let outcome = world.apply(target(), &with, world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    // Not by a deployment that fails.
    let outcome = world.apply(target(), &small("api:does-not-exist", "b"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(world.env.get("v1", "ConfigMap", "extra").await.is_some());
    // Nor where it is not asked for.
    deployed(&world, "c", "api:v1").await;
    assert!(world.env.get("v1", "ConfigMap", "extra").await.is_some());
    let outcome = world.apply(target(), &with, world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let outcome = world.apply(target(), &small("api:v1", "d"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.env.get("v1", "ConfigMap", "extra").await, None);
});

far_scenario!(back_to_a_bundle_that_is_kept, async |world| {
    for (setting, image) in [("a", "api:v1"), ("b", "api:v2"), ("c", "api:v1")] {
        deployed(&world, setting, image).await;
    }
    let rollout = Rollout::new(Arc::new(world.target()));
    let outcome = rollout.run_revision(Some(1), world.run()).await.unwrap();
    assert_eq!((outcome.status, world.stands().await), (Status::Healthy, stands("a", "api:v1")), "{outcome}");
    let outcome = rollout.run_revision(Some(2), world.run()).await.unwrap();
    assert_eq!((outcome.status, world.stands().await), (Status::Healthy, stands("b", "api:v2")), "{outcome}");
    // To the one before, which is the fourth: the first once more.
    let outcome = rollout.run_revision(None, world.run()).await.unwrap();
    assert_eq!((outcome.status, world.stands().await), (Status::Healthy, stands("a", "api:v1")), "{outcome}");
    let error = rollout.run_revision(Some(77), world.run()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    world.swept(&world.target()).await;
});

far_scenario!(a_check_that_says_no, async |world| {
    let no = Answer::No { why: "it answered 503".to_owned() };
    let refuted = Rollout::new(Arc::new(world.target())).check(Arc::new(FixedCheck::new("home", no)));
    // Before it was nothing.
    let outcome = refuted.run(&world.env.bundle(&small("api:v1", "a")), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Refuted { .. })), "{outcome}");
    assert_eq!(world.stands().await, (None, Vec::new()));
    // Then it was something.
    deployed(&world, "b", "api:v1").await;
    let outcome = refuted.run(&world.env.bundle(&small("api:v2", "c")), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(world.stands().await, stands("b", "api:v1"));
    let history = world.target().history().await.unwrap();
    assert_eq!(history[0].status, "deployed", "{history:?}");
    world.swept(&world.target()).await;
});

far_scenario!(what_the_node_tells, async |world| {
    let target = world.inline().keep(2).build().unwrap();
    for setting in ["a", "b", "c"] {
        let outcome = world.apply(target.clone(), &small("api:v1", setting), world.run()).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    }
    let outcome = world.apply(target.clone(), &small("api:does-not-exist", "d"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let run = world.run();
    let history = target.history().await.unwrap();
    let words: Vec<(u64, &str)> = history.iter().map(|one| (one.number, one.status.as_str())).collect();
    assert_eq!(words, [(4, "failed"), (3, "deployed"), (2, "superseded"), (1, "superseded")]);
    assert_eq!(history[1].git_revision.as_deref(), Some("4f1c2d9"));
    assert_eq!(history[1].images, [format!("{}/api:v1", world.env.registry)]);
    assert!(
        history[0].description.contains("ImageNotFound") || history[0].description.contains("not found"),
        "{history:?}"
    );
    let kept = target.kept(&run).await.unwrap();
    assert_eq!((kept.current, kept.kept), (Some(3), vec![2, 3]));
    let status = target.status(None, &run).await.unwrap();
    assert_eq!(status.current, Some(3));
    let newest = status.run.unwrap();
    assert_eq!(newest.id, outcome.deployment.as_str());
    assert!(newest.events.iter().any(|event| event["event"] == json!("rolledBack")), "{:?}", newest.events);
    let health = target.health(&run).await.unwrap();
    assert!(health.ready, "{health:?}");
    let diagnosis = target.diagnosis(&run).await.unwrap();
    assert!(!diagnosis.disk.is_empty(), "{diagnosis:?}");
    // The oldest is not kept any more.
    let error = Rollout::new(Arc::new(target)).run_revision(Some(1), world.run()).await.unwrap_err();
    assert!(error.to_string().contains("not kept"), "{error}");
});

far_scenario!(a_log_that_is_cut_says_so, async |world| {
    // kubectl's warnings go to the log, until it is longer than SSM keeps.
    let folder = tempfile::tempdir().unwrap();
    let loud = folder.path().join("kubectl");
    let text = format!(
        "awk 'BEGIN {{ while (i++ < 700) print \"Warning: the number \" i \" of many words of no use to anybody\" }}' >&2\nexec {} \"$@\"\n",
        world.kubectl
    );
    std::fs::write(&loud, text).unwrap();
    let target = world.inline().kubectl(format!("sh {}", loud.display())).build().unwrap();
    let outcome = world.apply(target.clone(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let log = target.log(&outcome.deployment).unwrap();
    assert!(log.contains("the log is cut"), "{}", &log[..200]);
    // With a bucket it is whole.
    let target = world
        .inline()
        .bucket(crate::storage::BUCKET, "")
        .kubectl(format!("sh {}", loud.display()))
        .build()
        .unwrap();
    let outcome = world.apply(target.clone(), &small("api:v1", "b"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let log = target.log(&outcome.deployment).unwrap();
    assert!(log.len() > 30_000 && !log.contains("is cut"), "{}", log.len());
});
