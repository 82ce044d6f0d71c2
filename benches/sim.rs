//! The embedded cluster: how long it takes to start, what a rollout costs, and a thousand of both. See README.md.
//!
//! `cargo bench --bench sim -- start rollout=10 many=1000`: which parts, each so many times; all of them where none is named.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "it is what a benchmark is for"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use deploy_benches::{measure_parts, median};
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_k8s::{Apply, Cluster};
use deploy_sim::SimCluster;
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use tokio::runtime::{Builder, Runtime};

const APP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: shop/api:v1
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
";

fn virtual_time() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// One cluster with one rollout, from nothing to healthy.
async fn rollout(seed: u64) -> Duration {
    let cluster = SimCluster::builder().seed(seed).start();
    let target = Apply::new(Cluster::from_client(cluster.client()));
    let objects = read("app.yaml", APP.as_bytes()).unwrap();
    let bundle = Bundle::builder().objects(objects).namespace("default").build().unwrap();
    let outcome = Rollout::new(Arc::new(target)).run(&bundle, Run::new()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    outcome.took
}

/// Time on a CPU of this thread.
fn on_cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

fn main() {
    measure_parts(&[("start", 50, start), ("rollout", 500, one), ("many", 1_000, many)]);
}

fn start(times: u64) {
    let start = |seed| {
        let begin = Instant::now();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let cluster = SimCluster::builder().seed(seed).start();
            let namespaces: Api<Namespace> = Api::all(cluster.client());
            namespaces.get("default").await.unwrap();
        });
        begin.elapsed()
    };
    println!("start until the first answer: {:?}", median((0..times).map(start).collect()));
}

fn one(times: u64) {
    // The mean: the kernel counts in ticks of some milliseconds.
    let begin = on_cpu();
    for seed in 0..times {
        virtual_time().block_on(rollout(seed));
    }
    let took = on_cpu().saturating_sub(begin) / u32::try_from(times.max(1)).unwrap();
    println!("a rollout of 2 replicas: {took:?} on a CPU");
}

/// All at once, on two threads: as many as the machine that the bar is for has cores.
fn many(times: u64) {
    let begin = Instant::now();
    let threads = [0..times / 2, times / 2..times].map(|seeds| {
        std::thread::spawn(move || {
            virtual_time().block_on(join_all(seeds.map(rollout)));
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let took = begin.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{times} clusters with a rollout each: {took:?}, at most {} of memory", peak.trim());
}
