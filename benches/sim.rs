//! The embedded cluster: how long it takes to start, what a rollout costs, and a thousand of both. See README.md.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "it is what a benchmark is for"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

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

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    // Which parts; all where none is named.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("start", start), ("rollout", one), ("many", many)];
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part();
        }
    }
}

fn start() {
    let start = |_| {
        let begin = Instant::now();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let cluster = SimCluster::builder().start();
            let namespaces: Api<Namespace> = Api::all(cluster.client());
            namespaces.get("default").await.unwrap();
        });
        begin.elapsed()
    };
    println!("start until the first answer: {:?}", median((0..50).map(start).collect()));
}

fn one() {
    let one = |seed| {
        let begin = on_cpu();
        virtual_time().block_on(rollout(seed));
        on_cpu().saturating_sub(begin)
    };
    println!("a rollout of 2 replicas: {:?} on a CPU", median((0..50).map(one).collect()));
}

fn many() {
    let begin = Instant::now();
    let half = |first: u64| {
        move || {
            virtual_time().block_on(join_all((first..first + 500).map(rollout)));
        }
    };
    let threads = [0, 500].map(|first| std::thread::spawn(half(first)));
    for thread in threads {
        thread.join().unwrap();
    }
    let took = begin.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("1,000 clusters with a rollout each: {took:?}, at most {} of memory", peak.trim());
}
