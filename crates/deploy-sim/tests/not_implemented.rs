//! What the embedded cluster does not do is answered 501 by its name, and is in the list of the documentation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::SimCluster;
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

const LISTED: &str = include_str!("../src/not_implemented.md");
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Asks, and the feature that the refusal names.
async fn refused(cluster: &SimCluster, line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.as_bytes().to_vec())).unwrap();
    let answer = cluster.client().send(request).await.unwrap();
    assert_eq!(answer.status(), 501, "{line} {headers:?}");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let status: Value = serde_json::from_slice(&body).unwrap();
    let message = status["message"].as_str().unwrap();
    message.strip_prefix("the embedded cluster does not implement ").unwrap().to_owned()
}

/// Where the kinds are of which there are no objects.
const EMPTY: [(&str, &str); 5] = [
    ("api/v1/namespaces/default/replicationcontrollers", "ReplicationController"),
    ("apis/storage.k8s.io/v1/csidrivers", "CSIDriver"),
    ("apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities", "CSIStorageCapacity"),
    ("apis/storage.k8s.io/v1/volumeattachments", "VolumeAttachment"),
    ("apis/storage.k8s.io/v1/volumeattributesclasses", "VolumeAttributesClass"),
];

/// Whether a row of the list has all the words.
fn is_listed(feature: &str) -> bool {
    LISTED.lines().any(|row| feature.split(' ').all(|word| row.contains(word)))
}

#[tokio::test]
async fn each_is_refused_by_name_and_listed() {
    let cluster = SimCluster::builder().start();
    let check = async |line: &str, headers: &[(&str, &str)], body: &str, feature: &str| {
        assert_eq!(refused(&cluster, line, headers, body).await, feature, "{line}");
        assert!(is_listed(feature), "the list misses: {feature}");
    };
    let get = format!("GET {MAPS}");
    let protobuf = "application/vnd.kubernetes.protobuf";
    check(&get, &[("accept", protobuf)], "", &format!("answers in the form {protobuf}")).await;
    let swagger = [("accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")];
    check("GET /openapi/v2", &swagger, "", "OpenAPI documents in protobuf").await;
    let post = format!("POST {MAPS}");
    check(&post, &[("content-type", protobuf)], "k8s\0", &format!("bodies of the type {protobuf}")).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}).to_string();
    let apply = [("content-type", "application/apply-patch+yaml")];
    let twice = map.replacen('{', "{\"data\": {}, \"data\": {},", 1);
    let what = "telling of duplicate keys in a document in YAML";
    check(&format!("PATCH {MAPS}/a?fieldManager=t"), &apply, &twice, what).await;
    check(&format!("PATCH {MAPS}/a?fieldManager=t"), &apply, "kind: ConfigMap\nkind: ConfigMap", what).await;
    let yaml = [("content-type", "application/yaml")];
    check(&format!("POST {MAPS}"), &yaml, "kind: ConfigMap\nkind: ConfigMap", what).await;
    let created =
        Request::post(MAPS).header("content-type", "application/json").body(Body::from(map.into_bytes()));
    assert_eq!(cluster.client().send(created.unwrap()).await.unwrap().status(), 201);
    check(&format!("{get}?resourceVersion=2&limit=1"), &[], "", "lists of a past moment").await;
    check(&format!("{get}?resourceVersion=2&resourceVersionMatch=Exact"), &[], "", "lists of a past moment")
        .await;
    check("GET /api/v1/watch/pods", &[], "", "watches by path").await;
    let delete = format!("DELETE {MAPS}/a?ignoreStoreReadErrorWithClusterBreakingPotential=true");
    check(&delete, &[], "", "deletions that ignore errors of the store").await;
    let scoped = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a"},
        "spec": {"hard": {"pods": "1"}, "scopes": ["Terminating"]},
    });
    let json = [("content-type", "application/json")];
    let post = "POST /api/v1/namespaces/default/resourcequotas";
    check(post, &json, &scoped.to_string(), "quotas with scopes").await;
}

/// Rows that name many things: each of them is asked for.
#[tokio::test]
async fn what_is_not_served_is_refused_by_name() {
    let cluster = SimCluster::builder().start();
    let row = |start: &str| {
        let row =
            LISTED.lines().find_map(|row| row.strip_prefix("| ")?.strip_prefix(start)?.strip_prefix(' '));
        let items = row.unwrap().split(" | ").next().unwrap().split(", ").map(str::to_owned);
        items.collect::<Vec<_>>()
    };
    for subresource in row("the subresource") {
        let (plural, name) = subresource.split_once('/').unwrap();
        let path = if plural == "nodes" { "/api/v1" } else { "/api/v1/namespaces/default" };
        let line = format!("POST {path}/{plural}/a/{name}");
        assert_eq!(refused(&cluster, &line, &[], "{}").await, format!("the subresource {subresource}"));
    }
    let mut kinds = row("objects of the kind");
    for (path, kind) in EMPTY {
        let line = format!("POST /{path}");
        assert_eq!(refused(&cluster, &line, &[], "{}").await, format!("objects of the kind {kind}"));
        kinds.retain(|listed| listed != kind);
        let request = Request::get(format!("/{path}")).body(Body::empty()).unwrap();
        assert_eq!(cluster.client().send(request).await.unwrap().status(), 200, "{path}");
    }
    assert!(kinds.is_empty(), "{kinds:?}");
    for group in row("the group") {
        for path in
            [format!("/apis/{group}"), format!("/apis/{group}/v1"), format!("/apis/{group}/v1/things")]
        {
            assert_eq!(
                refused(&cluster, &format!("GET {path}"), &[], "").await,
                format!("the group {group}")
            );
        }
    }
    let resources = row("the resource");
    for resource in &resources {
        let (plural, version) = resource.split_once(" of ").unwrap_or((resource, ""));
        let groups = ["", "networking.k8s.io", "scheduling.k8s.io", "storage.k8s.io"];
        let paths: Vec<String> = if version.is_empty() {
            groups
                .iter()
                .map(|group| if group.is_empty() { "/api/v1".into() } else { format!("/apis/{group}/v1") })
                .collect()
        } else {
            vec![format!("/apis/{version}")]
        };
        let mut found = 0;
        for path in paths {
            let request = Request::get(format!("{path}/{plural}")).body(Body::empty()).unwrap();
            found += i32::from(cluster.client().send(request).await.unwrap().status() == 501);
        }
        assert_eq!(found, 1, "{resource}");
    }
    for path in [
        "/",
        "/metrics",
        "/logs/",
        "/debug/pprof",
        "/flagz",
        "/configz",
        "/statusz",
        "/openid/v1/jwks",
        "/.well-known/openid-configuration",
    ] {
        refused(&cluster, &format!("GET {path}"), &[], "").await;
        assert!(LISTED.contains(path.split('/').nth(1).unwrap()), "{path}");
    }
}
