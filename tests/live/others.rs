//! Others write to the same objects.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::event::Event;
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_core::target::RolloutTarget;
use deploy_k8s::Conflicts;
use deploy_tests::{Env, deployment, live, managers, reasons};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

/// Somebody else's server-side apply to the Deployment `api`.
async fn somebody(env: &Env, force: bool, change: Value) {
    let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}});
    object["spec"] = change;
    let mut params = PatchParams::apply("somebody");
    params.force = force;
    let api: Api<Deployment> = Api::namespaced(env.kube.clone(), &env.namespace);
    api.patch("api", &params, &Patch::Apply(&object)).await.expect("somebody may");
}

fn image(image: &str) -> Value {
    json!({"template": {"spec": {"containers": [{"name": "api", "image": image}]}}})
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_plan_that_is_no_longer_true_is_not_applied() {
    live("stale", async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        let (run, _) = env.run();
        let plan = env.target().plan(&env.bundle(&deployment("api:v2")), &run).await.expect("planned");
        somebody(&env, true, image(&format!("{}/api:v3", env.registry))).await;
        let error = env.target().apply(&plan, &run).await.expect_err("stale");
        // Whichever is seen first: the image's new value, or its new owner.
        assert!(matches!(error.kind(), ErrorKind::Stale | ErrorKind::Conflict), "{error}");
        assert_eq!(env.image("Deployment").await, "api:v3", "somebody's image stands");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_change_beside_the_plan_does_not_stop_it() {
    live("beside", async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        let (run, _) = env.run();
        let plan = env.target().plan(&env.bundle(&deployment("api:v2")), &run).await.expect("planned");
        somebody(&env, false, json!({"revisionHistoryLimit": 3})).await;
        env.target().apply(&plan, &run).await.expect("applied");
        let live = env.get("apps/v1", "Deployment", "api").await.expect("there");
        assert_eq!(live["spec"]["revisionHistoryLimit"], 3);
        assert_eq!(env.image("Deployment").await, "api:v2");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn an_object_made_since_the_plan_is_not_written_over() {
    live("made-since", async |env| {
        let (run, _) = env.run();
        let plan = env.target().plan(&env.bundle(&deployment("api:v1")), &run).await.expect("planned");
        assert_eq!(env.deploy(&deployment("api:v2")).await.status, Status::Healthy);
        let error = env.target().apply(&plan, &run).await.expect_err("stale");
        assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
        assert_eq!(env.image("Deployment").await, "api:v2");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_conflict_names_manager_and_field() {
    live("conflict", async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        somebody(&env, true, image(&format!("{}/api:v3", env.registry))).await;
        let (run, _) = env.run();
        let error = env.rollout().run(&env.bundle(&deployment("api:v2")), run).await.expect_err("a conflict");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("somebody") && error.to_string().contains("image"), "{error}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn forced_fields_go_back_to_their_managers() {
    live("forced", async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        somebody(&env, true, image(&format!("{}/api:v2", env.registry))).await;
        env.eventually("v2 is ready", || async { env.ready_images().await == ["api:v2", "api:v2"] }).await;
        let before = env.get("apps/v1", "Deployment", "api").await.expect("there");
        let target = env.target().conflicts(Conflicts::Force);
        let (run, _) = env.run();
        let bundle = env.bundle(&deployment("api:does-not-exist"));
        let outcome = Rollout::new(Arc::new(target)).run(&bundle, run).await.expect("started");
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        let after = env.get("apps/v1", "Deployment", "api").await.expect("there");
        assert_eq!(after["spec"], before["spec"]);
        assert_eq!(managers(&after), managers(&before));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_others_set_meanwhile_stays_theirs() {
    live("meanwhile", async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        let (run, recorder) = env.run();
        let (rollout, bundle) = (env.rollout(), env.bundle(&deployment("api:does-not-exist")));
        let scale = async {
            let wrote = |event: &Event| event.kind.to_string().contains("api changed");
            env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
            somebody(&env, true, json!({"replicas": 3})).await;
        };
        let (outcome, ()) = tokio::join!(rollout.run(&bundle, run.named("app")), scale);
        let outcome = outcome.expect("started");
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert_eq!(reasons(&outcome), ["ImageNotFound"]);
        let after = env.get("apps/v1", "Deployment", "api").await.expect("there");
        assert_eq!(after["spec"]["replicas"], 3, "somebody's scaling stands");
        assert_eq!(env.image("Deployment").await, "api:v1");
        let notes = outcome.rollback.expect("a way back").notes.join("\n");
        assert!(notes.contains(".spec.replicas"), "{notes}");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_cannot_be_changed_back_field_by_field_is_replaced() {
    live("service-type", async |env| {
        let service = |spec: &str| {
            format!("\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: api}}\nspec: {spec}\n")
        };
        let plain = service("{selector: {app: api}, ports: [{port: 80}]}");
        assert_eq!(env.deploy(&(deployment("api:v1") + &plain)).await.status, Status::Healthy);
        let before = env.get("v1", "Service", "api").await.expect("there");
        let external = service(
            "{type: ExternalName, externalName: example.com, selector: {app: api}, ports: [{port: 80}]}",
        );
        let outcome = env.deploy(&(deployment("api:does-not-exist") + &external)).await;
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        let after = env.get("v1", "Service", "api").await.expect("there");
        assert_eq!(after["spec"], before["spec"], "the cluster IP too");
        assert_eq!(managers(&after), managers(&before));
    })
    .await;
}
