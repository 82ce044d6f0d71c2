//! `status`, beside `kubectl rollout status`.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Cause, Status};
use deploy_core::plan::Action;
use deploy_k8s::RolloutVerb;
use deploy_tests::{Env, reasons, served_scenario};

use super::{KINDS, id, manifest, object, refused, run};

fn status(env: &Env, kind: &str) -> RolloutVerb {
    RolloutVerb::status(&env.target(), id(env, kind)).expect("a verb")
}

served_scenario!("needs a cluster and kubectl", status_follows_what_others_roll_out, async |env| {
    for kind in KINDS {
        let name = format!("{kind}/api");
        assert_eq!(env.deploy(&manifest(kind, "api:v1", "release 1")).await.status, Status::Healthy);
        let image = format!("api={}/api:v2", env.registry);
        env.kubectl(&["set", "image", &name, &image], "").await;
        let outcome = run(&env, status(&env, kind)).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(outcome.objects[0].action, Action::Unchanged, "{outcome}");
        assert_eq!(env.ready_images().await, ["api:v2"], "{kind}");
        env.kubectl(&["rollout", "status", &name, "--watch=false"], "").await;
        env.kubectl(&["delete", &name, "--cascade=foreground"], "").await;
    }
    let (kind, text) = refused(&env, status(&env, "Deployment")).await;
    assert_eq!((kind, text.contains("does not exist")), (ErrorKind::NotFound, true), "{text}");
});

// kubectl would wait for ever; and nothing of somebody else's is undone.
served_scenario!("needs a cluster and kubectl", status_fails_fast_with_evidence, async |env| {
    assert_eq!(env.deploy(&manifest("Deployment", "api:v1", "release 1")).await.status, Status::Healthy);
    let image = format!("api={}/api:does-not-exist", env.registry);
    env.kubectl(&["set", "image", "deployment/api", &image], "").await;
    let outcome = run(&env, status(&env, "Deployment")).await;
    assert_eq!((outcome.status, reasons(&outcome)), (Status::Failed, vec!["ImageNotFound"]), "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Failed { .. })), "{outcome}");
    assert!(!outcome.evidence.pods.is_empty(), "{outcome}");
    assert_eq!(env.image("Deployment").await, "api:does-not-exist");
    let live = object(&env, "Deployment").await;
    assert!(live["metadata"]["managedFields"].to_string().contains("kubectl-set"), "{live}");
});
