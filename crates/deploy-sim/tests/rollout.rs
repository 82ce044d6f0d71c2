//! Rollouts through a real client, in virtual time: the runtime's is paused, and passes as soon as nobody has anything to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::time::Duration;

use deploy_sim::{Image, SimCluster};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

fn cluster() -> SimCluster {
    SimCluster::builder()
        .seed(1)
        .image("shop/api:crash", Image::new().exits(1, Duration::ZERO).logs(["starting", "no database"]))
        .images(|name| if name.ends_with(":oops") { Image::not_found() } else { Image::new() })
        .start()
}

fn deployments(cluster: &SimCluster) -> Api<Deployment> {
    Api::default_namespaced(cluster.client())
}

async fn apply(deployments: &Api<Deployment>, image: &str) {
    let api = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{
                    "name": "api", "image": image,
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
                }]},
            },
        },
    });
    deployments.patch("api", &PatchParams::apply("test"), &Patch::Apply(api)).await.unwrap();
}

/// Waits until the Deployment is in a state; how long that took.
async fn until(deployments: &Api<Deployment>, holds: impl Fn(&Value) -> bool) -> Duration {
    let start = Instant::now();
    loop {
        let api = serde_json::to_value(deployments.get("api").await.unwrap()).unwrap();
        if holds(&api) {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(3600), "never: {}", api["status"]);
        sleep(Duration::from_millis(100)).await;
    }
}

fn is_done(api: &Value) -> bool {
    let status = &api["status"];
    status["observedGeneration"] == api["metadata"]["generation"]
        && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| status[field] == 2)
}

/// The one pod of which the condition holds.
async fn pod(cluster: &SimCluster, holds: impl Fn(&Value) -> bool) -> (String, Value) {
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let pods = pods.list(&ListParams::default().labels("app=api")).await.unwrap();
    let mut pods = pods.items.into_iter().map(|pod| serde_json::to_value(pod).unwrap()).filter(holds);
    let pod = pods.next().unwrap();
    assert!(pods.next().is_none(), "more than one");
    (pod["metadata"]["name"].as_str().unwrap().to_owned(), pod)
}

fn waiting(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_ends() {
    let cluster = cluster();
    let api = deployments(&cluster);
    apply(&api, "shop/api:v1").await;
    let took = until(&api, is_done).await;
    assert!(took < Duration::from_secs(10), "{took:?}");
    apply(&api, "shop/api:v2").await;
    until(&api, is_done).await;
    let revision = |api: &Value| api["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
    assert_eq!(revision(&serde_json::to_value(api.get("api").await.unwrap()).unwrap()), "2");
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_does_not_exist_keeps_the_old_pods() {
    let cluster = cluster();
    let api = deployments(&cluster);
    apply(&api, "shop/api:v1").await;
    until(&api, is_done).await;
    apply(&api, "shop/api:oops").await;
    let exceeded = |api: &Value| {
        let conditions = api["status"]["conditions"].as_array().unwrap();
        conditions.iter().any(|condition| condition["reason"] == "ProgressDeadlineExceeded")
    };
    let took = until(&api, exceeded).await;
    assert!((600..620).contains(&took.as_secs()), "{took:?} is not the progress deadline");
    let (_, bad) = pod(&cluster, |pod| pod["spec"]["containers"][0]["image"] == "shop/api:oops").await;
    assert_eq!(waiting(&bad), "ImagePullBackOff");
    let now = serde_json::to_value(api.get("api").await.unwrap()).unwrap();
    assert_eq!(now["status"]["availableReplicas"], 2, "{now}");
    // It comes to be: the node tries again by itself.
    cluster.image("shop/api:oops", Image::new());
    until(&api, is_done).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_has_a_log() {
    let cluster = cluster();
    let api = deployments(&cluster);
    apply(&api, "shop/api:v1").await;
    until(&api, is_done).await;
    apply(&api, "shop/api:crash").await;
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let is_new = |pod: &Value| pod["spec"]["containers"][0]["image"] == "shop/api:crash";
    loop {
        sleep(Duration::from_secs(1)).await;
        let (name, bad) = pod(&cluster, is_new).await;
        if waiting(&bad) == "CrashLoopBackOff" {
            let restarted = bad["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap();
            let log = |previous| LogParams { previous, ..LogParams::default() };
            assert_eq!(pods.logs(&name, &log(false)).await.unwrap(), "starting\nno database\n");
            if restarted == 0 {
                let error = pods.logs(&name, &log(true)).await.unwrap_err().to_string();
                assert!(error.contains("previous terminated container"), "{error}");
                continue;
            }
            let one = LogParams { tail_lines: Some(1), ..log(true) };
            assert_eq!(pods.logs(&name, &one).await.unwrap(), "no database\n");
            return;
        }
    }
}

/// Pods go where the fewest are, and run there.
#[tokio::test(start_paused = true)]
async fn pods_are_spread_over_nodes() {
    let cluster = SimCluster::builder().nodes(3).start();
    let deployments: Api<Deployment> = Api::default_namespaced(cluster.client());
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
        "spec": {"replicas": 6, "selector": {"matchLabels": {"app": "a"}}, "template": {
            "metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]},
        }},
    });
    deployments.patch("a", &PatchParams::apply("t"), &Patch::Apply(&deployment)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let pods = pods.list(&ListParams::default()).await.unwrap().items;
    let mut places = std::collections::BTreeMap::<(String, String), u32>::new();
    for pod in &pods {
        let status = pod.status.as_ref().unwrap();
        assert_eq!(status.phase.as_deref(), Some("Running"));
        let node = pod.spec.as_ref().unwrap().node_name.clone().unwrap();
        *places.entry((node, status.host_ip.clone().unwrap())).or_default() += 1;
    }
    let expected = [("node-1", "192.0.2.2"), ("node-2", "192.0.2.3"), ("node-3", "192.0.2.4")];
    let expected = expected.map(|(node, address)| ((node.to_owned(), address.to_owned()), 2));
    assert_eq!(places, expected.into());
}
