//! What is done with images, against the real docker-registry.

use std::process::Stdio;

use deploy_sim::{Image, SimCluster};
use deploy_tests::{Port, Registry};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use serde_json::Value;
use tokio::process::Command;

use crate::process::{Ended, end, started};

/// `cargo xtask WORDS` without any cluster. What stands between quotes is one word.
fn command(words: &str) -> Command {
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
    command
}

async fn images(words: &str) -> Ended {
    end(started(command(words), "").await).await
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

/// One pod that runs an image.
fn app(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata: {{labels: {{app: api}}}}
    spec: {{imagePullSecrets: [{{name: pull}}], containers: [{{name: api, image: '{image}'}}]}}
"
    )
}

/// A cluster whose nodes run whatever they are told to, and what stands of the Deployment `api` there.
struct Nodes {
    cluster: SimCluster,
    port: Port,
}

impl Nodes {
    async fn start() -> Self {
        let cluster = SimCluster::builder().images(|_| Image::new()).without_storage().start();
        let port = Port::open(cluster.client()).await;
        Self { cluster, port }
    }

    async fn xtask(&self, words: &str, manifests: &str) -> Ended {
        let mut command = command(words);
        command.env("KUBECONFIG", self.port.kubeconfig());
        end(started(command, manifests).await).await
    }

    async fn image(&self) -> Option<String> {
        let api: Api<Deployment> = Api::default_namespaced(self.cluster.client());
        let api = api.get_opt("api").await.expect("the cluster answers")?;
        api.spec?.template.spec?.containers.remove(0).image
    }
}

#[tokio::test]
#[ignore = "needs docker-registry: tests/cluster/up"]
async fn images_are_looked_at_before_anything_is_written() {
    let (registry, nodes) = (Registry::start().await, Nodes::start().await);
    let image = format!("{}/shop/api:v1", registry.host);
    let refused = nodes.xtask("apply -f - --preflight", &app(&image)).await;
    assert!(
        refused.err.contains("\nIMAGE ") && refused.err.contains("  Deployment api  "),
        "{}",
        refused.err
    );
    refused.error(2, "1 of 1 image cannot run");
    let json = nodes.xtask("apply -f - --preflight --json", &app(&image)).await.json(2);
    assert_eq!(json["error"]["images"][0]["problem"]["kind"], "notFound");
    nodes.xtask("apply -f - --pin", &app(&image)).await.error(2, &image);
    assert_eq!(nodes.image().await, None, "nothing is written");

    let digest = push(&registry, "aaaaaaa", &image).await;
    nodes.xtask("apply -f - --preflight --pin", &app(&image)).await.with(0);
    assert_eq!(nodes.image().await, Some(format!("{image}@{digest}")));
    let again = nodes.xtask("apply -f - --pin --json", &app(&image)).await.json(0);
    assert_eq!(again["objects"][0]["action"], "unchanged");

    // The tag is moved: what was looked at runs until it is asked again.
    let moved = push(&registry, "bbbbbbb", &image).await;
    let planned = nodes.xtask("apply -f - --pin --dry-run", &app(&image)).await.with(0);
    assert!(planned.contains(&moved), "{planned}");

    // No signature, no report: neither is a yes.
    let key = std::env::temp_dir().join(format!("t-key-{}", std::process::id()));
    std::fs::write(&key, "no key").expect("a file");
    let words = format!("apply -f - --pin --cosign-key {}", key.display());
    nodes.xtask(&words, &app(&image)).await.error(2, "t-key-");
    let words = format!("apply -f - --pin --scan-report {}", key.display());
    nodes.xtask(&words, &app(&image)).await.error(2, "no report of Trivy");
    std::fs::remove_file(&key).expect("it is there");
    assert_eq!(nodes.image().await, Some(format!("{image}@{digest}")));
}

#[tokio::test]
#[ignore = "needs docker-registry: tests/cluster/up"]
async fn what_runs_is_kept_and_nothing_older_is_chosen() {
    let (registry, nodes) = (Registry::start().await, Nodes::start().await);
    let api = format!("{}/shop/api", registry.host);
    push(&registry, "aaaaaaa", &format!("{api}:{OLD}")).await;
    push(&registry, "bbbbbbb", &format!("{api}:{NEW}")).await;
    push(&registry, "ccccccc", &format!("{api}:main.20261118-120000.ccccccc")).await;
    nodes.xtask("apply -f - --pin", &app(&format!("{api}:{OLD}"))).await.with(0);

    let chosen = nodes.xtask(&format!("tags {api} {POLICY} --running default"), "").await.with(0);
    assert_eq!(chosen, format!("{NEW}\n"));
    let plan = "--policy 'scheme=branch.timestamp.sha last=1' --running default";
    let json = nodes.xtask(&format!("retention {api} {plan} --delete --json"), "").await.json(0);
    assert_eq!(json["deleted"], Value::from(vec!["main.20261118-120000.ccccccc"]));
    assert_eq!(json["plan"]["tags"][1]["rule"], "runs");
    images(&format!("inspect {api}:{OLD}")).await.with(0);

    nodes.xtask("apply -f - --pin", &app(&format!("{api}:{NEW}"))).await.with(0);
    let older = "--policy 'scheme=branch.timestamp.sha tag!~.*bbbbbbb' --running default";
    nodes.xtask(&format!("tags {api} {older}"), "").await.error(2, "1 older than what runs");
    let json = nodes.xtask(&format!("retention {api} {plan} --json"), "").await.json(0);
    assert_eq!(
        (&json["plan"]["tags"][0]["rule"], &json["plan"]["tags"][1]["rule"]),
        (&"needed".into(), &"runs".into())
    );
}
