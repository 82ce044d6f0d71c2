//! Rollouts that end healthy.

use deploy_core::outcome::Status;
use deploy_core::plan::Action;
use deploy_tests::{assert_order, deployment, job, scenario, workload};

scenario!(healthy_rollout, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let outcome = env.deploy(&deployment("api:v2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["1 to change", "api changed", "api is healthy"]);
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
    env.assert_no_records().await;
});

scenario!(statefulset_rollout, async |env| {
    let set = |image: &str| workload("apps/v1", "StatefulSet", "replicas: 2", image, "");
    assert_eq!(env.deploy(&set("api:v1")).await.status, Status::Healthy);
    let outcome = env.deploy(&set("api:v2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
});

scenario!(daemonset_rollout, async |env| {
    let daemon = |image: &str| workload("apps/v1", "DaemonSet", "minReadySeconds: 0", image, "");
    assert_eq!(env.deploy(&daemon("api:v1")).await.status, Status::Healthy);
    let outcome = env.deploy(&daemon("api:v2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.ready_images().await, ["api:v2"]);
});

scenario!(job_succeeds, async |env| {
    let good = job("api:v1").replace("name: migrate, image", "name: migrate, command: [/bin/true], image");
    let outcome = env.deploy(&good).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let job = env.get("batch/v1", "Job", "migrate").await.expect("kept");
    assert_eq!(job["status"]["succeeded"], 1);
});

scenario!(nothing_to_do_writes_nothing, async |env| {
    let many = include_str!("many-kinds.yaml");
    let first = env.deploy(many).await;
    assert_eq!(first.status, Status::Healthy, "{first}");
    let version =
        |object: Option<serde_json::Value>| object.expect("there")["metadata"]["resourceVersion"].clone();
    let before = version(env.get("v1", "Secret", "secret").await);
    let again = env.deploy(many).await;
    assert_eq!(again.status, Status::Healthy, "{again}");
    let written: Vec<_> = again.objects.iter().filter(|object| object.action != Action::Unchanged).collect();
    assert!(written.is_empty(), "{written:?}");
    assert_eq!(version(env.get("v1", "Secret", "secret").await), before);
    assert_eq!(env.replica_sets().await, 1);
    let json = serde_json::to_string(&first).expect("JSON");
    assert!(!json.contains("aHVudGVyMg"), "the Secret's value shows in {json}");
});

scenario!(definition_and_its_object_in_one_bundle, async |env| {
    let group = format!("{}.example.com", env.namespace);
    let outcome = env.deploy(&include_str!("crd.yaml").replace("$GROUP", &group)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["2 to create", "CustomResourceDefinition", "is healthy", "first created"]);
    let widget = env.get(&format!("{group}/v1"), "Widget", "first").await.expect("created");
    assert_eq!(widget["spec"]["size"], 3);
    // And back: a bundle of both that fails leaves neither.
    env.remove_definition(&format!("widgets.{group}")).await;
    let bad =
        include_str!("crd.yaml").replace("$GROUP", &group) + "---\n" + &deployment("api:does-not-exist");
    let outcome = env.deploy(&bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(!env.has_definition(&format!("widgets.{group}")).await, "the definition is gone again");
});

scenario!(a_job_that_goes_when_it_is_done_may_be_a_gate, async |env| {
    let done = job("api:v1")
        .replace("name: migrate, image", "name: migrate, command: [/bin/true], image")
        .replace("backoffLimit: 1", "ttlSecondsAfterFinished: 0");
    let after = "annotations: {config.kubernetes.io/depends-on: batch/namespaces/$NAMESPACE/Job/migrate}";
    let follower =
        deployment("api:v1").replace("metadata: {name: api}", &format!("metadata: {{name: api, {after}}}"));
    let outcome = env.deploy(&format!("{done}---\n{follower}")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["migrate created", "migrate is healthy", "api created", "api is healthy"]);
});

scenario!(a_definition_and_a_use_of_its_new_field_in_one_bundle, async |env| {
    let group = format!("{}.example.com", env.namespace);
    let old = include_str!("crd.yaml").replace("$GROUP", &group);
    assert_eq!(env.deploy(&old).await.status, Status::Healthy);
    let new = old
        .replace("size: {type: integer}", "size: {type: integer}, color: {type: string}")
        .replace("{size: 3}", "{size: 3, color: red}");
    let outcome = env.deploy(&new).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let widget = env.get(&format!("{group}/v1"), "Widget", "first").await.expect("there");
    assert_eq!(widget["spec"]["color"], "red");
    env.remove_definition(&format!("widgets.{group}")).await;
});
