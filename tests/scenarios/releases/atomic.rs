//! All of a revision or nothing of it.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::{Cancel, OnFailure, Policy};
use deploy_tests::{assert_order, deployment, reasons, scenario, workload};

use super::{config_maps, description, history, there, upgrade, upgraded};

scenario!(an_upgrade_that_fails_is_rolled_back_and_recorded, async |env| {
    upgraded(&env, &[deployment("api:v1"), config_maps("1", &["kept", "old"])].join("---\n")).await;
    let bad = [deployment("api:does-not-exist"), config_maps("2", &["kept", "new"])].join("---\n");
    let outcome = upgrade(&env, &bad).await;
    assert_eq!((outcome.status, outcome.revision), (Status::RolledBack, Some(2)), "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    assert!(!outcome.evidence.pods.is_empty(), "the pod is in the evidence");
    assert_order(
        &outcome,
        &["api changed", "rolling back", "api changed", "new deleted", "the old state is back"],
    );
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    assert_eq!((there(&env, "old").await, there(&env, "new").await), (true, false));
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    let why = description(&env, 2).await;
    assert!(why.starts_with("Upgrade \"app\" failed: ") && why.contains("api:does-not-exist"), "{why}");
    assert_eq!(description(&env, 3).await, "Rollback to 1");
    env.assert_no_records().await;
});

scenario!(a_first_install_that_fails_leaves_its_record_alone, async |env| {
    let bad = [deployment("api:does-not-exist"), config_maps("1", &["config"])].join("---\n");
    let outcome = upgrade(&env, &bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    assert!(!there(&env, "config").await);
    assert_eq!(history(&env).await, ["1 failed"]);
    upgraded(&env, &deployment("api:v1")).await;
    assert_eq!(history(&env).await, ["2 deployed", "1 failed"]);
    assert_eq!(description(&env, 2).await, "Install complete");
});

scenario!(what_is_left_as_it_is_goes_with_the_next_revision, async |env| {
    upgraded(&env, &config_maps("1", &["kept", "old"])).await;
    let bad = [deployment("api:does-not-exist"), config_maps("2", &["kept", "orphan"])].join("---\n");
    let (run, _) = env.run();
    let leave = run.policy(Policy::default().on_failure(OnFailure::Leave));
    let outcome = env.release("app").upgrade(&env.bundle(&bad), leave).await.expect("started");
    assert_eq!(outcome.status, Status::Failed, "{outcome}");
    assert_eq!(history(&env).await, ["2 failed", "1 deployed"]);
    assert!(there(&env, "orphan").await && there(&env, "old").await);
    upgraded(&env, &config_maps("3", &["kept"])).await;
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    assert!(there(&env, "kept").await);
    assert!(!there(&env, "orphan").await, "only the failed revision had it");
    assert!(!there(&env, "old").await, "only the one before had it");
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
});

scenario!(a_cancelled_upgrade_is_rolled_back, async |env| {
    upgraded(&env, &deployment("api:v1")).await;
    let never = "readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}";
    let endless = workload("apps/v1", "Deployment", "replicas: 2", "api:v2", never);
    let cancel = Cancel::new();
    let (run, recorder) = env.run();
    let stop = async {
        env.eventually("it writes", async || {
            recorder.events().iter().any(|event| event.kind.to_string().contains("api changed"))
        })
        .await;
        cancel.cancel();
    };
    let (release, bundle) = (env.release("app"), env.bundle(&endless));
    let (outcome, ()) = tokio::join!(release.upgrade(&bundle, run.cancelled_by(cancel.clone())), stop);
    assert_eq!(outcome.expect("started").status, Status::RolledBack);
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    assert!(description(&env, 2).await.contains("cancelled"));
});

scenario!(a_rollback_goes_to_the_last_good_or_a_given_revision, async |env| {
    for value in ["1", "2", "3"] {
        upgraded(&env, &config_maps(value, &["config", &format!("only-{value}")])).await;
    }
    let back = async |revision| env.release("app").roll_back(revision, env.run().0).await;
    let value = async || env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["value"].clone();
    assert_eq!(back(None).await.expect("started").revision, Some(4));
    assert_eq!(value().await, "2");
    assert!(there(&env, "only-2").await && !there(&env, "only-3").await);
    assert_eq!(back(Some(1)).await.expect("started").status, Status::Healthy);
    assert_eq!(value().await, "1");
    assert_eq!(
        history(&env).await,
        ["5 deployed", "4 superseded", "3 superseded", "2 superseded", "1 superseded"]
    );
    let error = back(Some(9)).await.expect_err("it is not there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("revision 9 is not recorded"), "{error}");
});

scenario!(there_is_nothing_to_go_back_to, async |env| {
    let back = async || env.release("app").roll_back(None, env.run().0).await.expect_err("nothing");
    assert_eq!(back().await.kind(), ErrorKind::NotFound);
    upgraded(&env, &config_maps("1", &["config"])).await;
    let error = back().await;
    assert!(error.to_string().contains("no good revision before the present one"), "{error}");
    assert_eq!(history(&env).await, ["1 deployed"]);
});

scenario!(a_diff_tells_what_somebody_changed, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let diff = async || env.release("app").diff(None, env.run().0).await.expect("a diff");
    let clean = diff().await;
    assert_eq!(clean.status, Status::Planned);
    assert!(clean.objects.iter().all(|object| object.diff.is_empty()), "{:?}", clean.objects);
    env.patch_config_map("config", serde_json::json!({"data": {"more": "x"}})).await;
    let still = diff().await;
    assert!(still.objects.iter().all(|object| object.diff.is_empty()), "what others add is theirs");
    env.delete_config_map("config").await;
    let changed = diff().await;
    assert_eq!(changed.objects.len(), 1);
    assert!(!changed.objects.first().expect("one").diff.is_empty());
    assert_eq!(history(&env).await, ["1 deployed"], "a diff writes nothing");
});
