//! Runs that are cancelled, killed, or meet another one.

use std::process::Stdio;
use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::event::{Event, Observer};
use deploy_core::journal::Journal;
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::{Cancel, Run};
use deploy_sim::{Mortal, SimCluster};
use deploy_tests::{Env, assert_order, deployment, managers, scenario, workload};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// Like v2, but never ready: its rollout goes on until somebody ends it.
fn endless() -> String {
    let probe = "readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}";
    workload("apps/v1", "Deployment", "replicas: 2", "api:v2", probe)
}

/// Deploys `manifests` and is killed as soon as it tells an event with `text`: a process of its own on a live cluster, on the embedded one a
/// client that dies.
async fn kill_when(env: &Env, manifests: &str, text: &'static str) {
    match &env.embedded {
        Some(cluster) => die_when(env, cluster, manifests, text).await,
        None => kill_process_when(env, manifests, text).await,
    }
}

async fn kill_process_when(env: &Env, manifests: &str, text: &str) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_deploy-once"));
    process.env("NAMESPACE", &env.namespace).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = process.spawn().expect("started");
    let mut stdin = process.stdin.take().expect("piped");
    stdin.write_all(env.filled(manifests).as_bytes()).await.expect("read");
    drop(stdin);
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    while let Some(line) = lines.next_line().await.expect("text") {
        if line.contains(text) {
            process.kill().await.expect("killed");
            return;
        }
    }
    panic!("the process ended before \"{text}\"");
}

async fn die_when(env: &Env, cluster: &SimCluster, manifests: &str, text: &'static str) {
    let process = Mortal::until_killed();
    let kill = Kill { process: process.clone(), text };
    let rollout = env.through(process.client(cluster.client())).rollout();
    let bundle = env.bundle(manifests);
    let ended =
        process.until_death(rollout.run(&bundle, Run::new().named("app").observer(Arc::new(kill)))).await;
    assert!(ended.is_none(), "it ended before \"{text}\"");
}

/// Kills whoever tells of an event with this text.
struct Kill {
    process: Mortal,
    text: &'static str,
}

impl Observer for Kill {
    fn observe(&self, event: &Event) {
        if event.kind.to_string().contains(self.text) {
            self.process.kill();
        }
    }
}

scenario!(cancelled_in_mid_rollout, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    let cancel = Cancel::new();
    let (run, recorder) = env.run();
    let stop = async {
        let wrote = |event: &Event| event.kind.to_string().contains("api changed");
        env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
        cancel.cancel();
    };
    let (rollout, bundle) = (env.rollout(), env.bundle(&endless()));
    let (outcome, ()) =
        tokio::join!(rollout.run(&bundle, run.named("app").cancelled_by(cancel.clone())), stop);
    let outcome = outcome.expect("started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_order(&outcome, &["api changed", "cancelled", "rolling back", "the old state is back"]);
    let after = env.get("apps/v1", "Deployment", "api").await.expect("still there");
    assert_eq!((&after["spec"], managers(&after)), (&before["spec"], managers(&before)));
    env.assert_no_records().await;
});

scenario!(killed_then_another_bundle_undoes_it_first, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let extra = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n";
    kill_when(&env, &(endless() + extra), "api changed").await;
    assert!(env.journal().load("app").await.expect("readable").is_some(), "the journal stands");
    let outcome = env.deploy(&deployment("api:v3")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(
        &outcome,
        &["undoing the interrupted run", "the old state is back", "1 to change", "api is healthy"],
    );
    assert_eq!(env.get("v1", "ConfigMap", "extra").await, None, "what the killed run created is gone");
    assert_eq!(env.ready_images().await, ["api:v3", "api:v3"]);
    env.assert_no_records().await;
});

scenario!(killed_then_the_same_bundle_finishes_it, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    kill_when(&env, &deployment("api:v2"), "api changed").await;
    let outcome = env.deploy(&deployment("api:v2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["finishing the interrupted run", "api is healthy"]);
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
    env.assert_no_records().await;
});

scenario!(killed_then_the_same_bad_bundle_goes_back_to_before_both, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    kill_when(&env, &deployment("api:does-not-exist"), "api changed").await;
    let outcome = env.deploy(&deployment("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_order(&outcome, &["finishing the interrupted run", "rolling back", "the old state is back"]);
    let after = env.get("apps/v1", "Deployment", "api").await.expect("still there");
    assert_eq!((&after["spec"], managers(&after)), (&before["spec"], managers(&before)));
    env.assert_no_records().await;
});

scenario!(killed_on_its_way_back, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    kill_when(&env, &deployment("api:does-not-exist"), "rolling back").await;
    let outcome = env.deploy(&deployment("api:v2")).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_order(&outcome, &["undoing the interrupted run", "the old state is back", "api is healthy"]);
    assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
    env.assert_no_records().await;
});

scenario!(two_at_once, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let cancel = Cancel::new();
    let (run, recorder) = env.run();
    let first = tokio::spawn({
        let (env, cancel) = (Arc::clone(&env), cancel.clone());
        async move {
            env.rollout()
                .holder("the first")
                .run(&env.bundle(&endless()), run.named("app").cancelled_by(cancel))
                .await
        }
    });
    let wrote = |event: &Event| event.kind.to_string().contains("api changed");
    env.eventually("the first writes", || async { recorder.events().iter().any(wrote) }).await;
    let (run, _) = env.run();
    let error =
        env.rollout().run(&env.bundle(&deployment("api:v3")), run.named("app")).await.expect_err("locked");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.holder().is_some_and(|holder| holder.starts_with("the first")), "{error}");
    cancel.cancel();
    let first = first.await.expect("ran").expect("started");
    assert_eq!(first.status, Status::RolledBack, "{first}");
    assert_eq!(env.deploy(&deployment("api:v3")).await.status, Status::Healthy);
});

// The way back ended between creating an object again and giving it its managers: it is known for our own work.
scenario!(killed_when_an_object_stood_again, async |env| {
    let config = |value: &str| {
        format!("\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata: {{a: {value}}}\n")
    };
    assert_eq!(env.deploy(&(deployment("api:v1") + &config("old"))).await.status, Status::Healthy);
    let before = env.get("v1", "ConfigMap", "config").await.expect("deployed");
    kill_when(&env, &(endless() + &config("new")), "api changed").await;

    let maps: Api<ConfigMap> = Api::namespaced(env.kube.clone(), &env.namespace);
    maps.delete("config", &DeleteParams::default()).await.expect("deleted");
    let mut again: ConfigMap = serde_json::from_value(before.clone()).expect("a ConfigMap");
    again.metadata = ObjectMeta {
        name: again.metadata.name,
        annotations: again.metadata.annotations,
        ..ObjectMeta::default()
    };
    let ours = PostParams { field_manager: Some("deploy-core".into()), ..PostParams::default() };
    maps.create(&ours, &again).await.expect("made");

    let outcome = env.deploy(&(deployment("api:v3") + &config("newer"))).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(!outcome.to_string().contains("somebody else"), "{outcome}");
    let after = env.get("v1", "ConfigMap", "config").await.expect("there");
    assert_eq!(after["data"]["a"], "newer");
    assert_eq!(managers(&after).len(), 1, "{after}");
    env.assert_no_records().await;
});
