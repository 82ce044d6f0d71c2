//! `set-image` on a live object, followed and rolled back like any other.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::manifest::ImageOverride;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_core::source::Derive;
use deploy_k8s::{Apply, KindName, SetImages};
use deploy_tests::{Env, deployment, managers, reasons, scenario};

async fn set(env: &Env, image: &str) -> Outcome {
    let target = env.target().field_manager("set-image").expect("a name");
    roll_out(env, change(&target, env, "deploy/api", "api", &format!("{}/{image}", env.registry))).await
}

fn change(target: &Apply, env: &Env, workload: &str, container: &str, image: &str) -> SetImages {
    let workload = workload.parse::<KindName>().expect("KIND/NAME").in_namespace(&env.namespace);
    SetImages::new(target, workload, vec![ImageOverride::new(container, image).expect("an image")])
}

async fn roll_out(env: &Env, change: SetImages) -> Outcome {
    let (run, _) = env.run();
    Rollout::new(Arc::new(change.target())).run_derived(&change, run).await.expect("started")
}

scenario!(sets_the_image_and_nothing_else, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("there");
    let outcome = set(&env, "api:v2").await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
    let mut after = env.get("apps/v1", "Deployment", "api").await.expect("there");
    after["spec"]["template"]["spec"]["containers"][0]["image"] = format!("{}/api:v1", env.registry).into();
    assert_eq!(after["spec"], before["spec"]);

    let before = env.get("apps/v1", "Deployment", "api").await.expect("there");
    let outcome = set(&env, "api:does-not-exist").await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    let after = env.get("apps/v1", "Deployment", "api").await.expect("there");
    assert_eq!((&after["spec"], managers(&after)), (&before["spec"], managers(&before)));
});

scenario!(keeps_what_the_same_manager_applied, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let image = format!("{}/api:v2", env.registry);
    let outcome = roll_out(&env, change(&env.target(), &env, "deployment/api", "api", &image)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let live = env.get("apps/v1", "Deployment", "api").await.expect("there");
    assert_eq!(live["spec"]["replicas"], 2, "still applied by the same manager");
    assert!(live.pointer("/spec/template/spec/containers/0/readinessProbe").is_some());
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
});

scenario!(names_the_containers_there_are, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let derive = async |workload: &str| {
        change(&env.target(), &env, workload, "worker", "example.com/worker:v2").derive().await
    };
    let error = derive("deploy/api").await.expect_err("no such container");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("worker") && error.to_string().contains("api"), "{error}");
    let error = derive("deploy/nobody").await.expect_err("no such object");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
});
