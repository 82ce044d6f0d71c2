//! Jobs and Pods that run beside the steps of a release.

use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::Policy;
use deploy_tests::{Env, deployment, job, reasons, scenario};
use serde_json::Value;

use super::{config_maps, description, history, upgrade, upgraded};

pub(super) const PASSES: &str = "command: [/bin/true], image: $REGISTRY/api:v1";

/// In the place of `restartPolicy: Never`, has a Job wait for a node that never comes.
pub(super) const HANGS: &str = "restartPolicy: Never\n      nodeSelector: {no: where}";

/// A Job of this name that runs at `events`; it ends well if it has this container.
pub(super) fn hook(name: &str, events: &str, policy: &str, container: &str) -> String {
    let annotations =
        format!("annotations: {{helm.sh/hook: \"{events}\", helm.sh/hook-delete-policy: \"{policy}\"}}");
    job("api:v1")
        .replace("metadata: {name: migrate}", &format!("metadata: {{name: {name}, {annotations}}}"))
        .replace("image: $REGISTRY/api:v1", container)
}

pub(super) async fn job_of(env: &Env, name: &str) -> Option<Value> {
    env.get("batch/v1", "Job", name).await
}

scenario!(hooks_run_before_and_after, async |env| {
    let manifests = [
        hook("first", "pre-install", "before-hook-creation", PASSES),
        hook("last", "post-install,post-upgrade", "hook-succeeded", PASSES),
        hook("upgrades", "pre-upgrade", "", PASSES),
        deployment("api:v1"),
    ];
    let outcome = upgraded(&env, &manifests.join("---\n")).await;
    let told: Vec<String> = outcome.timeline.iter().map(|event| event.kind.to_string()).collect();
    let at = |text: &str| {
        told.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text}: {told:#?}"))
    };
    assert!(at("first created") < at("first is healthy"));
    assert!(at("first is healthy") < at("api created"));
    assert!(at("api is healthy") < at("last created"));
    assert!(job_of(&env, "first").await.is_some(), "it stays until it runs again");
    env.eventually("the last is deleted", async || job_of(&env, "last").await.is_none()).await;
    assert!(job_of(&env, "upgrades").await.is_none(), "it was an install");

    let before = job_of(&env, "first").await.expect("there")["metadata"]["uid"].clone();
    upgraded(&env, &manifests.join("---\n")).await;
    assert_eq!(job_of(&env, "first").await.expect("there")["metadata"]["uid"], before);
    let ran = job_of(&env, "upgrades").await.expect("it ran")["metadata"]["uid"].clone();
    upgraded(&env, &manifests.join("---\n")).await;
    assert_ne!(job_of(&env, "upgrades").await.expect("it ran again")["metadata"]["uid"], ran);
    let manifest = env.release("app").get(None).await.expect("recorded");
    assert!(!manifest.manifest.contains("kind: Job"), "hooks are no objects of the release");
    assert_eq!(manifest.hooks.len(), 3);
});

scenario!(hooks_run_the_image_that_is_rolled_out, async |env| {
    let objects =
        |manifests: &str| read("app.yaml", env.filled(manifests).as_bytes()).expect("good manifests");
    // As a chart has them: one Job for two events, each with its own text.
    let hooks = ["pre-install", "post-install"].map(|event| objects(&hook("migrate", event, "", PASSES)));
    let bundle = Bundle::builder().objects(objects(&config_maps("1", &["config"]))).hooks(hooks.concat());
    let image = env.filled("migrate=$REGISTRY/api:v2").parse().expect("an image");
    let bundle = bundle.namespace(&env.namespace).image(image).build().expect("a good bundle");
    let outcome = env.release("app").upgrade(&bundle, env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let ran =
        outcome.timeline.iter().filter(|event| event.kind.to_string().contains("migrate created")).count();
    assert_eq!(ran, 2);
    let job = job_of(&env, "migrate").await.expect("it ran");
    let image = job.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
    assert_eq!(image, Some(env.filled("$REGISTRY/api:v2").as_str()));
});

scenario!(a_hook_that_fails_is_told_with_its_log, async |env| {
    upgraded(&env, &deployment("api:v1")).await;
    let bad = hook("migrate", "pre-upgrade", "hook-succeeded", "image: $REGISTRY/api:crash");
    let started = env.clock.now();
    let outcome = upgrade(&env, &[bad, deployment("api:v2")].join("---\n")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(outcome.to_string().contains("migrate"), "{outcome}");
    assert!(env.clock.now().since(started) < Duration::from_secs(45), "it did not wait for its timeout");
    let logs: Vec<&String> =
        outcome.evidence.pods.iter().flat_map(|pod| &pod.containers).flat_map(|one| &one.log).collect();
    assert!(!logs.is_empty(), "{:?}", outcome.evidence);
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"], "the Deployment was not touched");
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    assert!(description(&env, 2).await.contains("migrate"));
    assert!(job_of(&env, "migrate").await.is_some(), "it stays to be looked at");
});

scenario!(a_hook_whose_image_is_not_there_fails_fast_and_is_stopped, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let bad = hook("migrate", "pre-upgrade", "before-hook-creation", "image: $REGISTRY/api:does-not-exist");
    let outcome = upgrade(&env, &[bad, config_maps("2", &["config"])].join("---\n")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    let stopped = job_of(&env, "migrate").await.expect("it stays to be looked at");
    assert_eq!(stopped["spec"]["suspend"], true);
    assert_eq!(env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["value"], "1");
});

scenario!(a_hook_that_is_not_to_stay_when_it_fails_goes, async |env| {
    let bad = hook("migrate", "pre-install", "hook-failed", "image: $REGISTRY/api:crash");
    let outcome = upgrade(&env, &[bad, config_maps("1", &["config"])].join("---\n")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    env.eventually("it is gone", async || job_of(&env, "migrate").await.is_none()).await;
});

scenario!(each_hook_goes_by_how_it_ended, async |env| {
    let hooks = [
        hook("a-gone", "pre-install", "hook-succeeded", PASSES),
        hook("b-stays", "pre-install", "hook-failed", PASSES),
        hook("c-fails", "pre-install", "hook-failed", "image: $REGISTRY/api:crash"),
        hook("d-never", "pre-install", "", PASSES),
    ];
    let outcome = upgrade(&env, &[hooks.join("---\n"), config_maps("1", &["config"])].join("---\n")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    for name in ["a-gone", "c-fails"] {
        env.eventually("it is gone", async || job_of(&env, name).await.is_none()).await;
    }
    assert!(job_of(&env, "b-stays").await.is_some(), "it did not fail");
    assert!(job_of(&env, "d-never").await.is_none());
});

scenario!(a_hook_that_its_policy_has_stay_bars_the_next_run, async |env| {
    let manifests = |value: &str| {
        let kept = hook("migrate", "pre-install,pre-upgrade", "hook-failed", PASSES);
        [kept, config_maps(value, &["config"])].join("---\n")
    };
    upgraded(&env, &manifests("1")).await;
    let uid = async || job_of(&env, "migrate").await.expect("it stays")["metadata"]["uid"].clone();
    let before = uid().await;
    let outcome = upgrade(&env, &manifests("2")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(outcome.to_string().contains("migrate: already exists"), "{outcome}");
    assert_eq!(uid().await, before);
    assert_eq!(env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["value"], "1");
});

scenario!(a_hook_of_a_run_that_died_bars_nothing, async |env| {
    let manifests = |end: &str| {
        let hook =
            hook("migrate", "pre-install", "hook-succeeded", PASSES).replace("restartPolicy: Never", end);
        [hook, config_maps("1", &["config"])].join("---\n")
    };
    let (release, hanging) = (env.release("app"), env.bundle(&manifests(HANGS)));
    tokio::select! {
        told = release.upgrade(&hanging, env.run().0) => panic!("it ended: {told:?}"),
        () = env.eventually("it runs", async || job_of(&env, "migrate").await.is_some()) => {}
    }
    upgraded(&env, &manifests("restartPolicy: Never")).await;
    assert_eq!(history(&env).await, ["2 deployed", "1 failed"]);
    env.eventually("it is gone", async || job_of(&env, "migrate").await.is_none()).await;
});

scenario!(a_hook_after_an_upgrade_that_fails_brings_the_old_revision_back, async |env| {
    upgraded(&env, &deployment("api:v1")).await;
    let bad = hook("smoke", "post-upgrade", "before-hook-creation", "image: $REGISTRY/api:crash");
    let outcome = upgrade(&env, &[bad, deployment("api:v2")].join("---\n")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
});

scenario!(all_hooks_have_one_timeout, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let first = hook("first", "pre-upgrade", "", PASSES);
    let hangs = hook("hangs", "pre-upgrade", "", PASSES).replace("restartPolicy: Never", HANGS);
    let bundle = env.bundle(&[first, hangs, config_maps("2", &["config"])].join("---\n"));
    let run = env.run().0.policy(Policy::default().timeout(Duration::from_secs(8)));
    let outcome = env.release("app").upgrade(&bundle, run).await.expect("it started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let Some(Cause::TimedOut { waiting }) = &outcome.cause else { panic!("{outcome}") };
    let objects: Vec<&str> = waiting.iter().map(|each| each.object.name.as_str()).collect();
    assert_eq!(objects, ["hangs"], "it is named, where a timeout of its own would end after the run's");
});

scenario!(tests_of_a_release, async |env| {
    let test = |name: &str, container: &str| hook(name, "test", "before-hook-creation", container);
    upgraded(&env, &[test("good", PASSES), config_maps("1", &["config"])].join("---\n")).await;
    assert!(job_of(&env, "good").await.is_none(), "a test runs when it is asked for");
    let run_tests = async || env.release("app").test(env.run().0).await.expect("started");
    for _ in 0..2 {
        assert_eq!(run_tests().await.status, Status::Healthy);
    }
    assert!(job_of(&env, "good").await.is_some());
    upgraded(&env, &[test("bad", "image: $REGISTRY/api:crash"), config_maps("1", &["config"])].join("---\n"))
        .await;
    let outcome = run_tests().await;
    assert_eq!(outcome.status, Status::Failed, "{outcome}");
    assert!(!outcome.evidence.pods.is_empty());
    assert_eq!(history(&env).await, ["2 deployed", "1 superseded"], "a test changes nothing of the release");
    upgraded(&env, &config_maps("1", &["config"])).await;
    let error = env.release("app").test(env.run().0).await.expect_err("there are none");
    assert_eq!(error.kind(), ErrorKind::NotFound);
});

scenario!(a_bad_hook_is_refused_before_anything_is_written, async |env| {
    let refused = async |manifests: &str, why: &str| {
        let error =
            env.release("app").upgrade(&env.bundle(manifests), env.run().0).await.expect_err("refused");
        assert!(error.to_string().contains(why), "{error}");
        assert!(env.release("app").revisions().await.is_err(), "nothing is recorded");
    };
    let config = config_maps("1", &["config"]);
    refused(&[hook("a", "pre-instal", "", PASSES), config.clone()].join("---\n"), "Helm knows pre-install")
        .await;
    let unknown = hook("a", "pre-install", "", PASSES).replace("backoffLimit", "backofLimit");
    refused(&[unknown, config].join("---\n"), "backofLimit").await;
});
