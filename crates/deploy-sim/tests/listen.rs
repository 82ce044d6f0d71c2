//! The API server on a port, through a real client's sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use deploy_sim::SimCluster;
use futures_util::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Client, Config};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn start() -> (SimCluster, SocketAddr) {
    let cluster = SimCluster::builder().start();
    let address = cluster.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    (cluster, address)
}

fn maps(address: SocketAddr) -> Api<ConfigMap> {
    let config = Config::new(format!("http://{address}").parse().unwrap());
    Api::default_namespaced(Client::try_from(config).unwrap())
}

async fn apply(maps: &Api<ConfigMap>, name: &str) -> ConfigMap {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    maps.patch(name, &PatchParams::apply("test"), &Patch::Apply(&object)).await.unwrap()
}

#[tokio::test]
async fn a_client_applies_and_watches() {
    let (cluster, address) = start().await;
    let maps = maps(address);
    let first = apply(&maps, "a").await.metadata.resource_version.unwrap();
    let mut told = Box::pin(maps.watch(&WatchParams::default(), &first).await.unwrap());
    apply(&maps, "b").await;
    let event = timeout(Duration::from_secs(10), told.try_next()).await.unwrap().unwrap().unwrap();
    let WatchEvent::Added(map) = event else { panic!("{event:?}") };
    assert_eq!(map.metadata.name.as_deref(), Some("b"));
    let here: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    assert!(here.get_opt("b").await.unwrap().is_some(), "it is the same cluster");
}

#[tokio::test]
async fn it_ends_with_the_cluster() {
    let (cluster, address) = start().await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /version HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(cluster.clone());
    assert!(TcpStream::connect(address).await.is_ok(), "one clone is left");
    drop(cluster);
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(10), idle.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is closed");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}

/// What is no HTTP is refused, and a body is read only as far as it may go.
#[tokio::test]
async fn hostile_clients_are_refused() {
    let (_cluster, address) = start().await;
    let ask = async |request: &[u8]| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 12];
        timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert_eq!(ask(b"nonsense\r\n\r\n").await, "HTTP/1.1 400");
    let mut large =
        b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n"
            .to_vec();
    large.resize(large.len() + (3 << 20) + 10, b' ');
    assert_eq!(ask(&large).await, "HTTP/1.1 413");
}
