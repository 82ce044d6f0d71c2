//! A deployment to a far node, without the rollout itself: how soon the caller knows, and what it costs. See README.md.
//!
//! `cargo bench --bench ssm -- seconds=40 times=9`: how long the longest rollout takes, and how many there are. With `KUBECONFIG`, `KUBECTL` and
//! `REGISTRY` (`tests/cluster/up`) a bad image is deployed to that cluster, too.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a benchmark reads the clock and shows numbers"
)]

#[path = "../tests/far/app.rs"]
#[allow(dead_code, reason = "it serves tests")]
mod app;
#[path = "../crates/deploy-ssm/tests/aws/server.rs"]
#[allow(dead_code, reason = "it serves tests")]
mod server;
#[path = "../tests/far/storage.rs"]
#[allow(dead_code, reason = "it serves tests")]
mod storage;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_core::run::{Policy, Run};
use deploy_ssm::sim::{Node, Simulator};
use deploy_ssm::{Aws, Instances, Package, SsmK3s, SsmK3sBuilder};
use futures_util::future::join_all;

use storage::{BUCKET, Storage};

const NODE: &str = "i-0123456789abcdef0";

/// A kubectl whose apply takes as long as a file beside it says.
const KUBECTL: &str = r#"#!/bin/sh
case $* in
*--raw*) echo ok ;;
*" apply "*)
    sleep "$(cat "${0%/*}/seconds")"
    while [ "$1" != -f ]; do shift; done
    cat "$2"
    ;;
esac
"#;

struct World {
    ssm: Simulator,
    storage: Storage,
    folder: tempfile::TempDir,
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: u64| {
        let given = asked.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
        given.map_or(usual, |given| given.parse().unwrap())
    };
    let (seconds, times) = (number("seconds", 40), number("times", 9));
    pack();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        overhead(times).await;
        for bucket in [true, false] {
            known(bucket, seconds, times).await;
        }
        if let (Ok(kubeconfig), Ok(kubectl), Ok(registry)) =
            (std::env::var("KUBECONFIG"), std::env::var("KUBECTL"), std::env::var("REGISTRY"))
        {
            for bucket in [true, false] {
                bad_image(bucket, &kubeconfig, &kubectl, &registry).await;
            }
        }
    });
}

fn pack() {
    let manifest = |number: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{number}, namespace: shop}}\nspec:\n  replicas: 2\n  \
             selector: {{matchLabels: {{app: app-{number}}}}}\n  template:\n    metadata: {{labels: {{app: app-{number}}}}}\n    \
             spec:\n      containers:\n      - name: api\n        image: registry.example.com/shop/app-{number}:4f1c2d9\n        \
             readinessProbe: {{httpGet: {{path: /healthz, port: 8080}}}}\n---\n"
        )
    };
    let all: String = (0..500).map(manifest).collect();
    let bundle = bundle("shop", &all);
    let took: Vec<f64> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            let package = Package::new(&bundle).unwrap();
            let took = begun.elapsed();
            assert!(package.bytes().len() > 1_000);
            took.as_secs_f64() * 1_000.0
        })
        .collect();
    let package = Package::new(&bundle).unwrap();
    println!(
        "500 Deployments packed: {:.1} ms, {} bytes, {}",
        median(took),
        package.bytes().len(),
        package.sha256()
    );
}

/// All but the rollout: a kubectl that does nothing, an SSM without latency.
async fn overhead(times: u64) {
    let world = World::new().await;
    let mut took = Vec::new();
    let mut before = 0;
    for number in 0..times {
        let app = format!("app-{number}");
        world.says(0);
        let calls = world.ssm.calls().len();
        let begun = Instant::now();
        let outcome = deploy(world.target(&app).build().unwrap(), &small(&number.to_string())).await;
        took.push(begun.elapsed().as_secs_f64());
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let made = world.ssm.calls();
        before = made[calls..].iter().position(|call| call.operation == "GetCommandInvocation").unwrap();
    }
    let scripts = world.ssm.scripts();
    let ran = scripts.iter().filter_map(|script| Some(script.ended?.since(script.started).as_secs_f64()));
    println!(
        "a small bundle inline: {:.2} s to the outcome, of which the script ran {:.2} s; {before} calls until it ran",
        median(took),
        median(ran.collect())
    );
}

/// From the node's result to the caller's outcome, of rollouts that take up to `seconds`, side by side.
async fn known(bucket: bool, seconds: u64, times: u64) {
    let world = World::new().await;
    let deployments = (0..times).map(|number| {
        let world = &world;
        async move {
            let app = format!("app-{number}");
            let folder = world.folder.path().join(&app);
            let takes = seconds * (number + 1) / times;
            World::kubectl(&folder, takes);
            let mut target = world.target(&app).kubectl(folder.join("kubectl").to_str().unwrap());
            if bucket {
                target = target.bucket(BUCKET, "");
            }
            let outcome = deploy(target.build().unwrap(), &small("1")).await;
            let knows = SystemTime::now();
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            let run =
                world.folder.path().join("state").join(&app).join("runs").join(outcome.deployment.as_str());
            let ended = fs::metadata(run.join("result.json")).unwrap().modified().unwrap();
            knows.duration_since(ended).unwrap().as_secs_f64()
        }
    });
    let waits = join_all(deployments).await;
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for call in world.ssm.calls() {
        *calls.entry(call.operation).or_default() += 1;
    }
    let way = if bucket { "with a bucket" } else { "inline" };
    let most = waits.iter().copied().fold(0.0, f64::max);
    println!(
        "node finished to caller knows, {way}: median {:.2} s, at most {most:.2} s, over {times} rollouts of up to {seconds} s; calls to \
         SSM in all: {calls:?}",
        median(waits)
    );
}

async fn bad_image(bucket: bool, kubeconfig: &str, kubectl: &str, registry: &str) {
    let world = World::new().await;
    let namespace = format!("bench-ssm-{:05x}-{}", std::process::id() & 0xf_ffff, u8::from(bucket));
    let run = |arguments: &[&str]| {
        let done = std::process::Command::new(kubectl).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["create", "namespace", &namespace]);
    let deploy = async |target: SsmK3s, tag: &str| {
        let text = app::app(&format!("api:{tag}"), tag).replace("$REGISTRY", registry);
        deploy_to(&namespace, target, &text).await
    };
    let mut target = world.target("shop").kubectl(kubectl).kubeconfig(kubeconfig);
    if bucket {
        target = target.bucket(BUCKET, "");
    }
    let target = target.build().unwrap();
    let good = deploy(target.clone(), "v1").await;
    let mut took = Vec::new();
    for number in 0..3 {
        let begun = Instant::now();
        let outcome = deploy(target.clone(), &format!("does-not-exist-{number}")).await;
        took.push(begun.elapsed().as_secs_f64());
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    }
    run(&["delete", "namespace", &namespace, "--wait=false"]);
    assert_eq!(good.status, Status::Healthy, "{good}");
    let way = if bucket { "with a bucket" } else { "inline" };
    println!(
        "bad image of a StatefulSet and two Deployments to the old state back and reported, {way}: {:.2} s (median of {})",
        median(took.clone()),
        took.len()
    );
}

impl World {
    async fn new() -> Self {
        let ssm = Simulator::builder().region("eu-central-1").node(Node::new(NODE)).start().await.unwrap();
        let (storage, folder) = (Storage::start().await, tempfile::tempdir().unwrap());
        let world = Self { ssm, storage, folder };
        Self::kubectl(world.folder.path(), 0);
        world
    }

    fn kubectl(folder: &Path, seconds: u64) {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join("kubectl");
        fs::write(&path, KUBECTL).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("seconds"), seconds.to_string()).unwrap();
    }

    fn says(&self, seconds: u64) {
        fs::write(self.folder.path().join("seconds"), seconds.to_string()).unwrap();
    }

    fn target(&self, app: &str) -> SsmK3sBuilder {
        let aws = Aws::builder()
            .region("eu-central-1")
            .credentials(Storage::credentials())
            .ssm_endpoint(self.ssm.url())
            .s3_endpoint(self.storage.server.url())
            .path_style(true)
            .build()
            .unwrap();
        SsmK3s::builder(&aws, app, Instances::id(NODE).unwrap())
            .kubectl(self.folder.path().join("kubectl").to_str().unwrap())
            .state_dir(self.folder.path().join("state").to_str().unwrap())
    }
}

fn small(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: shop}}\ndata: {{value: '{value}'}}\n"
    )
}

fn bundle(namespace: &str, text: &str) -> Bundle {
    let objects = read("bench.yaml", text.as_bytes()).unwrap();
    Bundle::builder().objects(objects).namespace(namespace).build().unwrap()
}

async fn deploy(target: SsmK3s, text: &str) -> Outcome {
    deploy_to("shop", target, text).await
}

async fn deploy_to(namespace: &str, target: SsmK3s, text: &str) -> Outcome {
    let policy =
        Policy::default().timeout(Duration::from_secs(600)).rollback_timeout(Duration::from_secs(60));
    Rollout::new(Arc::new(target)).run(&bundle(namespace, text), Run::new().policy(policy)).await.unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
