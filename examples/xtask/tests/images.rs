//! What is done with images, against the real docker-registry.

use std::process::Stdio;

use deploy_tests::{Registry, live};
use serde_json::Value;
use tokio::process::Command;

use crate::process::{Ended, deployment, end, started, xtask};

/// `cargo xtask WORDS` without any cluster. What stands between quotes is one word.
async fn images(words: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for (number, part) in words.split('\'').enumerate() {
        match number % 2 {
            0 => command.args(part.split_whitespace()),
            _ => command.arg(part),
        };
    }
    command
        .env_remove("KUBECONFIG")
        .env_remove("KUBECONFIG_BASE64")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    end(started(command, "").await).await
}

const OLD: &str = "main.20261119-120000.aaaaaaa";
const NEW: &str = "main.20261120-120000.bbbbbbb";
const POLICY: &str = "--policy 'scheme=branch.timestamp.sha branch=main'";

/// Pushes an image built from `revision` under this name.
async fn push(registry: &Registry, revision: &str, image: &str) -> String {
    let (layout, digest) = registry.layout(revision);
    let told = images(&format!("push {} {image}", layout.display())).await.with(0);
    assert!(told.contains(digest.as_str()), "{told}");
    digest.to_string()
}

#[tokio::test]
#[ignore = "needs docker-registry: tests/cluster/up"]
async fn images_are_pushed_chosen_and_promoted() {
    let registry = Registry::start().await;
    let api = format!("{}/shop/api", registry.host);
    push(&registry, "aaaaaaa", &format!("{api}:{OLD}")).await;
    let digest = push(&registry, "bbbbbbb", &format!("{api}:{NEW}")).await;
    push(&registry, "ccccccc", &format!("{api}:dev.20261121-120000.ccccccc")).await;

    assert_eq!(images(&format!("tags {api} {POLICY}")).await.with(0), format!("{NEW}\n"));
    let explained = images(&format!("tags {api} {POLICY} --explain")).await.with(0);
    assert!(explained.contains("branch is \"dev\": not branch=main"), "{explained}");
    assert_eq!(explained.lines().last(), Some(NEW));
    let json = images(&format!("tags {api} {POLICY} --json")).await.json(0);
    assert_eq!(json["choice"], NEW);
    let none = images(&format!("tags {api} --policy scheme=semver --explain")).await;
    assert!(none.err.contains("none of 3 tags fits") && none.err.contains("\nTAG "), "{}", none.err);
    assert_eq!(none.with(2), "");

    let json = images(&format!("inspect {api}:{NEW} --json")).await.json(0);
    assert_eq!((&json["digest"], &json["revision"]), (&Value::from(&*digest), &Value::from("bbbbbbb")));
    assert_eq!(json["platforms"], Value::from(vec!["linux/amd64"]));

    let live = format!("{}/live/api:v1", registry.host);
    let told = images(&format!("promote {api}:{NEW} {live} --referrers --stats")).await;
    assert!(told.err.contains("stats: "), "{}", told.err);
    told.with(0);
    let text = images(&format!("inspect {live}")).await.with(0);
    assert!(text.contains(&format!("\ndigest     {digest}\n")), "{text}");
}

#[tokio::test]
#[ignore = "needs docker-registry: tests/cluster/up"]
async fn only_what_the_plan_lets_go_is_deleted() {
    let registry = Registry::start().await;
    let api = format!("{}/shop/api", registry.host);
    // The oldest is v1 as well, which must stay: this registry deletes all tags of an image at once.
    push(&registry, "aaaaaaa", &format!("{api}:{OLD}")).await;
    push(&registry, "aaaaaaa", &format!("{api}:v1.0.0")).await;
    push(&registry, "ddddddd", &format!("{api}:main.20261119-130000.ddddddd")).await;
    push(&registry, "bbbbbbb", &format!("{api}:{NEW}")).await;
    let policy = "--policy 'scheme=branch.timestamp.sha last=1' --runs-nowhere";
    let plan = images(&format!("retention {api} {policy} --plan")).await.with(0);
    assert!(plan.contains("1 of 4 tags of"), "{plan}");
    let left = images(&format!("tags {api} --policy 'scheme=branch.timestamp.sha tag~.*ddddddd'")).await;
    left.with(0);
    let deleted = images(&format!("retention {api} {policy} --delete --json")).await.json(0);
    assert_eq!(deleted["deleted"], Value::from(vec!["main.20261119-130000.ddddddd"]));
    for tag in [OLD, "v1.0.0", NEW] {
        images(&format!("inspect {api}:{tag}")).await.with(0);
    }
    images(&format!("inspect {api}:main.20261119-130000.ddddddd"))
        .await
        .error(2, "main.20261119-130000.ddddddd");
}

#[tokio::test]
#[ignore = "needs docker-registry: tests/cluster/up"]
async fn mistakes_are_told() {
    let registry = Registry::start().await;
    let api = format!("{}/shop/api", registry.host);
    let policy = images(&format!("tags {api} --policy 'scheme=sha branch=main'")).await;
    assert!(
        policy.err.contains("\n    1 | scheme=sha branch=main\n      |            ^\n"),
        "{}",
        policy.err
    );
    policy.error(2, "has no field \"branch\"");
    let retention = images(&format!("retention {api} --policy 'scheme=semver' --runs-nowhere")).await;
    retention.error(2, "say which tags of the scheme semver are kept");
    images(&format!("tags {api} {POLICY}")).await.error(2, "shop/api");
    images(&format!("inspect {api}:v1")).await.error(2, "shop/api:v1");
    images(&format!("push {} {api}:v1", std::env::temp_dir().join("no-such-layout").display()))
        .await
        .error(2, "no-such-layout");
    images("tags 127.0.0.1:1/shop/api --policy scheme=semver").await.error(1, "127.0.0.1:1");
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn images_are_looked_at_before_anything_is_written() {
    live("x-images", async |env| {
        let gone = deployment("api:does-not-exist", "/healthz");
        let refused = xtask(&env, "apply -f - --preflight", &gone).await;
        assert!(
            refused.err.contains("\nIMAGE ") && refused.err.contains("Deployment api"),
            "{}",
            refused.err
        );
        refused.error(2, "1 of 1 image cannot run");
        assert!(env.get("apps/v1", "Deployment", "api").await.is_none(), "nothing is written");

        xtask(&env, "apply -f - --preflight --pin", &deployment("api:v1", "/healthz")).await.with(0);
        let api = env.get("apps/v1", "Deployment", "api").await.expect("it is there");
        let image =
            api["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned();
        assert!(image.starts_with(&format!("{}/api:v1@sha256:", env.registry)), "{image}");
        // Again is the same.
        xtask(&env, "diff -f -", &deployment("api:v1", "/healthz")).await.with(1);
        let again = xtask(&env, "apply -f - --pin --json", &deployment("api:v1", "/healthz")).await.json(0);
        assert_eq!(again["objects"][0]["action"], "unchanged");

        let tags = format!(
            "tags {}/api --policy scheme=/v(?<number>[0-9]+)/ --running {}",
            env.registry, env.namespace
        );
        let error = xtask(&env, &tags, "").await;
        assert!(error.code == Some(2) && error.err.contains("does not say what is newer"), "{}", error.err);
    })
    .await;
}
