//! Others write to the same objects.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::event::Event;
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_core::target::RolloutTarget;
use deploy_k8s::Conflicts;
use deploy_tests::{Env, deployment, managers, reasons, scenario};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
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

scenario!(a_plan_that_is_no_longer_true_is_not_applied, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let (run, _) = env.run();
    let plan = env.target().plan(&env.bundle(&deployment("api:v2")), &run).await.expect("planned");
    somebody(&env, true, image(&format!("{}/api:v3", env.registry))).await;
    let error = env.target().apply(&plan, &run).await.expect_err("stale");
    // Whichever is seen first: the image's new value, or its new owner.
    assert!(matches!(error.kind(), ErrorKind::Stale | ErrorKind::Conflict), "{error}");
    assert_eq!(env.image("Deployment").await, "api:v3", "somebody's image stands");
});

scenario!(a_change_beside_the_plan_does_not_stop_it, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let (run, _) = env.run();
    let plan = env.target().plan(&env.bundle(&deployment("api:v2")), &run).await.expect("planned");
    somebody(&env, false, json!({"revisionHistoryLimit": 3})).await;
    env.target().apply(&plan, &run).await.expect("applied");
    let live = env.get("apps/v1", "Deployment", "api").await.expect("there");
    assert_eq!(live["spec"]["revisionHistoryLimit"], 3);
    assert_eq!(env.image("Deployment").await, "api:v2");
});

scenario!(an_object_made_since_the_plan_is_not_written_over, async |env| {
    let (run, _) = env.run();
    let plan = env.target().plan(&env.bundle(&deployment("api:v1")), &run).await.expect("planned");
    assert_eq!(env.deploy(&deployment("api:v2")).await.status, Status::Healthy);
    let error = env.target().apply(&plan, &run).await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    assert_eq!(env.image("Deployment").await, "api:v2");
});

scenario!(a_conflict_names_manager_and_field, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    somebody(&env, true, image(&format!("{}/api:v3", env.registry))).await;
    let (run, _) = env.run();
    let error = env.rollout().run(&env.bundle(&deployment("api:v2")), run).await.expect_err("a conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("somebody") && error.to_string().contains("image"), "{error}");
});

scenario!(forced_fields_go_back_to_their_managers, async |env| {
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
});

scenario!(what_others_set_meanwhile_stays_theirs, async |env| {
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
});

scenario!(what_cannot_be_changed_back_field_by_field_is_replaced, async |env| {
    let service =
        |spec: &str| format!("\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: api}}\nspec: {spec}\n");
    let plain = service("{selector: {app: api}, ports: [{port: 80}]}");
    assert_eq!(env.deploy(&(deployment("api:v1") + &plain)).await.status, Status::Healthy);
    let before = env.get("v1", "Service", "api").await.expect("there");
    let external =
        service("{type: ExternalName, externalName: example.com, selector: {app: api}, ports: [{port: 80}]}");
    let outcome = env.deploy(&(deployment("api:does-not-exist") + &external)).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let after = env.get("v1", "Service", "api").await.expect("there");
    assert_eq!(after["spec"], before["spec"], "the cluster IP too");
    assert_eq!(managers(&after), managers(&before));
});

scenario!(what_another_run_deployed_meanwhile_is_not_undone, async |env| {
    let config = |value: &str, more: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x{more}}}\ndata: {{a: \"{value}\"}}\n")
    };
    assert_eq!(env.deploy(&config("0", "")).await.status, Status::Healthy);
    // The first plans x, waits at a gate before it, and finds it changed.
    let gate = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: gate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: $REGISTRY/worker:v1, command: [/bin/sleep, \"4\"]}]}}}\n---\n";
    let after = ", annotations: {config.kubernetes.io/depends-on: batch/namespaces/$NAMESPACE/Job/gate}";
    let (run, recorder) = env.run();
    let (rollout, bundle) =
        (Rollout::new(Arc::new(env.target())), env.bundle(&format!("{gate}{}", config("A", after))));
    let second = async {
        let wrote = |event: &Event| event.kind.to_string().contains("gate created");
        env.eventually("the gate", || async { recorder.events().iter().any(wrote) }).await;
        assert_eq!(env.deploy(&config("B", "")).await.status, Status::Healthy);
    };
    let (outcome, ()) = tokio::join!(rollout.run(&bundle, run), second);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(
        env.get("v1", "ConfigMap", "x").await.expect("there")["data"]["a"],
        "B",
        "the second run's value stands"
    );
});

scenario!(a_secret_changed_since_the_plan_is_not_written_over, async |env| {
    let secret = |value: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {value}}}\n")
    };
    assert_eq!(env.deploy(&secret("one")).await.status, Status::Healthy);
    let (run, _) = env.run();
    let plan = env.target().plan(&env.bundle(&secret("two")), &run).await.expect("planned");
    assert_eq!(env.deploy(&secret("three")).await.status, Status::Healthy);
    let error = env.target().apply(&plan, &run).await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::Stale, "{error}");
    assert!(error.to_string().contains(".data.a"), "{error}");
});

scenario!(a_namespace_that_others_use_by_now_stays, async |env| {
    let inner = format!("{}-inner", env.namespace);
    let bundle = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n---\n{}",
        deployment("api:does-not-exist").replace("name: api}", &format!("name: api, namespace: {inner}}}"))
    );
    let (run, recorder) = env.run();
    let (rollout, bundle) = (Rollout::new(Arc::new(env.target())), env.bundle(&bundle));
    let others = async {
        let wrote = |event: &Event| event.kind.to_string().contains("api created");
        env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
        let theirs: Api<ConfigMap> = Api::namespaced(env.kube.clone(), &inner);
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}});
        theirs.patch("theirs", &PatchParams::apply("somebody"), &Patch::Apply(&object)).await.expect("made");
    };
    let (outcome, ()) = tokio::join!(rollout.run(&bundle, run), others);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let notes = outcome.rollback.expect("a way back").notes.join("\n");
    assert!(notes.contains("ConfigMap theirs of somebody else"), "{notes}");
    assert!(env.get_in(&inner, "v1", "ConfigMap", "theirs").await.is_some());
    assert!(env.get_in(&inner, "apps/v1", "Deployment", "api").await.is_none());
    env.begin_to_delete_namespace(&inner).await;
});
