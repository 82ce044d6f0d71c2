//! Several at once on one release, helm among them. What they share is that a revision's number can be taken only once.

use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_k8s::ReleaseRevision;
use deploy_tests::{Chart, Env};
use futures_util::future::{self, FutureExt};
use serde_json::Value;

use super::live::objects;
use super::{Client, for_each_helm};

const METADATA: &str = "apiVersion: v2\nname: shop\nversion: 1.2.0\n";
const MANIFESTS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {by: \"{{ .Values.by }}\"}\n---\n\
    apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"only-{{ .Values.by }}\"}\n";
/// Why helm may not work now: somebody is at work, or took the number, or installed what it was to install.
const NOT_NOW: [&str; 3] = [
    "another operation (install/upgrade/rollback) is in progress",
    "already exists",
    "a name that is still in use",
];
/// Helm starts anew for each try: without a rest all of ours would be done before its first turn.
const REST: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);

for_each_helm!(
    of_eight_with_helm_3_one_works_at_a_time,
    of_eight_with_helm_4_one_works_at_a_time,
    one_at_a_time
);

async fn one_at_a_time(env: &Env, helm: Client) {
    let chart = env.chart(&[("Chart.yaml", METADATA), ("templates/app.yaml", MANIFESTS)]);
    let upgraders = (0..8).map(|number| match number % 2 {
        0 => we_upgrade(env, number).boxed(),
        _ => helm_upgrades(env, helm, &chart, number).boxed(),
    });
    let mut revisions = tokio::select! {
        revisions = future::join_all(upgraders) => revisions,
        never = watch(env) => match never {},
    };
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4, 5, 6, 7, 8], "none is lost, none is there twice");
    let found = history(env).await;
    let found: Vec<_> = found.iter().rev().map(|one| (one.revision, one.status.as_str())).collect();
    let expected: Vec<_> =
        (1..=8).map(|number| (number, if number == 8 { "deployed" } else { "superseded" })).collect();
    assert_eq!(found, expected);
    let told = env.helm_json(helm.helm, &["history", "app"]).await;
    assert_eq!(told.as_array().map(Vec::len), Some(8));

    let left = objects(env).await;
    let by = left["ConfigMap/config"]["data"]["by"].as_str().expect("a text");
    let expected = ["ConfigMap/config".to_owned(), format!("ConfigMap/only-{by}")];
    assert_eq!(left.keys().cloned().collect::<Vec<_>>(), expected, "what stands is of one revision");
    let newest = env.release("app").get(None).await.expect("recorded").manifest;
    assert!(
        newest.contains(&format!("name: only-{by}")) || newest.contains(&format!("name: \"only-{by}\"")),
        "{newest}"
    );
}

/// Upgrades as soon as nobody else does, once helm has begun; which revision it became.
async fn we_upgrade(env: &Env, number: u64) -> u64 {
    let release = env.release("app").holder(format!("runner-{number}"));
    let bundle = env.bundle(&MANIFESTS.replace("{{ .Values.by }}", &number.to_string()));
    env.eventually("a first revision", async || !history(env).await.is_empty()).await;
    loop {
        match release.upgrade(&bundle, env.run().0).await {
            Ok(outcome) => {
                assert_eq!(outcome.status, Status::Healthy, "{outcome}");
                return outcome.revision.expect("a revision");
            }
            Err(error) => {
                let not_now = matches!(error.kind(), ErrorKind::Locked | ErrorKind::Stale);
                assert!(not_now, "{error}");
            }
        }
        tokio::time::sleep(REST).await;
    }
}

async fn helm_upgrades(env: &Env, helm: Client, chart: &Chart, number: u64) -> u64 {
    let by = format!("--set-string=by={number}");
    let command = ["upgrade", "--install", "app", chart.path(), &by, "--output", "json"];
    loop {
        match env.helm_tries(helm.helm, &command).await {
            Ok(said) => {
                let told: Value = serde_json::from_str(&said).expect("json");
                return told["version"].as_u64().expect("a number");
            }
            Err(why) => assert!(NOT_NOW.iter().any(|not_now| why.contains(not_now)), "{why}"),
        }
    }
}

/// Asserts all the while that the history has no gap, and that only the newest revision is pending.
async fn watch(env: &Env) -> std::convert::Infallible {
    loop {
        let history = history(env).await;
        let told: Vec<_> = history.iter().map(|one| format!("{} {}", one.revision, one.status)).collect();
        for (one, expected) in history.iter().rev().zip(1..) {
            assert_eq!(one.revision, expected, "{told:?}");
        }
        assert!(!history.iter().skip(1).any(|one| one.status.is_pending()), "{told:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Newest first.
async fn history(env: &Env) -> Vec<ReleaseRevision> {
    match env.release("app").revisions().await {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        history => history.expect("a history"),
    }
}
