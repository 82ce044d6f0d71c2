//! Users, and what Roles let them do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::{SimCluster, User};
use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

async fn send(client: &Client, line: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_string().into_bytes())).unwrap();
    let answer = client.send(request).await.unwrap();
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap_or_default())
}

async fn ask(client: &Client, line: &str) -> (u16, String) {
    let (code, body) = send(client, line, &[], &json!({})).await;
    (code, body["message"].as_str().unwrap_or_default().to_owned())
}

async fn create(client: &Client, path: &str, object: Value) {
    let (code, body) = send(client, &format!("POST {path}"), &[], &object).await;
    assert_eq!(code, 201, "{body}");
}

fn role(kind: &str, name: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "rules": [{"apiGroups": ["", "apps", "rbac.authorization.k8s.io"], "resources": [resource], "verbs": verbs}],
    })
}

fn bind(name: &str, role: &str, subject: &Value) -> Value {
    let (kind, name_of_role) = role.split_once('/').unwrap();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name_of_role},
        "subjects": [subject],
    })
}

fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

#[tokio::test]
async fn a_user_may_do_what_a_role_bound_to_them_allows() {
    let cluster = SimCluster::builder().start();
    let (admin, ann) = (cluster.client(), cluster.client_as(User::new("ann")));
    let roles = format!("{RBAC}/namespaces/default");
    assert_eq!(ask(&ann, "GET /api/v1/namespaces/default/pods").await.0, 403);
    create(&admin, &format!("{roles}/roles"), role("Role", "reader", "pods", &["get", "list"])).await;
    create(&admin, &format!("{roles}/rolebindings"), bind("ann", "Role/reader", &user("ann"))).await;
    assert_eq!(ask(&ann, "GET /api/v1/namespaces/default/pods").await.0, 200);
    assert_eq!(ask(&ann, "GET /version").await.0, 200);
    let refused = [
        (
            "GET /api/v1/pods",
            "pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
        ),
        (
            "GET /api/v1/namespaces/default/pods/x/log",
            "pods \"x\" is forbidden: User \"ann\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"default\"",
        ),
        (
            "DELETE /api/v1/namespaces/default/pods",
            "pods is forbidden: User \"ann\" cannot deletecollection resource \"pods\" in API group \"\" in the namespace \"default\"",
        ),
        ("GET /metrics", "forbidden: User \"ann\" cannot get path \"/metrics\""),
    ];
    for (line, message) in refused {
        assert_eq!(ask(&ann, line).await, (403, message.to_owned()));
    }
    let (code, message) = ask(&ann, "GET /api/v1/namespaces/default/pods/x/portforward?ports=1").await;
    assert!(code == 403 && message.contains("\"pods/portforward\""), "{code} {message}");
}

#[tokio::test]
async fn who_impersonates_needs_the_right_to() {
    let cluster = SimCluster::builder().start();
    let me = [("impersonate-user", "eve"), ("impersonate-group", "dev")];
    let review = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (code, answer) = send(&cluster.client(), review, &me, &json!({})).await;
    assert_eq!((code, &answer["status"]["userInfo"]["username"]), (201, &json!("eve")));
    assert_eq!(answer["status"]["userInfo"]["groups"], json!(["dev", "system:authenticated"]));
    let ann = cluster.client_as(User::new("ann"));
    let (code, answer) = send(&ann, review, &me, &json!({})).await;
    let message = answer["message"].as_str().unwrap();
    assert!(
        code == 403 && message.contains("User \"ann\" cannot impersonate-on:user-info:create"),
        "{message}"
    );
    let everywhere = json!({
        "metadata": {"name": "impersonators"},
        "rules": [{"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}],
    });
    create(&cluster.client(), &format!("{RBAC}/clusterroles"), everywhere).await;
    let binding = json!({
        "metadata": {"name": "impersonators"}, "subjects": [user("ann")],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "impersonators"},
    });
    create(&cluster.client(), &format!("{RBAC}/clusterrolebindings"), binding).await;
    let (code, answer) = send(&ann, review, &me, &json!({})).await;
    assert_eq!((code, &answer["status"]["userInfo"]["username"]), (201, &json!("eve")));
}

#[tokio::test]
async fn nobody_grants_what_they_may_not_do() {
    let cluster = SimCluster::builder().start();
    let (admin, eve) = (cluster.client(), cluster.client_as(User::new("eve")));
    let roles = format!("{RBAC}/namespaces/default/roles");
    create(&admin, &roles, role("Role", "granter", "roles", &["create"])).await;
    create(
        &admin,
        &format!("{RBAC}/namespaces/default/rolebindings"),
        bind("eve", "Role/granter", &user("eve")),
    )
    .await;
    let (code, answer) =
        send(&eve, &format!("POST {roles}"), &[], &role("Role", "more", "pods", &["get"])).await;
    let message = answer["message"].as_str().unwrap();
    let expected = "{APIGroups:[\"apps\"], Resources:[\"pods\"], Verbs:[\"get\"]}";
    assert!(code == 403 && message.contains(expected), "{message}");
    create(&eve, &roles, role("Role", "same", "roles", &["create"])).await;
}

#[tokio::test]
async fn a_token_is_its_service_account() {
    let cluster = SimCluster::builder().start();
    let client = cluster.client();
    let path = "/api/v1/namespaces/default/serviceaccounts";
    create(&client, path, json!({"metadata": {"name": "robot"}})).await;
    let (_, issued) = send(&client, &format!("POST {path}/robot/token"), &[], &json!({"spec": {}})).await;
    let token = format!("Bearer {}", issued["status"]["token"].as_str().unwrap());
    let review = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews";
    let (_, answer) = send(&client, review, &[("authorization", &token)], &json!({})).await;
    assert_eq!(answer["status"]["userInfo"]["username"], "system:serviceaccount:default:robot");
    let view = json!({"kind": "ServiceAccount", "namespace": "default", "name": "robot"});
    let pods = "GET /api/v1/namespaces/default/pods";
    assert_eq!(send(&client, pods, &[("authorization", &token)], &json!({})).await.0, 403);
    create(
        &client,
        &format!("{RBAC}/namespaces/default/rolebindings"),
        bind("robot", "ClusterRole/view", &view),
    )
    .await;
    assert_eq!(send(&client, pods, &[("authorization", &token)], &json!({})).await.0, 200);
}

/// No token outlives its account, or what it is bound to; none is for others than it says.
#[tokio::test]
async fn tokens_end_with_what_they_are_of() {
    let cluster = SimCluster::builder().start();
    let client = cluster.client();
    let (accounts, secrets) =
        ("/api/v1/namespaces/default/serviceaccounts", "/api/v1/namespaces/default/secrets");
    create(&client, accounts, json!({"metadata": {"name": "robot"}})).await;
    create(&client, secrets, json!({"metadata": {"name": "bound"}})).await;
    let issue = async |spec: Value| {
        let line = format!("POST {accounts}/robot/token");
        let (code, issued) = send(&client, &line, &[], &json!({"spec": spec})).await;
        assert_eq!(code, 201, "{issued}");
        issued["status"]["token"].as_str().unwrap().to_owned()
    };
    let shown = async |token: &str| {
        let token = format!("Bearer {token}");
        send(&client, "GET /version", &[("authorization", &token)], &json!({})).await.0
    };
    let reviewed = async |token: &str, audience: &str| {
        let review = json!({"spec": {"token": token, "audiences": [audience]}});
        let line = "POST /apis/authentication.k8s.io/v1/tokenreviews";
        send(&client, line, &[], &review).await.1["status"]["authenticated"] == true
    };
    let to =
        |kind: &str, name: &str| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name}});
    let (plain, bound) = (issue(json!({})).await, issue(to("Secret", "bound")).await);
    let elsewhere = issue(json!({"audiences": ["vault"]})).await;
    assert_eq!((shown(&plain).await, shown(&bound).await, shown(&elsewhere).await), (200, 200, 401));
    assert!(reviewed(&elsewhere, "vault").await && !reviewed(&plain, "vault").await);
    for (reference, expect) in [(to("Secret", "none"), 404), (to("ConfigMap", "x"), 400)] {
        let line = format!("POST {accounts}/robot/token");
        assert_eq!(send(&client, &line, &[], &json!({"spec": reference})).await.0, expect);
    }
    ask(&client, &format!("DELETE {secrets}/bound")).await;
    assert_eq!((shown(&plain).await, shown(&bound).await), (200, 401));
    ask(&client, &format!("DELETE {accounts}/robot")).await;
    assert_eq!(shown(&plain).await, 401);
    // Another one of the same name.
    create(&client, accounts, json!({"metadata": {"name": "robot"}})).await;
    assert_eq!(shown(&plain).await, 401);
}

/// Who may patch roles gives none to others by a label, takes no aggregation away, and creates none by a rule for certain names.
#[tokio::test]
async fn roles_grow_by_no_detour() {
    let cluster = SimCluster::builder().start();
    let (admin, pat) = (cluster.client(), cluster.client_as(User::new("pat")));
    let path = format!("{RBAC}/clusterroles");
    let allowed = |verbs: &[&str], names: &[&str]| json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": verbs, "resourceNames": names});
    let rules = json!([allowed(&["create", "update"], &[]), allowed(&["escalate"], &["new"])]);
    create(&admin, &path, json!({"metadata": {"name": "patcher"}, "rules": rules})).await;
    let binding = json!({
        "metadata": {"name": "patcher"}, "subjects": [user("pat")],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "patcher"},
    });
    create(&admin, &format!("{RBAC}/clusterrolebindings"), binding).await;
    let aggregation = json!({"clusterRoleSelectors": [{"matchLabels": {"no": "body"}}]});
    let aggregating =
        json!({"metadata": {"name": "aggregating"}, "aggregationRule": aggregation, "rules": []});
    create(&admin, &path, aggregating).await;
    let put = async |name: &str, change: &dyn Fn(&mut Value)| {
        let (_, mut found) = send(&admin, &format!("GET {path}/{name}"), &[], &json!({})).await;
        change(&mut found);
        let (code, answer) = send(&pat, &format!("PUT {path}/{name}"), &[], &found).await;
        (code, answer["message"].as_str().unwrap_or_default().to_owned())
    };
    let label = |role: &mut Value| {
        role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] = "true".into();
    };
    assert_eq!(put("cluster-admin", &label).await.0, 403);
    let (code, message) = put("aggregating", &|role| role["aggregationRule"] = Value::Null).await;
    assert!(
        code == 403 && message.ends_with("must have cluster-admin privileges to use the aggregationRule"),
        "{message}"
    );
    assert_eq!(put("aggregating", &|role| role["metadata"]["finalizers"] = json!(["a.b/c"])).await.0, 200);
    let new = role("ClusterRole", "new", "pods", &["get"]);
    assert_eq!(send(&pat, &format!("POST {path}"), &[], &new).await.0, 403);
    assert_eq!(send(&pat, &format!("PUT {path}/new"), &[], &new).await.0, 201);
}

/// A field selector that is not read whole gets nobody past a rule for certain names.
#[tokio::test]
async fn selectors_have_an_end() {
    let cluster = SimCluster::builder().start();
    let (admin, ann) = (cluster.client(), cluster.client_as(User::new("ann")));
    let base = format!("{RBAC}/namespaces/default");
    let named =
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"], "resourceNames": ["own"]}]);
    create(&admin, &format!("{base}/roles"), json!({"metadata": {"name": "own"}, "rules": named})).await;
    create(&admin, &format!("{base}/rolebindings"), bind("ann", "Role/own", &user("ann"))).await;
    let list = |count: usize| {
        let others = "metadata.namespace!%3Dx,".repeat(count);
        format!("GET /api/v1/namespaces/default/secrets?fieldSelector={others}metadata.name%3Down")
    };
    assert_eq!(ask(&ann, &list(10)).await.0, 200);
    assert_eq!(ask(&ann, &list(1_000)).await.0, 403);
    assert_eq!(ask(&admin, &list(1_000)).await.0, 400);
}

/// What is labelled for it is taken over into a role that aggregates.
#[tokio::test]
async fn roles_are_aggregated() {
    let cluster = SimCluster::builder().start();
    let client = cluster.client();
    let mut more = role("ClusterRole", "widgets", "widgets", &["get"]);
    more["metadata"]["labels"] = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
    create(&client, &format!("{RBAC}/clusterroles"), more).await;
    tokio::task::yield_now().await;
    for name in ["view", "edit", "admin"] {
        let (_, found) = send(&client, &format!("GET {RBAC}/clusterroles/{name}"), &[], &json!({})).await;
        let has =
            found["rules"].as_array().unwrap().iter().any(|rule| rule["resources"] == json!(["widgets"]));
        assert!(has, "{name}");
    }
}

#[tokio::test]
async fn events_are_of_two_groups() {
    let cluster = SimCluster::builder().start();
    let client = cluster.client();
    let path = "/apis/events.k8s.io/v1/namespaces/default/events";
    let event = json!({
        "metadata": {"name": "e"}, "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "a.b/c",
        "reportingInstance": "i", "action": "a", "reason": "r", "note": "hello", "type": "Normal",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
    });
    create(&client, path, event).await;
    let (_, core) = send(&client, "GET /api/v1/namespaces/default/events/e", &[], &json!({})).await;
    assert_eq!((&core["message"], &core["involvedObject"]["name"]), (&json!("hello"), &json!("p")));
    let series = json!({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}});
    let request = Request::patch(format!("{path}/e")).header("content-type", "application/merge-patch+json");
    let request = request.body(Body::from(series.to_string().into_bytes())).unwrap();
    assert_eq!(client.send(request).await.unwrap().status(), 200);
    let (_, list) =
        send(&client, &format!("GET {path}?fieldSelector=regarding.name%3Dp"), &[], &json!({})).await;
    assert_eq!(list["kind"], "EventList");
    assert_eq!(list["items"][0]["series"]["count"], 2);
    assert_eq!(list["items"][0]["note"], "hello");
}
