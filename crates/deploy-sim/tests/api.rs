//! The embedded API server through a real client: what no comparison of single answers shows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::SimCluster;
use futures_util::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, ResourceQuota};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::Role;
use kube::api::{
    Api, DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, DynamicObject};
use serde_json::json;
use std::pin::Pin;
use std::time::Duration;

fn cluster() -> SimCluster {
    SimCluster::builder().seed(1).start()
}

fn maps(cluster: &SimCluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client())
}

async fn apply(maps: &Api<ConfigMap>, name: &str, value: &str) -> ConfigMap {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"v": value}}, "data": {"v": value}});
    maps.patch(name, &PatchParams::apply("test"), &Patch::Apply(&object)).await.unwrap()
}

fn version(map: &ConfigMap) -> String {
    map.metadata.resource_version.clone().unwrap()
}

type Watching = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<ConfigMap>>> + Send>>;

async fn watch(maps: &Api<ConfigMap>, params: WatchParams, from: &str) -> Watching {
    Box::pin(maps.watch(&params, from).await.unwrap())
}

/// `KIND NAME` of the next event.
async fn told(watching: &mut Watching) -> String {
    match watching.next().await.unwrap().unwrap() {
        WatchEvent::Added(map) => format!("added {}", map.metadata.name.unwrap()),
        WatchEvent::Modified(map) => format!("modified {}", map.metadata.name.unwrap()),
        WatchEvent::Deleted(map) => format!("deleted {}", map.metadata.name.unwrap()),
        WatchEvent::Bookmark(bookmark) => format!("bookmark {}", bookmark.metadata.resource_version),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_from_where_a_list_ended() {
    let (cluster, later) = (cluster(), "2");
    let maps = maps(&cluster);
    apply(&maps, "a", "1").await;
    let list = maps.list(&ListParams::default()).await.unwrap();
    let mut all = watch(&maps, WatchParams::default(), &list.metadata.resource_version.unwrap()).await;
    let mut some = watch(&maps, WatchParams::default().labels("v=2"), "0").await;
    apply(&maps, "a", later).await;
    assert_eq!(told(&mut all).await, "modified a");
    assert_eq!(told(&mut some).await, "added a", "it came to match");
    apply(&maps, "a", "3").await;
    assert_eq!(told(&mut some).await, "deleted a", "it matches no more");
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!([told(&mut all).await, told(&mut all).await], ["modified a", "deleted a"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_is_there_and_ends_in_time() {
    let cluster = cluster();
    let maps = maps(&cluster);
    apply(&maps, "a", "1").await;
    let latest = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    // The cluster has maps of its own.
    let mut watching = watch(&maps, WatchParams::default().labels("v").timeout(120), "0").await;
    assert_eq!(told(&mut watching).await, "added a");
    assert_eq!(told(&mut watching).await, format!("bookmark {latest}"));
    let rest: Vec<_> = watching.try_collect().await.unwrap();
    assert!(rest.len() <= 1, "at most another bookmark: {}", rest.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone() {
    let cluster = cluster();
    let maps = maps(&cluster);
    let first = apply(&maps, "a", "1").await;
    apply(&maps, "b", "1").await;
    apply(&maps, "c", "1").await;
    let page = maps.list(&ListParams::default().limit(1)).await.unwrap();
    let mut current =
        watch(&maps, WatchParams::default(), page.metadata.resource_version.as_deref().unwrap()).await;
    let next = ListParams::default().limit(1).continue_token(page.metadata.continue_.as_deref().unwrap());
    let next = maps.list(&next).await.unwrap();
    assert_eq!(next.items[0].metadata.name.as_deref(), Some("b"));

    cluster.compact();
    let Err(kube::Error::Api(status)) =
        maps.watch(&WatchParams::default(), &version(&first)).await.map(|_| ())
    else {
        panic!("it goes on");
    };
    assert_eq!(status.code, 410);
    let old = ListParams::default().limit(1).continue_token(&format!("{}:default/a", version(&first)));
    let Err(kube::Error::Api(status)) = maps.list(&old).await else { panic!("it goes on") };
    assert_eq!(status.code, 410);
    apply(&maps, "d", "1").await;
    assert_eq!(told(&mut current).await, "added d", "who is up to date stays so");
}

#[tokio::test(start_paused = true)]
async fn time_is_the_runtimes() {
    let cluster = cluster();
    let maps = maps(&cluster);
    let at = |map: ConfigMap| map.metadata.creation_timestamp.unwrap().0;
    let first = at(apply(&maps, "a", "1").await);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let second = at(apply(&maps, "b", "1").await);
    assert_eq!(second.as_second() - first.as_second(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_definition_serves_its_kind() {
    let cluster = cluster();
    let send = async |path: &str, body: serde_json::Value| {
        let request = http::Request::post(path).header("content-type", "application/json");
        let request = request.body(kube::client::Body::from(body.to_string().into_bytes())).unwrap();
        cluster.client().send(request).await.unwrap().status().as_u16()
    };
    let widgets = "/apis/example.com/v1/namespaces/default/widgets";
    let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
    assert_eq!(send(widgets, widget.clone()).await, 404);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    assert_eq!(send("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await, 201);
    assert_eq!(send(widgets, widget).await, 201);
    let resource =
        kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("example.com", "v1", "Widget"));
    let api: Api<DynamicObject> = Api::default_namespaced_with(cluster.client(), &resource);
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_strategic_patch_merges() {
    let cluster = cluster();
    let maps = maps(&cluster);
    apply(&maps, "a", "1").await;
    let patch = Patch::Strategic(json!({"metadata": {"finalizers": ["x.example/y"]}, "data": {"v": "2"}}));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap()["v"], "2");
    let more = Patch::Strategic(json!({"metadata": {"finalizers": ["x.example/z"]}}));
    let patched = maps.patch("a", &PatchParams::default(), &more).await.unwrap();
    // In the order of the real one: what the patch has comes first.
    assert_eq!(patched.metadata.finalizers.unwrap(), ["x.example/z", "x.example/y"]);
}

/// A budget with nothing left keeps its pods.
#[tokio::test(start_paused = true)]
async fn an_eviction_respects_the_budget() {
    let cluster = cluster();
    let client = cluster.client();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"app": "a"}},
        "spec": {"containers": [{"name": "a", "image": "nowhere.example/a:1"}]}});
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}});
    let params = PostParams::default();
    pods.create(&params, &serde_json::from_value(pod).unwrap()).await.unwrap();
    budgets.create(&params, &serde_json::from_value(budget).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(pods.get("a").await.unwrap().status.unwrap().phase.as_deref(), Some("Running"));
    let kube::Error::Api(refused) = pods.evict("a", &EvictParams::default()).await.unwrap_err() else {
        panic!("no answer")
    };
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    );
    let causes = refused.details.unwrap().causes;
    assert_eq!(causes[0].message, "The disruption budget b needs 1 healthy pods and has 1 currently");
    budgets.delete("b", &DeleteParams::default()).await.unwrap();
    assert!(pods.evict("a", &EvictParams::default()).await.is_ok());
    assert!(pods.get("a").await.unwrap().metadata.deletion_timestamp.is_some());
}

/// The pods that a quota has no room for are refused to their controller, which says so.
#[tokio::test(start_paused = true)]
async fn a_quota_keeps_pods_out() {
    let cluster = cluster();
    let client = cluster.client();
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    let deployments: Api<Deployment> = Api::default_namespaced(client);
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
        "replicas": 3, "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "nowhere.example/a:1"}]}},
    }});
    let params = PostParams::default();
    quotas.create(&params, &serde_json::from_value(quota).unwrap()).await.unwrap();
    deployments.create(&params, &serde_json::from_value(deployment).unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let status = deployments.get("a").await.unwrap().status.unwrap();
    assert_eq!(status.ready_replicas, Some(2));
    let conditions = status.conditions.unwrap();
    let failure = conditions.iter().find(|condition| condition.type_ == "ReplicaFailure").unwrap();
    let message = failure.message.as_deref().unwrap();
    let why = "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2";
    assert!(message.ends_with(why), "{message}");
    let used = quotas.get("q").await.unwrap().status.unwrap().used.unwrap();
    assert_eq!(used["pods"].0, "2");
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_no_dependents() {
    let cluster = cluster();
    let events: Api<Event> = Api::default_namespaced(cluster.client());
    for params in [DeleteParams::foreground(), DeleteParams::orphan()] {
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "told"},
            "involvedObject": {"namespace": "default"},
        });
        events.create(&PostParams::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
        assert!(events.delete("told", &params).await.unwrap().is_right());
        assert!(events.get_opt("told").await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn some_namespaces_may_not_be_deleted() {
    let cluster = cluster();
    let namespaces: Api<Namespace> = Api::all(cluster.client());
    for name in ["default", "kube-system", "kube-public"] {
        let refused = namespaces.delete(name, &DeleteParams::default()).await.unwrap_err();
        let kube::Error::Api(status) = refused else { panic!("{refused:?}") };
        let message = format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
        assert_eq!((status.code, &status.message), (403, &message));
    }
    namespaces.delete("kube-node-lease", &DeleteParams::default()).await.unwrap();
}

/// It is stored as none.
#[tokio::test]
async fn who_writes_an_empty_list_owns_it() {
    let cluster = cluster();
    let roles: Api<DynamicObject> =
        Api::default_namespaced_with(cluster.client(), &ApiResource::erase::<Role>(&()));
    for (name, rules, is_owned) in [("empty", json!([]), true), ("none", json!(null), false)] {
        let role = json!({"metadata": {"name": name}, "rules": rules});
        let role =
            roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
        assert_eq!(role.data["rules"], json!(null), "{name}");
        let managed = json!(role.metadata.managed_fields);
        assert_eq!(managed.to_string().contains("f:rules"), is_owned, "{name}: {managed}");
    }
}
