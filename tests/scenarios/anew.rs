//! What cannot be changed, and is deleted and created anew where that is asked for.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::outcome::Status;
use deploy_core::plan::Action;
use deploy_tests::{Env, deployment, job, managers, scenario, served_scenario};
use serde_json::json;

use crate::conflicts::autoscale;
use crate::takeover::{CONFIG, api, healthy, noted, run};

fn selecting(image: &str, label: &str) -> String {
    deployment(image).replace("app: api", &format!("app: {label}"))
}

scenario!(what_cannot_be_changed_is_created_anew_where_asked_for, async |env| {
    healthy(&env, env.target(), &deployment("api:v1")).await;
    let wanted = selecting("api:v2", "other");
    let error: Error = run(&env, env.target(), &format!("{CONFIG}{wanted}")).await.expect_err("immutable");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    for text in ["spec.selector", "Deployment", "api", "created anew"] {
        assert!(format!("{error} {error:?}").contains(text), "no \"{text}\" in {error}");
    }
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None, "something was written");

    let target = || env.target().recreate("apps", "Deployment").expect("a kind without data");
    let old = api(&env).await;
    let outcome = healthy(&env, target(), &wanted).await;
    assert_eq!(outcome.objects[0].action, Action::Recreate, "{outcome}");
    let before = api(&env).await;
    assert_ne!(before["metadata"]["uid"], old["metadata"]["uid"]);
    env.eventually("only v2 is left", || async { env.ready_images().await == ["api:v2", "api:v2"] }).await;

    let outcome = run(&env, target(), &selecting("api:does-not-exist", "third")).await.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let after = api(&env).await;
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(managers(&after), managers(&before));
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);

    for kind in ["PersistentVolumeClaim", "PersistentVolume", "Namespace"] {
        let refused = env.target().recreate("", kind).expect_err("holds data");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    }
});

// Nothing is deleted for what could not be created.
scenario!(what_cannot_be_created_is_not_deleted_for_it, async |env| {
    healthy(&env, env.target(), &deployment("api:v1")).await;
    let uid = async || api(&env).await["metadata"]["uid"].clone();
    let old = uid().await;
    let wanted = selecting("api:v2", "other").replace("replicas: 2", "replicas: -1");
    let target = env.target().recreate("apps", "Deployment").expect("a kind without data");
    let error = run(&env, target, &wanted).await.expect_err("invalid");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let text = error.to_string();
    assert!(text.contains("spec.replicas") && !text.contains("api-anew"), "{text}");
    assert_eq!(uid().await, old);
});

served_scenario!("needs a cluster and kubectl", an_autoscalers_count_is_taken_along, async |env| {
    healthy(&env, env.target(), &deployment("api:v1")).await;
    autoscale(&env).await;
    let target = env.target().recreate("apps", "Deployment").expect("a kind without data");
    let outcome = healthy(&env, target, &selecting("api:v1", "other")).await;
    assert_eq!(outcome.objects[0].action, Action::Recreate, "{outcome}");
    noted(&outcome, &[".spec.replicas stays 3"]);
    assert_eq!(api(&env).await["spec"]["replicas"], 3);
});

// A Job's selector and labels name the old one's uid: it is brought back without them.
scenario!(a_job_comes_back, async |env| {
    let env: &Env = &env;
    let migrating = |tag: &str| {
        job(&format!("api:{tag}"))
            .replace("name: migrate, image", "name: migrate, command: [/bin/true], image")
    };
    healthy(env, env.target(), &(deployment("api:v1") + "---\n" + &migrating("v1"))).await;
    let target = env.target().recreate("batch", "Job").expect("a kind without data");
    let next = deployment("api:does-not-exist") + "---\n" + &migrating("v2");
    let outcome = run(env, target, &next).await.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let back = env.get("batch/v1", "Job", "migrate").await.expect("back");
    let image = back.pointer("/spec/template/spec/containers/0/image").and_then(|image| image.as_str());
    assert!(image.is_some_and(|image| image.ends_with("v1")), "{back}");
});

scenario!(an_immutable_secret, async |env| {
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nimmutable: true\nstringData: {{a: {value}}}\n"
        )
    };
    healthy(&env, env.target(), &secret("hunter1")).await;
    let error = run(&env, env.target(), &secret("hunter2")).await.expect_err("immutable");
    let text = format!("{error} {error:?}");
    assert!(text.contains("field is immutable") && text.contains("created anew"), "{text}");
    assert!(!text.contains("hunter"), "{text}");
    let target = env.target().recreate("", "Secret").expect("a kind without data");
    let outcome = healthy(&env, target, &secret("hunter2")).await;
    assert_eq!(outcome.objects[0].action, Action::Recreate, "{outcome}");
    assert!(!format!("{outcome} {}", json!(outcome)).contains("hunter"));
});
