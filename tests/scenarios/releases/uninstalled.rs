//! Releases that go.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::{OnFailure, Policy};
use deploy_k8s::ReleaseStatus;
use deploy_tests::{Env, deployment, reasons, scenario};

use super::hooks::{HANGS, PASSES, hook, job_of};
use super::{config_maps, description, history, newest, there, upgrade, upgraded};

scenario!(a_release_goes_with_all_that_is_its, async |env| {
    env.deploy(&config_maps("1", &["theirs"])).await;
    upgraded(&env, &[deployment("api:v1"), config_maps("1", &["config"])].join("---\n")).await;
    upgraded(&env, &[deployment("api:v2"), config_maps("2", &["config"])].join("---\n")).await;
    let outcome = env.release("app").uninstall(false, env.run().0).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    assert_eq!((there(&env, "config").await, there(&env, "theirs").await), (false, true));
    let error = env.release("app").revisions().await.expect_err("no record is left");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = env.release("app").uninstall(false, env.run().0).await.expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    env.assert_no_records().await;
});

scenario!(its_history_can_stay, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    upgraded(&env, &config_maps("2", &["config"])).await;
    env.release("app").uninstall(true, env.run().0).await.expect("started");
    assert!(!there(&env, "config").await);
    assert_eq!(history(&env).await, ["2 uninstalled", "1 superseded"]);
    assert_eq!(description(&env, 2).await, "Uninstallation complete");
    let again = env.release("app").uninstall(true, env.run().0).await.expect_err("it is uninstalled");
    assert!(again.to_string().contains("uninstalled already"), "{again}");
    upgraded(&env, &config_maps("3", &["config"])).await;
    assert_eq!(newest(&env).await, ReleaseStatus::Deployed);
    assert_eq!(description(&env, 3).await, "Install complete");
    env.release("app").uninstall(true, env.run().0).await.expect("started");
    env.release("app").uninstall(false, env.run().0).await.expect("its history goes too");
    assert!(env.release("app").revisions().await.is_err());
});

scenario!(a_revision_that_stood_is_superseded_when_a_later_one_goes, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let run = env.run().0.policy(Policy::default().on_failure(OnFailure::Leave));
    let bad = env.bundle(&deployment("api:does-not-exist"));
    env.release("app").upgrade(&bad, run).await.expect("started");
    assert_eq!(history(&env).await, ["2 failed", "1 deployed"]);
    env.release("app").uninstall(true, env.run().0).await.expect("started");
    assert!(!there(&env, "config").await);
    assert_eq!(history(&env).await, ["2 uninstalled", "1 superseded"]);
});

scenario!(a_hook_that_fails_when_all_is_gone_is_told_and_the_records_go, async |env| {
    let bad = hook("cleanup", "post-delete", "before-hook-creation", "image: $REGISTRY/api:crash");
    upgraded(&env, &[bad, deployment("api:v1")].join("---\n")).await;
    let outcome = env.release("app").uninstall(false, env.run().0).await.expect("started");
    assert_eq!(outcome.status, Status::Incomplete, "{outcome}");
    assert!(outcome.to_string().contains("cleanup"), "{outcome}");
    let containers = outcome.evidence.pods.iter().flat_map(|pod| &pod.containers);
    assert!(containers.flat_map(|one| &one.log).count() > 0, "no log: {:?}", outcome.evidence);
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    let error = env.release("app").revisions().await.expect_err("no record is left");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    env.assert_no_records().await;
});

scenario!(a_hook_that_cannot_start_when_all_is_gone_is_stopped, async |env| {
    let bad = hook("cleanup", "post-delete", "before-hook-creation", "image: $REGISTRY/api:does-not-exist");
    upgraded(&env, &[bad, config_maps("1", &["config"])].join("---\n")).await;
    let outcome = env.release("app").uninstall(true, env.run().0).await.expect("started");
    assert_eq!(outcome.status, Status::Incomplete, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    assert!(!outcome.evidence.pods.is_empty(), "{:?}", outcome.evidence);
    assert_eq!(job_of(&env, "cleanup").await.expect("it stays to be looked at")["spec"]["suspend"], true);
    assert_eq!(history(&env).await, ["1 uninstalled"]);
});

/// Installs two config maps and a Deployment, begins to uninstall them, and dies at it once one object is gone.
async fn dead_uninstalling(env: &Env) {
    let hangs = hook("farewell", "pre-delete", "", PASSES).replace("restartPolicy: Never", HANGS);
    let manifests = [hangs, deployment("api:v1"), config_maps("1", &["config", "old"])];
    upgraded(env, &manifests.join("---\n")).await;
    let release = env.release("app");
    tokio::select! {
        told = release.uninstall(false, env.run().0) => panic!("it ended: {told:?}"),
        () = env.eventually("its hook runs", async || job_of(env, "farewell").await.is_some()) => {}
    }
    env.delete_config_map("config").await;
    assert_eq!(history(env).await, ["1 uninstalling"]);
}

scenario!(an_upgrade_takes_up_an_uninstall_that_died, async |env| {
    dead_uninstalling(&env).await;
    upgraded(&env, &[deployment("api:v2"), config_maps("2", &["config"])].join("---\n")).await;
    assert_eq!(history(&env).await, ["2 deployed", "1 superseded"]);
    assert_eq!(description(&env, 2).await, "Upgrade complete");
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
    assert_eq!((there(&env, "config").await, there(&env, "old").await), (true, false));
    let hook = job_of(&env, "farewell").await.expect("it stays to be looked at");
    assert_eq!(hook["spec"]["suspend"], true, "nobody waits for it any more");
});

scenario!(an_upgrade_that_fails_after_an_uninstall_that_died_brings_all_back, async |env| {
    dead_uninstalling(&env).await;
    let bad = [deployment("api:does-not-exist"), config_maps("2", &["config", "new"])].join("---\n");
    let outcome = upgrade(&env, &bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    assert_eq!(description(&env, 3).await, "Rollback to 1");
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    for (name, stands) in [("config", true), ("old", true), ("new", false)] {
        assert_eq!(there(&env, name).await, stands, "{name}");
    }
});

scenario!(what_never_came_to_run_is_not_gone_back_to_after_an_uninstall_that_died, async |env| {
    let hangs = hook("farewell", "pre-delete", "", PASSES).replace("restartPolicy: Never", HANGS);
    let bad = [hangs, deployment("api:does-not-exist")].join("---\n");
    upgrade(&env, &bad).await;
    let release = env.release("app");
    tokio::select! {
        told = release.uninstall(false, env.run().0) => panic!("it ended: {told:?}"),
        () = env.eventually("its hook runs", async || job_of(&env, "farewell").await.is_some()) => {}
    }
    assert_eq!(history(&env).await, ["1 uninstalling"]);
    let outcome = upgrade(&env, &deployment("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    upgraded(&env, &deployment("api:v1")).await;
    assert_eq!(description(&env, 3).await, "Install complete");
});

scenario!(an_uninstall_stops_the_hooks_of_an_install_that_died, async |env| {
    let hangs = hook("migrate", "pre-install", "", PASSES).replace("restartPolicy: Never", HANGS);
    let (release, bundle) =
        (env.release("app"), env.bundle(&[hangs, config_maps("1", &["config"])].join("---\n")));
    tokio::select! {
        told = release.upgrade(&bundle, env.run().0) => panic!("it ended: {told:?}"),
        () = env.eventually("its hook runs", async || job_of(&env, "migrate").await.is_some()) => {}
    }
    let outcome = env.release("app").uninstall(true, env.run().0).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(job_of(&env, "migrate").await.expect("it stays to be looked at")["spec"]["suspend"], true);
    assert_eq!(history(&env).await, ["1 uninstalled"]);
});
