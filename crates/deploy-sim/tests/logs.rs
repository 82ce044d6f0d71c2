//! Logs that are followed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::time::Duration;

use deploy_sim::{Image, SimCluster};
use futures_util::{AsyncReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, LogParams, PostParams};
use serde_json::json;
use tokio::time::{sleep, timeout};

async fn pod(cluster: &SimCluster, policy: &str) -> Api<Pod> {
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"restartPolicy": policy, "containers": [{"name": "a", "image": "i:1"}]},
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    pods
}

async fn follow(pods: &Api<Pod>, params: LogParams) -> String {
    let params = LogParams { follow: true, ..params };
    let mut stream = pods.log_stream("a", &params).await.unwrap();
    let mut told = String::new();
    timeout(Duration::from_secs(600), stream.read_to_string(&mut told)).await.unwrap().unwrap();
    told
}

fn image() -> Image {
    Image::new().logs(["one", "two"])
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_container() {
    let cluster = SimCluster::builder().image("i:1", image().exits(0, Duration::from_secs(60))).start();
    let pods = pod(&cluster, "Always").await;
    assert_eq!(follow(&pods, LogParams::default()).await, "one\ntwo\n");
    assert_eq!(follow(&pods, LogParams { tail_lines: Some(1), ..LogParams::default() }).await, "two\n");
    assert_eq!(follow(&pods, LogParams { limit_bytes: Some(5), ..LogParams::default() }).await, "one\nt");
}

#[tokio::test(start_paused = true)]
async fn of_what_ended_it_is_told_at_once() {
    let cluster = SimCluster::builder().image("i:1", image().exits(1, Duration::from_secs(1))).start();
    let pods = pod(&cluster, "Never").await;
    assert_eq!(follow(&pods, LogParams::default()).await, "one\ntwo\n");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_pod_and_breaks_with_the_server() {
    let cluster = SimCluster::builder().image("i:1", image()).start();
    let pods = pod(&cluster, "Always").await;
    let params = LogParams { follow: true, ..LogParams::default() };
    let mut lines = futures_util::AsyncBufReadExt::lines(pods.log_stream("a", &params).await.unwrap());
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("one"));
    assert_eq!(lines.try_next().await.unwrap().as_deref(), Some("two"));
    pods.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(timeout(Duration::from_secs(60), lines.try_next()).await.unwrap().unwrap(), None);
    let cluster = SimCluster::builder().image("i:1", image()).start();
    let pods = pod(&cluster, "Always").await;
    let mut stream = pods.log_stream("a", &params).await.unwrap();
    let mut told = [0; 8];
    stream.read_exact(&mut told).await.unwrap();
    cluster.down_for(Duration::from_secs(1));
    assert!(timeout(Duration::from_secs(60), stream.read(&mut told)).await.unwrap().is_err());
}
