//! `undo`, on a copy, and kubectl's own on another.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::plan::Action;
use deploy_tests::{Env, managers, reasons, scenario, served_scenario};
use serde_json::Value;

use super::{
    KINDS, id, kubectls_history, manifest, object, our_history, refused, restart, run, three_revisions, undo,
};

/// The template, and the numbers and causes of all revisions once the controller has seen it.
async fn after(env: &Env, kind: &str) -> (Value, Vec<String>) {
    let target = env.target();
    env.eventually("the controller has seen it", || async {
        let object = object(env, kind).await;
        let found = target.workload_history(&id(env, kind)).await.expect("a history");
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && found.first().is_some_and(|newest| newest.current)
    })
    .await;
    (object(env, kind).await["spec"]["template"].clone(), kubectls_history(env, kind).await)
}

// Both have the same history; kubectl goes back in one namespace, we in the other.
served_scenario!("needs a cluster and kubectl", undo_is_kubectls, async |theirs| {
    theirs.beside("undo_is_ours", async |ours| {
        for kind in KINDS {
            let name = format!("{kind}/api");
            // The fourth revision is somebody else's: a field and an annotation that the third does not have.
            let patch = r#"{"spec": {"template": {"metadata": {"annotations": {"x.io/by": "hand"}}, "spec": {"hostname": "other"}}}}"#;
            for env in [&theirs, &ours] {
                three_revisions(env, kind).await;
                env.kubectl(&["patch", &name, "--patch", patch], "").await;
                env.kubectl(&["rollout", "status", &name], "").await;
            }
            assert_eq!(after(&theirs, kind).await, after(&ours, kind).await, "{kind}: the same history");

            for to_revision in [None, Some(1), Some(2), None] {
                let before = object(&ours, kind).await;
                let number = format!("--to-revision={}", to_revision.unwrap_or(0));
                theirs.kubectl(&["rollout", "undo", &name, &number], "").await;
                theirs.kubectl(&["rollout", "status", &name], "").await;
                let outcome = run(&ours, undo(&ours, kind, to_revision)).await;
                assert_eq!(outcome.status, Status::Healthy, "{kind} {to_revision:?}: {outcome}");
                assert_eq!(after(&theirs, kind).await, after(&ours, kind).await, "{kind} {to_revision:?}");
                let rest = |object: &Value| {
                    let mut spec = object["spec"].clone();
                    spec["template"] = Value::Null;
                    spec
                };
                assert_eq!(rest(&object(&ours, kind).await), rest(&before), "{kind}: nothing but the template");
            }
        }
    })
    .await;
});

served_scenario!("needs a cluster and kubectl", undo_to_the_present_revision_changes_nothing, async |env| {
    for kind in KINDS {
        let name = format!("{kind}/api");
        three_revisions(&env, kind).await;
        let before = object(&env, kind).await;
        let theirs = env.kubectl(&["rollout", "undo", &name, "--to-revision=3"], "").await;
        assert!(theirs.contains("skipped"), "{theirs}");
        let outcome = run(&env, undo(&env, kind, Some(3))).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(outcome.objects[0].action, Action::Unchanged, "{outcome}");
        let written = |object: &Value| (object["metadata"]["generation"].clone(), managers(object));
        assert_eq!(written(&object(&env, kind).await), written(&before), "{kind}");
    }
    // The present one does not work, and to be at it is no success.
    let image = format!("api={}/api:does-not-exist", env.registry);
    env.kubectl(&["set", "image", "deployment/api", &image], "").await;
    env.eventually("the rollout has begun", || async { our_history(&env, "Deployment").await.len() == 4 })
        .await;
    let outcome = run(&env, undo(&env, "Deployment", Some(4))).await;
    assert_eq!((outcome.status, reasons(&outcome)), (Status::Failed, vec!["ImageNotFound"]), "{outcome}");
});

served_scenario!("needs a cluster and kubectl", undo_names_the_revisions_there_are, async |env| {
    assert_eq!(env.deploy(&manifest("Deployment", "api:v1", "release 1")).await.status, Status::Healthy);
    let refused_with = async |to_revision: Option<u64>, words: &str| {
        let (kind, text) = refused(&env, undo(&env, "Deployment", to_revision)).await;
        assert_eq!(kind, ErrorKind::NotFound, "{text}");
        assert!(text.contains(words), "{text}");
    };
    refused_with(None, "has no revision before the present one; there is only 1").await;
    refused_with(Some(7), "has no revision 7; there is only 1").await;
    assert_eq!(env.deploy(&manifest("Deployment", "api:v2", "release 2")).await.status, Status::Healthy);
    refused_with(Some(7), "has no revision 7; there are 2, 1").await;
    env.kubectl(&["rollout", "pause", "deployment/api"], "").await;
    let (kind, text) = refused(&env, undo(&env, "Deployment", None)).await;
    assert_eq!((kind, text.contains("resume it first")), (ErrorKind::InvalidInput, true), "{text}");
});

// A revision that never worked: it fails again, at once, and what runs now comes back.
scenario!(undo_to_a_revision_that_fails_comes_back, async |env| {
    for kind in KINDS {
        assert_eq!(env.deploy(&manifest(kind, "api:v1", "release 1")).await.status, Status::Healthy);
        let outcome = env.deploy(&manifest(kind, "api:does-not-exist", "release 2")).await;
        assert_eq!(
            (outcome.status, reasons(&outcome)),
            (Status::RolledBack, vec!["ImageNotFound"]),
            "{outcome}"
        );
        let before = object(&env, kind).await;
        let outcome = run(&env, undo(&env, kind, None)).await;
        assert_eq!(
            (outcome.status, reasons(&outcome)),
            (Status::RolledBack, vec!["ImageNotFound"]),
            "{outcome}"
        );
        let now = object(&env, kind).await;
        assert_eq!((&now["spec"], managers(&now)), (&before["spec"], managers(&before)), "{kind}");
    }
});

// `kubectl apply` made it, and goes on applying it afterwards.
served_scenario!("needs a cluster and kubectl", verbs_leave_to_kubectl_what_is_kubectls, async |env| {
    for kind in KINDS {
        let apply = async |release: &str| {
            let manifest = manifest(kind, &format!("api:v{release}"), &format!("release {release}"));
            env.kubectl(&["apply", "--filename", "-"], &manifest).await;
            env.kubectl(&["rollout", "status", &format!("{kind}/api")], "").await;
        };
        apply("1").await;
        apply("2").await;
        let before = object(&env, kind).await;
        let outcome = run(&env, undo(&env, kind, None)).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let outcome = run(&env, restart(&env, kind)).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let mut now = object(&env, kind).await;
        assert_eq!(env.image(kind).await, "api:v1");
        now["spec"]["template"] = before["spec"]["template"].clone();
        assert_eq!(now["spec"], before["spec"], "{kind}: nothing else is gone");
        apply("3").await;
        assert_eq!(env.image(kind).await, "api:v3");
    }
});
