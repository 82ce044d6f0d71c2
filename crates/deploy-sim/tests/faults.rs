//! What goes wrong on command, as a client sees it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::time::{Duration, SystemTime};

use deploy_sim::{Fault, Image, Moment, Mortal, SimCluster};
use futures_util::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::client::Client;
use serde_json::json;
use tokio::time::Instant;

fn cluster() -> SimCluster {
    SimCluster::builder().start()
}

fn maps(client: Client) -> Api<ConfigMap> {
    Api::default_namespaced(client)
}

async fn apply(maps: &Api<ConfigMap>, value: &str) -> Result<ConfigMap, kube::Error> {
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"v": value}});
    maps.patch("a", &PatchParams::apply("test"), &Patch::Apply(&map)).await
}

async fn value(cluster: &SimCluster) -> Option<String> {
    let found = maps(cluster.client()).get_opt("a").await.unwrap()?;
    found.data?.get("v").cloned()
}

fn words(result: Result<ConfigMap, kube::Error>) -> String {
    match result.unwrap_err() {
        kube::Error::Api(status) => status.code.to_string(),
        kube::Error::Service(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_has_no_effect_and_a_lost_answer_has_one() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    cluster.inject(Fault::request_lost().on("PATCH", "/configmaps/"));
    assert_eq!(words(apply(&maps, "1").await), "connection reset");
    assert_eq!(value(&cluster).await, None);
    cluster.inject(Fault::answer_lost().on("PATCH", "/configmaps/"));
    assert_eq!(words(apply(&maps, "2").await), "connection reset");
    assert_eq!(value(&cluster).await.as_deref(), Some("2"));
    apply(&maps, "3").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refusals_and_latency() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    cluster.inject(Fault::overloaded(Duration::from_secs(2)));
    cluster.inject(Fault::server_error().skip(1));
    cluster.inject(Fault::latency(Duration::from_secs(5)).skip(2));
    assert_eq!(words(apply(&maps, "1").await), "429");
    assert_eq!(words(apply(&maps, "1").await), "500");
    assert_eq!(value(&cluster).await, None);
    let start = Instant::now();
    apply(&maps, "1").await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "the look was what took longer");
    cluster.inject(Fault::server_error().times(u32::MAX));
    cluster.heal();
    apply(&maps, "2").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn watches_break_and_expire() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    cluster.inject(Fault::expired());
    let refused = maps.watch(&WatchParams::default(), "0").await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 410));
    cluster.inject(Fault::watch_broken(Duration::from_secs(5)));
    let start = Instant::now();
    let watching = maps.watch(&WatchParams::default(), "0").await.unwrap();
    watching.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_down_comes_back() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    let watching = maps.watch(&WatchParams::default(), "0").await.unwrap();
    cluster.down_for(Duration::from_secs(30));
    watching.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(words(apply(&maps, "1").await), "connection refused");
    tokio::time::sleep(Duration::from_secs(30)).await;
    apply(&maps, "1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn somebody_else_is_faster() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    apply(&maps, "1").await.unwrap();
    let rival = |map: &mut serde_json::Value| map["data"]["v"] = "theirs".into();
    cluster.inject(Fault::conflicting_writer("rival", rival).on("PATCH", "/configmaps/a"));
    let refused = apply(&maps, "2").await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused:?}") };
    assert!(status.message.contains("conflict with \"rival\""), "{}", status.message);
    assert_eq!(value(&cluster).await.as_deref(), Some("theirs"));
}

#[tokio::test(start_paused = true)]
async fn a_client_dies_at_its_request() {
    let cluster = cluster();
    for (moment, expect) in [(Moment::Before, None), (Moment::After, Some("1"))] {
        let process = Mortal::at(1, moment);
        let maps = maps(process.client(cluster.client()));
        let run = async {
            maps.get_opt("a").await.unwrap();
            apply(&maps, "1").await.unwrap();
            panic!("it lives on");
        };
        assert!(process.until_death(run).await.is_none());
        assert_eq!(process.requests(), 2);
        assert!(process.fatal_request().unwrap().starts_with("PATCH "));
        assert_eq!(value(&cluster).await.as_deref(), expect);
    }
    let process = Mortal::at_write(9, Moment::After);
    let maps = maps(process.client(cluster.client()));
    maps.get_opt("a").await.unwrap();
    assert!(process.until_death(apply(&maps, "2")).await.unwrap().is_ok(), "it ends before its death");
    assert_eq!(process.requests(), 1, "one write");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_whose_controllers_panicked_answers_nothing_any_more() {
    let cluster = SimCluster::builder().images(|name| panic!("nobody knows {name}")).start();
    let maps = maps(cluster.client());
    let watching = maps.watch(&WatchParams::default(), "0").await.unwrap();
    apply(&maps, "1").await.unwrap();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]},
    });
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let kube::Error::Api(status) = apply(&maps, "2").await.unwrap_err() else { panic!("it goes on") };
    assert_eq!(status.code, 500);
    assert!(status.message.contains("its controllers panicked: nobody knows"), "{}", status.message);
    let told: Vec<_> = watching.try_collect().await.unwrap();
    assert!(matches!(told.last(), Some(WatchEvent::Error(status)) if status.code == 500), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_longest_times_are_no_trouble() {
    let begins = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX >> 1);
    let image = Image::new().stops_after(Duration::MAX).exits(1, Duration::MAX);
    let cluster = SimCluster::builder().begins(begins).image("a:1", image).start();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let pod = |name: &str| {
        let spec = json!({
            "containers": [{"name": "a", "image": "a:1"}], "terminationGracePeriodSeconds": i64::MAX,
        });
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec,
        }))
        .unwrap()
    };
    for name in ["a", "b"] {
        pods.create(&PostParams::default(), &pod(name)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    pods.delete("a", &DeleteParams::default()).await.unwrap();
    let grace = u32::MAX;
    pods.delete("b", &DeleteParams { grace_period_seconds: Some(grace), ..DeleteParams::default() })
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 2);
    let uri = format!("/api/v1/pods?watch=1&resourceVersion=0&timeoutSeconds={}", u64::MAX >> 1);
    let request = http::Request::get(uri).body(Vec::new()).unwrap();
    cluster.inject(Fault::watch_broken(Duration::MAX));
    cluster.client().request_text(request).await.unwrap();
    cluster.down_for(Duration::MAX);
    pods.list(&ListParams::default()).await.unwrap_err();
    cluster.heal();
    pods.list(&ListParams::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn somebody_else_waits_for_a_change_of_what_there_is() {
    let cluster = cluster();
    let maps = maps(cluster.client());
    let rival = |map: &mut serde_json::Value| map["data"]["v"] = "theirs".into();
    cluster.inject(Fault::conflicting_writer("rival", rival));
    apply(&maps, "1").await.unwrap();
    maps.delete("a", &DeleteParams::default().dry_run()).await.unwrap();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"v": "2"}});
    maps.patch("a", &PatchParams::apply("test").dry_run(), &Patch::Apply(&map)).await.unwrap();
    assert_eq!(value(&cluster).await.as_deref(), Some("1"));
    apply(&maps, "3").await.unwrap_err();
    assert_eq!(value(&cluster).await.as_deref(), Some("theirs"));
}
