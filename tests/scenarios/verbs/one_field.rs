//! `restart`, `pause` and `resume`, in turns with kubectl's own.

use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_tests::{reasons, scenario, served_scenario};
use serde_json::{Value, json};

use super::{KINDS, id, manifest, object, pause, refused, restart, resume, run, undo};

const RESTARTED_AT: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

served_scenario!(
    "needs a cluster and kubectl",
    restart_is_kubectls_and_the_next_apply_leaves_it,
    async |env| {
        for kind in KINDS {
            let manifest = manifest(kind, "api:v1", "release 1");
            let outcome = env.deploy(&manifest).await;
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            let before = object(&env, kind).await;

            let outcome = run(&env, restart(&env, kind)).await;
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            let mut ours = object(&env, kind).await;
            assert!(ours.pointer(RESTARTED_AT).is_some_and(Value::is_string), "{ours}");

            let outcome = env.deploy(&manifest).await;
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            let after = object(&env, kind).await;
            assert_eq!(after["metadata"]["generation"], ours["metadata"]["generation"], "rolled out again");
            let next = manifest.replace("release 1", "release 2");
            let outcome = env.deploy(&next).await;
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            let after = object(&env, kind).await;
            assert_eq!(
                after.pointer(RESTARTED_AT),
                ours.pointer(RESTARTED_AT),
                "the restart is not taken back"
            );
            assert_eq!(env.deploy(&manifest).await.status, Status::Healthy);

            env.kubectl(&["rollout", "restart", &format!("{kind}/api")], "").await;
            env.kubectl(&["rollout", "status", &format!("{kind}/api")], "").await;
            let mut theirs = object(&env, kind).await;
            for object in [&mut ours, &mut theirs] {
                *object.pointer_mut(RESTARTED_AT).expect("restarted") = json!("then");
            }
            assert_eq!(ours["spec"], theirs["spec"]);
            assert_ne!(ours["spec"], before["spec"]);

            let outcome = run(&env, restart(&env, kind)).await;
            assert_eq!(outcome.status, Status::Healthy, "over kubectl's: {outcome}");
        }
    }
);

served_scenario!("needs a cluster and kubectl", pause_and_resume_are_kubectls, async |env| {
    let manifest = manifest("Deployment", "api:v1", "release 1");
    assert_eq!(env.deploy(&manifest).await.status, Status::Healthy);
    let image = |tag: &str| format!("api={}/api:{tag}", env.registry);
    let paused = async || object(&env, "Deployment").await.pointer("/spec/paused").cloned();

    let outcome = run(&env, pause(&env)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(paused().await, Some(json!(true)));
    let (kind, text) = refused(&env, pause(&env)).await;
    assert_eq!((kind, text.contains("is paused already")), (ErrorKind::InvalidInput, true), "{text}");
    let (_, text) = refused(&env, restart(&env, "Deployment")).await;
    assert!(text.contains("resume it first"), "{text}");

    // What changes meanwhile is rolled out by the resume, whoever asks for it.
    env.kubectl(&["set", "image", "deployment/api", &image("v2")], "").await;
    let none = env.target().workload_history(&id(&env, "Deployment")).await.expect("a history");
    assert!(none.iter().all(|found| !found.current), "{none:?}");
    let outcome = run(&env, resume(&env)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(paused().await, None);
    assert_eq!(env.image("Deployment").await, "api:v2");
    let (kind, text) = refused(&env, resume(&env)).await;
    assert_eq!((kind, text.contains("is not paused")), (ErrorKind::InvalidInput, true), "{text}");

    // Each takes up what the other left.
    env.kubectl(&["rollout", "pause", "deployment/api"], "").await;
    assert_eq!(run(&env, resume(&env)).await.status, Status::Healthy);
    assert_eq!(paused().await, None);
    assert_eq!(run(&env, pause(&env)).await.status, Status::Healthy);
    env.kubectl(&["rollout", "resume", "deployment/api"], "").await;
    assert_eq!(paused().await, None);
    assert_eq!(run(&env, restart(&env, "Deployment")).await.status, Status::Healthy);
});

// After a restart and an undo the next apply still leaves the restart.
scenario!(a_restart_outlives_an_undo, async |env| {
    let v1 = manifest("Deployment", "api:v1", "release 1");
    assert_eq!(env.deploy(&v1).await.status, Status::Healthy);
    assert_eq!(run(&env, restart(&env, "Deployment")).await.status, Status::Healthy);
    assert_eq!(env.deploy(&manifest("Deployment", "api:v2", "release 2")).await.status, Status::Healthy);
    let outcome = run(&env, undo(&env, "Deployment", None)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let undone = object(&env, "Deployment").await;
    assert!(undone.pointer(RESTARTED_AT).is_some(), "{undone}");
    assert_eq!(env.deploy(&v1).await.status, Status::Healthy);
    let after = object(&env, "Deployment").await;
    assert_eq!(after["spec"]["template"], undone["spec"]["template"], "rolled out again");
    assert_eq!(env.replica_sets().await, 3, "as many as there are templates");
    // Before the restart: it is taken back.
    let outcome = run(&env, undo(&env, "Deployment", Some(1))).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(object(&env, "Deployment").await.pointer(RESTARTED_AT), None);
});

// What would wait for somebody until its time is up is refused at once.
scenario!(a_paused_deployment_takes_no_new_template, async |env| {
    let manifest = |image: &str| manifest("Deployment", image, "release 1");
    assert_eq!(env.deploy(&manifest("api:v1")).await.status, Status::Healthy);
    assert_eq!(run(&env, pause(&env)).await.status, Status::Healthy);
    let (next, _) = env.run();
    let error =
        env.rollout().run(&env.bundle(&manifest("api:v2")), next.named("app")).await.expect_err("refused");
    assert!(error.to_string().contains("is paused") && error.to_string().contains("resume"), "{error}");
    assert_eq!(env.image("Deployment").await, "api:v1");
    let scaled = manifest("api:v1").replace("replicas: 1", "replicas: 2");
    let outcome = env.deploy(&scaled).await;
    assert_eq!(outcome.status, Status::Healthy, "to scale is no rollout: {outcome}");
});

// A pause waits for nobody, and a resume that fails pauses again.
served_scenario!(
    "needs a cluster and kubectl",
    a_rollout_that_never_ends_can_be_paused_and_fails_when_resumed,
    async |env| {
        let manifest = manifest("Deployment", "api:v1", "release 1");
        assert_eq!(env.deploy(&manifest).await.status, Status::Healthy);
        let image = format!("api={}/api:does-not-exist", env.registry);
        env.kubectl(&["set", "image", "deployment/api", &image], "").await;
        env.eventually("the rollout has begun", || async { env.replica_sets().await == 2 }).await;
        let outcome = run(&env, pause(&env)).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(outcome.took < Duration::from_secs(10), "{outcome}");

        let outcome = run(&env, resume(&env)).await;
        assert_eq!(
            (outcome.status, reasons(&outcome)),
            (Status::RolledBack, vec!["ImageNotFound"]),
            "{outcome}"
        );
        assert_eq!(object(&env, "Deployment").await["spec"]["paused"], json!(true));
        assert_eq!(env.ready_images().await, ["api:v1"]);
    }
);
