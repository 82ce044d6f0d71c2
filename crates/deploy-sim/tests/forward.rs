//! Ports of pods, through a client in process and through one on a port.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use deploy_sim::{Image, SimCluster};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::{Client, Config};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Greets whoever connects, and sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = to.write_all(b"hello ").await;
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

/// A pod `api` that serves, seen through both kinds of clients.
async fn start() -> (SimCluster, [Api<Pod>; 2]) {
    let cluster = SimCluster::builder().image("api:v1", Image::new().serves(8080, echo().await)).start();
    let address = cluster.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let config = Config::new(format!("http://{address}").parse().unwrap());
    let clients = [cluster.client(), Client::try_from(config).unwrap()];
    let [near, far] = clients.map(Api::<Pod>::default_namespaced);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "api", "image": "api:v1"}]}});
    near.patch("api", &PatchParams::apply("test"), &Patch::Apply(&pod)).await.unwrap();
    let runs = async {
        while near.get("api").await.unwrap().status.unwrap_or_default().phase.as_deref() != Some("Running") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), runs).await.unwrap();
    (cluster, [near, far])
}

#[tokio::test]
async fn bytes_go_both_ways() {
    let (_cluster, clients) = start().await;
    for pods in clients {
        let mut forwarder = pods.portforward("api", &[8080]).await.unwrap();
        let mut stream = forwarder.take_stream(8080).unwrap();
        let large = vec![b'x'; 300_000];
        let (mut from, mut to) = tokio::io::split(&mut stream);
        let mut answer = vec![0; 6 + large.len()];
        let both = async { tokio::join!(to.write_all(&large), from.read_exact(&mut answer)) };
        let (sent, got) = timeout(Duration::from_secs(30), both).await.unwrap();
        sent.unwrap();
        got.unwrap();
        assert!(answer.starts_with(b"hello ") && answer[6..] == large);
    }
}

#[tokio::test]
async fn what_does_not_listen_says_so() {
    let (_cluster, clients) = start().await;
    for pods in clients {
        let mut forwarder = pods.portforward("api", &[81]).await.unwrap();
        let refused = timeout(Duration::from_secs(30), forwarder.take_error(81).unwrap()).await.unwrap();
        assert!(refused.unwrap().contains("connection refused"));
        let Err(kube::Error::Api(status)) = pods.portforward("missing", &[80]).await else {
            panic!("no such pod")
        };
        assert_eq!((status.code, status.message.as_str()), (404, "pods \"missing\" not found"));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_pod() {
    let (_cluster, [near, far]) = start().await;
    let mut forwarder = far.portforward("api", &[8080]).await.unwrap();
    let mut stream = forwarder.take_stream(8080).unwrap();
    let mut hello = [0; 6];
    stream.read_exact(&mut hello).await.unwrap();
    near.delete("api", &DeleteParams::default().grace_period(0)).await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "{rest:?}");
}
