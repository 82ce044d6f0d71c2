use serde_json::{Value, json};

use super::good;
use crate::manifest::*;

fn build(text: &str, namespace: &str) -> crate::error::Result<Bundle> {
    Bundle::builder().objects(good(text)).namespace(namespace).build()
}

fn ids(bundle: &Bundle) -> Vec<String> {
    bundle.objects().iter().map(|object| object.id().to_string()).collect()
}

const KINDS: &str = "{apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: b, namespace: other}}\n---\n\
    {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: c}}\n---\n{apiVersion: x.io/v1, kind: Widget, metadata: {name: d}}\n---\n\
    {apiVersion: x.io/v1, kind: Widget, metadata: {name: e, namespace: ''}}\n";

#[test]
fn namespaces_are_defaulted_where_the_kind_is_known() {
    let bundle = build(KINDS, "shop").unwrap();
    assert_eq!(
        ids(&bundle),
        ["Service shop/a", "Service other/b", "ClusterRole c", "Widget.x.io d", "Widget.x.io e"]
    );
    let unsettled: Vec<&str> = bundle.unsettled().map(Object::name).collect();
    assert_eq!(unsettled, ["d", "e"]);
    let scope = |object: &Object| if object.name() == "d" { Scope::Namespaced } else { Scope::Cluster };
    let settled = bundle.settle(scope).unwrap();
    assert_eq!(ids(&settled)[3..], ["Widget.x.io shop/d", "Widget.x.io e"]);

    let without = Bundle::builder().objects(good(KINDS)).build().unwrap();
    assert_eq!(ids(&without)[0], "Service a");
    assert!(without.clone().settle(|_| Scope::Namespaced).unwrap() == without);
}

#[test]
fn a_namespace_must_be_a_name() {
    for bad in ["", "Shop", "a b", "-a", "a-", "a.b", &"a".repeat(64)] {
        assert!(build("", bad).unwrap_err().to_string().contains("cannot be a namespace"), "{bad}");
    }
    assert!(build("", &"a".repeat(63)).is_ok());
}

#[test]
fn the_same_object_twice_names_both_places() {
    let check = |text: &str, message: &str| assert_eq!(build(text, "shop").unwrap_err().to_string(), message);
    check(
        "{apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}}\n",
        "t.yaml:3:1: Service shop/a stands twice in the bundle (first at t.yaml:1:1)",
    );
    check(
        "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: a}}\n---\n{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}}\n",
        "t.yaml:3:1: HorizontalPodAutoscaler shop/a stands twice in the bundle (first at t.yaml:1:1)",
    );
    let two = "{apiVersion: x.io/v1, kind: W, metadata: {name: a}}\n---\n{apiVersion: x.io/v1, kind: W, metadata: {name: a, namespace: shop}}\n";
    let bundle = build(two, "shop").unwrap();
    let error = bundle.settle(|_| Scope::Namespaced).unwrap_err().to_string();
    assert_eq!(error, "t.yaml:3:1: W.x.io shop/a stands twice in the bundle (first at t.yaml:1:1)");
}

#[test]
fn sizes_are_limited() {
    let check = |kind: &str, field: &str, value: String, message: Option<&str>| {
        let value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, field: {"a": value}});
        let built = Bundle::builder().objects([Object::new(value).unwrap()]).build();
        assert_eq!(built.err().map(|error| error.message().to_owned()).as_deref(), message);
    };
    let text = |bytes: usize| "a".repeat(bytes);
    check("ConfigMap", "data", text(MAX_DATA_BYTES), None);
    check(
        "ConfigMap",
        "data",
        text(1_100_000),
        Some("ConfigMap x holds 1100000 bytes, over the limit of 1048576"),
    );
    // Base64 of exactly the limit.
    check("Secret", "data", text(MAX_DATA_BYTES / 3 * 4), None);
    check(
        "Secret",
        "stringData",
        text(1_100_000),
        Some("Secret x holds 1100000 bytes, over the limit of 1048576"),
    );
    check("Widget", "spec", text(1_500_000), None);
    check("Widget", "spec", text(1_600_000), Some("Widget x is 1600075 bytes, over the limit of 1572864"));
}

#[test]
fn the_digest_sees_content_only() {
    let digest = |text: &str| build(text, "shop").unwrap().digest().to_string();
    let (a, b) = (
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {x: 1, y: 2}}\n",
        "{kind: Service, metadata: {name: b}, apiVersion: v1}\n",
    );
    let first = digest(&format!("{a}---\n{b}"));
    assert!(first.starts_with("sha256:") && first.len() == 71);
    assert_eq!(first, digest(&format!("# c\n---\n{b}---\n{}", a.replace("x: 1, y: 2", "y: 2, x: 0x1"))));
    assert_ne!(first, digest(&format!("{a}---\n{}", b.replace("name: b", "name: c"))));
    assert_ne!(first, digest(a));
    assert_ne!(
        digest("{apiVersion: v1, kind: K, metadata: {name: a}, s: '1'}"),
        digest("{apiVersion: v1, kind: K, metadata: {name: a}, s: 1}")
    );
}

#[test]
fn secrets_are_masked() {
    let check = |value: Value, expect: Value| assert_eq!(redact(&value), expect);
    check(
        json!({"kind": "Secret", "apiVersion": "v1", "data": {"a": "x", "b": null}, "stringData": {"c": "x"}, "type": "Opaque"}),
        json!({"kind": "Secret", "apiVersion": "v1", "data": {"a": "***", "b": "***"}, "stringData": {"c": "***"}, "type": "Opaque"}),
    );
    check(json!({"kind": "Secret", "data": "x"}), json!({"kind": "Secret", "data": "***"}));
    check(json!({"kind": "ConfigMap", "data": {"a": "x"}}), json!({"kind": "ConfigMap", "data": {"a": "x"}}));
    check(
        json!({"kind": "List", "items": [{"kind": "Secret", "apiVersion": "v1", "data": {"a": "x"}}]}),
        json!({"kind": "List", "items": [{"kind": "Secret", "apiVersion": "v1", "data": {"a": "***"}}]}),
    );
    let annotated = |text: &str| json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text, "a": "b"}}});
    check(annotated("{\"data\":{\"a\":\"x\"}}"), annotated("***"));
    check(
        json!({"kind": "SecretList", "apiVersion": "v1", "items": [{"data": {"a": "x"}}]}),
        json!({"kind": "SecretList", "apiVersion": "v1", "items": [{"data": {"a": "***"}}]}),
    );
}

#[test]
fn a_stamp_is_on_the_object_only() {
    let object = good(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {metadata: {}}}}",
    )
    .remove(0);
    let stamped = stamp(object.clone(), "d1", Some("abc"));
    assert_eq!(stamped.annotation(DEPLOYMENT_ID), Some("d1"));
    assert_eq!(stamped.annotation(GIT_REVISION), Some("abc"));
    assert_eq!(stamped.get("/spec"), object.get("/spec"));
    assert_eq!(stamp(object, "d1", None).annotation(GIT_REVISION), None);
}
