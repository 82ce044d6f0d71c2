//! Rollouts that fail, say why, and come back.

use std::time::Duration;

use deploy_core::outcome::{Cause, Outcome, Status};
use deploy_core::run::Policy;
use deploy_tests::{Env, assert_order, deployment, job, managers, reasons, scenario, workload};
use serde_json::Value;

/// Deploys v1, then `bad`; the old state must be back, for the reason given.
async fn comes_back(env: &Env, bad: &str, reason: &str) -> Outcome {
    let first = env.deploy(&deployment("api:v1")).await;
    assert_eq!(first.status, Status::Healthy, "{first}");
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    let outcome = env.deploy(bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), [reason], "{outcome}");
    assert_order(
        &outcome,
        &[
            "1 to change",
            "api changed",
            "rolling back",
            "api restored",
            "api is healthy",
            "the old state is back",
        ],
    );
    as_before(env, &before).await;
    outcome
}

async fn as_before(env: &Env, before: &Value) {
    let after = env.get("apps/v1", "Deployment", "api").await.expect("still there");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(
        after["metadata"]["annotations"]["deploy-core/deployment-id"],
        before["metadata"]["annotations"]["deploy-core/deployment-id"]
    );
    assert_eq!(managers(&after), managers(before));
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    env.assert_no_records().await;
}

/// A Deployment of two replicas of v1 with more in its container.
fn with(container: &str) -> String {
    workload("apps/v1", "Deployment", "replicas: 2", "api:v1", container)
}

scenario!(image_not_found, async |env| {
    let outcome = comes_back(&env, &deployment("api:does-not-exist"), "ImageNotFound").await;
    assert!(outcome.to_string().contains("api:does-not-exist"), "{outcome}");
    assert!(outcome.evidence.events.iter().any(|event| event.reason == "Failed"), "{:?}", outcome.evidence);
});

scenario!(registry_unreachable, async |env| {
    let bad = deployment("api:v1").replace("$REGISTRY", "127.0.0.1:5999");
    let outcome = comes_back(&env, &bad, "ImagePull").await;
    assert!(outcome.to_string().contains("connection refused"), "{outcome}");
});

scenario!(first_install_bad_image, async |env| {
    let config = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\n";
    let outcome = env.deploy(&(deployment("api:does-not-exist") + config)).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    assert_order(
        &outcome,
        &[
            "2 to create",
            "config created",
            "api created",
            "rolling back",
            "api deleted",
            "config deleted",
            "the old state is back",
        ],
    );
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    assert_eq!(env.get("v1", "ConfigMap", "config").await, None);
    env.assert_no_records().await;
});

scenario!(crash_loop, async |env| {
    let bad = workload("apps/v1", "Deployment", "replicas: 2", "api:crash", "");
    let outcome = comes_back(&env, &bad, "ContainerExit").await;
    let containers = outcome.evidence.pods.iter().flat_map(|pod| &pod.containers);
    assert!(containers.flat_map(|one| &one.log).any(|line| line == "boom"), "{:?}", outcome.evidence);
});

scenario!(missing_configmap, async |env| {
    let bad = with("envFrom: [{configMapRef: {name: nowhere}}]");
    let outcome = comes_back(&env, &bad, "MissingReference").await;
    assert!(outcome.to_string().contains("nowhere"), "{outcome}");
});

scenario!(unschedulable, async |env| {
    let outcome = comes_back(&env, &with("resources: {requests: {cpu: 900}}"), "Unschedulable").await;
    assert!(outcome.to_string().contains("Insufficient cpu"), "{outcome}");
});

scenario!(readiness_never_passes, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    let bad = with("readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}");
    let (run, _) = env.run();
    let policy = Policy::default().timeout(Duration::from_secs(8));
    let outcome =
        env.rollout().run(&env.bundle(&bad), run.named("app").policy(policy)).await.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let Some(Cause::TimedOut { waiting }) = &outcome.cause else { panic!("{outcome}") };
    assert_eq!(waiting.len(), 1);
    assert!(outcome.to_string().contains("404"), "the probe's own words: {outcome}");
    assert_order(&outcome, &["timed out", "rolling back", "the old state is back"]);
    as_before(&env, &before).await;
});

scenario!(progress_deadline_exceeded, async |env| {
    let container = "readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}";
    let bad =
        workload("apps/v1", "Deployment", "{replicas: 2, progressDeadlineSeconds: 5}", "api:v1", container);
    let bad =
        bad.replace("{replicas: 2, progressDeadlineSeconds: 5}", "replicas: 2\n  progressDeadlineSeconds: 5");
    comes_back(&env, &bad, "ProgressDeadline").await;
});

scenario!(init_container_fails, async |env| {
    let init =
        "      initContainers:\n      - {name: migrate, image: $REGISTRY/api:crash}\n      containers:";
    let bad = deployment("api:v2").replace("      containers:", init);
    let outcome = comes_back(&env, &bad, "ContainerExit").await;
    assert!(outcome.to_string().contains("migrate"), "{outcome}");
});

scenario!(bad_command, async |env| {
    let outcome = comes_back(&env, &with("command: [/no/such/program]"), "ContainerStart").await;
    assert!(outcome.to_string().contains("/no/such/program"), "{outcome}");
});

scenario!(out_of_memory, async |env| {
    let bad =
        workload("apps/v1", "Deployment", "replicas: 2", "api:oom", "resources: {limits: {memory: 32Mi}}");
    comes_back(&env, &bad, "OutOfMemory").await;
});

scenario!(quota_exceeded, async |env| {
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: pods}\nspec: {hard: {pods: 2}}\n";
    assert_eq!(env.deploy(quota).await.status, Status::Healthy);
    env.eventually("the quota counts", || async {
        let quota = env.get("v1", "ResourceQuota", "pods").await.unwrap_or_default();
        quota.pointer("/status/hard/pods").is_some()
    })
    .await;
    let outcome = comes_back(&env, &deployment("api:v2"), "Quota").await;
    assert!(outcome.to_string().contains("exceeded quota"), "{outcome}");
});

scenario!(volume_claim_pending, async |env| {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}\n---\n";
    let volumes =
        "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n      containers:";
    let bad = deployment("api:v2").replace("      containers:", volumes);
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    let outcome = env.deploy(&format!("{claim}{bad}")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(reasons(&outcome).contains(&"VolumePending"), "{outcome}");
    assert!(outcome.to_string().contains("PersistentVolumeClaim \"data\""), "{outcome}");
    assert_eq!(
        env.get("v1", "PersistentVolumeClaim", "data").await,
        None,
        "the claim was created by the run"
    );
    as_before(&env, &before).await;
});

scenario!(daemonset_bad_image, async |env| {
    let daemon = |image: &str| workload("apps/v1", "DaemonSet", "minReadySeconds: 0", image, "");
    assert_eq!(env.deploy(&daemon("api:v1")).await.status, Status::Healthy);
    let outcome = env.deploy(&daemon("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    assert_eq!(env.image("DaemonSet").await, "api:v1");
    assert_eq!(env.ready_images().await, ["api:v1"]);
    env.assert_no_records().await;
});

scenario!(statefulset_bad_image, async |env| {
    let set = |image: &str| workload("apps/v1", "StatefulSet", "replicas: 2", image, "");
    assert_eq!(env.deploy(&set("api:v1")).await.status, Status::Healthy);
    let outcome = env.deploy(&set("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    assert_eq!(env.image("StatefulSet").await, "api:v1");
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    assert_order(&outcome, &["api restored", "of an older revision was broken", "api is healthy"]);
});

scenario!(job_fails, async |env| {
    let outcome = env.deploy(&job("api:crash")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["JobFailed"], "{outcome}");
    let containers = outcome.evidence.pods.iter().flat_map(|pod| &pod.containers);
    assert!(containers.flat_map(|one| &one.log).any(|line| line == "boom"), "{:?}", outcome.evidence);
    assert_eq!(env.get("batch/v1", "Job", "migrate").await, None);
});
