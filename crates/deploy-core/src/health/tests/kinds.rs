//! Kinds without pods, and custom resources.

use serde_json::{Value, json};

use super::{Story, event, object, pod, running, with};

fn check(api_version: &str, kind: &str, rest: Value, expect: &str) {
    let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "shop", "uid": "x", "generation": 2}});
    for (key, field) in rest.as_object().unwrap() {
        value[key] = field.clone();
    }
    let mut story = Story::of(value);
    story.is(expect);
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": status, "reason": "Because", "message": "words"}]})
}

#[test]
fn kinds_without_a_status_are_healthy_at_once() {
    for (api_version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("networking.k8s.io/v1", "Ingress"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("batch/v1", "CronJob"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
    ] {
        check(api_version, kind, json!({}), "healthy");
    }
}

#[test]
fn services_wait_only_for_a_load_balancer() {
    check("v1", "Service", json!({"spec": {"type": "ClusterIP"}}), "healthy");
    check("v1", "Service", json!({"spec": {"type": "LoadBalancer"}}), "progressing");
    check(
        "v1",
        "Service",
        json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": []}}}),
        "progressing",
    );
    check(
        "v1",
        "Service",
        json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
        "healthy",
    );
}

#[test]
fn claims() {
    let claim = |phase: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
               "metadata": {"name": "data", "namespace": "shop", "uid": "data"}, "status": {"phase": phase}})
    };
    Story::of(claim("Bound")).is("healthy");
    Story::of(claim("Lost")).is("VolumeLost");
    Story::of(claim("Pending"))
        .is("progressing")
        .see(event("PersistentVolumeClaim", "data", "ProvisioningFailed", "no storage", 1))
        .is("progressing")
        .because("PersistentVolumeClaim shop/data waits for PersistentVolumeClaim \"data\", which is not bound: no storage");
    let user = with(
        pod("user", "set", running()),
        &[("/spec/volumes", json!([{"persistentVolumeClaim": {"claimName": "data"}}]))],
    );
    Story::of(claim("Pending"))
        .see(event("PersistentVolumeClaim", "data", "WaitForFirstConsumer", "waiting for first consumer", 1))
        .stays("healthy")
        .progress("is bound when the first pod uses it")
        .see(user)
        .is("progressing");
}

#[test]
fn namespaces_definitions_and_the_rest() {
    check("v1", "Namespace", json!({"status": {"phase": "Active"}}), "healthy");
    check("v1", "Namespace", json!({"status": {"phase": "Terminating"}}), "Terminating");
    check("v1", "Namespace", json!({}), "progressing");
    let crd = |status| {
        check(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": status}),
            "progressing",
        );
    };
    crd(json!({}));
    crd(condition("NamesAccepted", "True"));
    crd(condition("Established", "False"));
    let definition = |status, expect| {
        check("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({"status": status}), expect);
    };
    definition(condition("Established", "True"), "healthy");
    definition(condition("NamesAccepted", "False"), "NamesNotAccepted");
    let api =
        |status, expect| check("apiregistration.k8s.io/v1", "APIService", json!({"status": status}), expect);
    api(json!({}), "progressing");
    api(condition("Available", "False"), "progressing");
    api(condition("Available", "True"), "healthy");
    let scaler = |status, expect| {
        check("autoscaling/v2", "HorizontalPodAutoscaler", json!({"status": status}), expect);
    };
    scaler(json!({}), "healthy");
    scaler(condition("AbleToScale", "False"), "progressing");
    scaler(condition("ScalingActive", "False"), "healthy");
    check("policy/v1", "PodDisruptionBudget", json!({"status": {"observedGeneration": 1}}), "progressing");
    check("policy/v1", "PodDisruptionBudget", json!({"status": {"observedGeneration": 2}}), "healthy");
}

#[test]
fn custom_resources_by_their_conditions() {
    let custom = |status: Value, expect| check("shop.example/v1", "Thing", json!({"status": status}), expect);
    custom(json!({}), "healthy");
    custom(json!({"phase": "Whatever"}), "healthy");
    custom(json!({"observedGeneration": 1}), "progressing");
    custom(json!({"observedGeneration": 2}), "healthy");
    custom(condition("Ready", "True"), "healthy");
    custom(condition("Ready", "False"), "progressing");
    custom(condition("Ready", "Unknown"), "progressing");
    custom(condition("Reconciling", "True"), "progressing");
    custom(condition("Reconciling", "False"), "healthy");
    custom(condition("Stalled", "True"), "Stalled");
    custom(condition("Stalled", "False"), "healthy");
    let stale = with(condition("Ready", "True"), &[("/conditions/0/observedGeneration", json!(1))]);
    custom(stale, "progressing");
    let stale = with(condition("Stalled", "True"), &[("/conditions/0/observedGeneration", json!(1))]);
    custom(stale, "healthy");
    let behind = with(condition("Stalled", "True"), &[("/observedGeneration", json!(1))]);
    custom(behind, "progressing");
    check(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        json!({"status": condition("Ready", "False")}),
        "progressing",
    );
}

#[test]
fn what_is_being_deleted_fails() {
    check(
        "v1",
        "ConfigMap",
        json!({"metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["shop.example/guard"]}}),
        "Terminating",
    );
}

#[test]
fn what_was_not_seen_is_unknown_or_expected() {
    let mut story = Story::of(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "generation": 1}}),
    );
    story.is("healthy");
    story.id = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y"}})).id();
    story.is("unknown");
    story.world.expect(story.id.clone(), 2);
    story.is("progressing");
    story
        .see(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y", "generation": 1}}))
        .is("progressing");
    story
        .see(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y", "generation": 2}}))
        .is("healthy");
}
