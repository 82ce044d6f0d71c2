//! The forms in which objects are given and taken: tables, metadata alone, YAML.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::{SimCluster, User};
use http::{Request, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

/// The code, the type of the answer, and the answer.
async fn ask(cluster: &SimCluster, line: &str, accept: &str, content: (&str, &str)) -> (u16, String, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let (content_type, body) = content;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body.as_bytes().to_vec()))
        .unwrap();
    let answer = cluster.client().send(request).await.unwrap();
    let of = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, of, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(cluster: &SimCluster, path: &str, accept: &str) -> Value {
    let (code, _, body) = ask(cluster, &format!("GET {path}"), accept, ("", "")).await;
    assert_eq!(code, 200, "{path} {accept}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// A cluster with a map that was made of YAML.
async fn cluster() -> SimCluster {
    let cluster = SimCluster::builder().start();
    let map = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: a\ndata:\n  k: \"1\"\n";
    let (code, of, body) =
        ask(&cluster, &format!("POST {MAPS}"), "application/yaml", ("application/yaml", map)).await;
    assert_eq!((code, of.as_str()), (201, "application/yaml"));
    assert!(body.contains("kind: ConfigMap\n") && body.contains("\n  k: \"1\"\n"), "{body}");
    cluster
}

#[tokio::test(start_paused = true)]
async fn tables() {
    let cluster = cluster().await;
    let table = get(&cluster, &format!("{MAPS}/a"), TABLE).await;
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(table["rows"][0]["cells"], json!(["a", 1, "0s"]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let names: Vec<&Value> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert_eq!(names, ["Name", "Data", "Age"]);
    let list = get(&cluster, &format!("{MAPS}?includeObject=Object"), TABLE).await;
    assert_eq!(list["rows"][0]["object"]["data"]["k"], "1");
    assert_eq!(list["rows"][0]["object"]["kind"], "ConfigMap");
    let bare = get(&cluster, &format!("{MAPS}?includeObject=None"), TABLE).await;
    assert_eq!(bare["rows"][0]["object"], Value::Null);
    let fallback = get(&cluster, &format!("{MAPS}/a"), "text/html, application/json;q=0.5").await;
    assert_eq!(fallback["kind"], "ConfigMap");
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_its_columns_once() {
    let cluster = cluster().await;
    let more = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "b"}}).to_string();
    ask(&cluster, &format!("POST {MAPS}"), "", ("application/json", &more)).await;
    let (_, _, body) = ask(&cluster, &format!("GET {MAPS}?watch=1&timeoutSeconds=1"), TABLE, ("", "")).await;
    let events: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            (&event["object"]["rows"][0]["cells"][0], event["object"]["columnDefinitions"].is_array())
        })
        .collect();
    // The controllers' own comes last.
    assert_eq!(shown, [(&json!("a"), true), (&json!("b"), false), (&json!("kube-root-ca.crt"), false)]);
}

#[tokio::test(start_paused = true)]
async fn metadata_alone() {
    let cluster = cluster().await;
    let one = get(&cluster, &format!("{MAPS}/a"), METADATA).await;
    assert_eq!((&one["metadata"]["name"], one.get("data")), (&json!("a"), None));
    let lists = METADATA.replace("PartialObjectMetadata", "PartialObjectMetadataList");
    let list = get(&cluster, MAPS, &lists).await;
    assert_eq!(list["items"][0]["metadata"]["name"], "a");
    assert_eq!(list["items"][0].get("data"), None);
}

#[tokio::test(start_paused = true)]
async fn what_there_is_not() {
    let cluster = cluster().await;
    let lists = METADATA.replace("PartialObjectMetadata", "PartialObjectMetadataList");
    let map = format!("{MAPS}/a");
    for (path, accept, code, words) in [
        (map.as_str(), "text/html", 406, "Available representations"),
        (&map, "application/json;as=Nothing;v=v1;g=meta.k8s.io", 406, "only the following media types"),
        (&map, &lists, 406, "is not a list (*core.ConfigMap)"),
        (MAPS, METADATA, 406, "is a list (*core.ConfigMapList)"),
        (&format!("{MAPS}?includeObject=x"), TABLE, 400, "must be 'Metadata', 'Object', 'None', or empty"),
    ] {
        let (found, _, body) = ask(&cluster, &format!("GET {path}"), accept, ("", "")).await;
        assert_eq!(found, code, "{accept}: {body}");
        assert!(body.contains(words), "{accept}: {body}");
    }
    let (code, of, body) = ask(&cluster, &format!("GET {MAPS}/missing"), "application/yaml", ("", "")).await;
    assert_eq!((code, of.as_str()), (404, "application/yaml"));
    assert!(body.contains("reason: NotFound"), "{body}");
}

/// Clients keep the documents on disk, and do not ask for them again.
#[tokio::test]
async fn documents_may_be_kept_at_the_address_of_their_hash() {
    let cluster = SimCluster::builder().start();
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = cluster.client().send(request).await.unwrap().into_parts();
        let header = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let said = (parts.status.as_u16(), header("cache-control"), header("location"));
        (said, body.collect().await.unwrap().to_bytes())
    };
    let index: Value = serde_json::from_slice(&get("/openapi/v3").await.1).unwrap();
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let (said, document) = get(address).await;
    assert_eq!(said, (200, Some("public, immutable, max-age=31536000".to_owned()), None));
    assert_eq!(get("/openapi/v3/apis/apps/v1").await, ((200, None, None), document));
    let (said, nothing) = get("/openapi/v3/apis/apps/v1?hash=old").await;
    assert_eq!((said, nothing.len()), ((301, None, Some(address.to_owned())), 0));
}

/// A body that cannot be read is told to nobody who may not send it.
#[tokio::test]
async fn who_asks_is_asked_before_the_body_is_read() {
    let cluster = SimCluster::builder().start();
    let (admin, ann) = (cluster.client(), cluster.client_as(User::new("ann")));
    let send = async |client: &Client, token: &str, content_type: &str, body: Vec<u8>| {
        let request = Request::post(MAPS).header(header::CONTENT_TYPE, content_type);
        let request = if token.is_empty() {
            request
        } else {
            request.header(header::AUTHORIZATION, format!("Bearer {token}"))
        };
        client.send(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
    };
    let large = || (vec![b' '; (3 << 20) + 1], "application/json");
    let malformed = || (b"k8s\0\xff\xff".to_vec(), "application/vnd.kubernetes.protobuf");
    for (client, token, expect) in
        [(&admin, "nobody's", [401, 401]), (&ann, "", [403, 403]), (&admin, "", [413, 400])]
    {
        for ((body, content_type), expect) in [large(), malformed()].into_iter().zip(expect) {
            assert_eq!(send(client, token, content_type, body).await, expect, "{token} {content_type}");
        }
    }
}
