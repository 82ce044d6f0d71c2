//! Budgets and autoscalers, in the words of a real cluster without metrics.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::world::{World, deployment, is_done, reason};
use crate::controllers::object::{condition, int, text};

fn budget(spec: &Value) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api", "namespace": "default"},
        "spec": spec,
    })
}

fn found(world: &World, resource: &str) -> Arc<Value> {
    world.find(resource, "api").unwrap()
}

#[test]
fn a_budget_allows_what_is_more_than_needed() {
    let check = |bound: Value, expect: [i64; 4]| {
        let mut world = World::new();
        world.create(deployment("shop/api:1", 4));
        let mut spec = bound.clone();
        spec["selector"] = json!({"matchLabels": {"app": "api"}});
        world.create(budget(&spec));
        let told = &found(&world, "poddisruptionbudgets.policy")["status"];
        assert_eq!(told["disruptionsAllowed"], 0, "as long as none is ready");
        world.until("the rollout", is_done);
        let budget = found(&world, "poddisruptionbudgets.policy");
        let counts = ["expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"];
        assert_eq!(counts.map(|field| budget["status"][field].as_i64().unwrap()), expect, "{bound}");
        let told = if expect[3] > 0 { "True SufficientPods" } else { "False InsufficientPods" };
        assert_eq!(reason(&budget, "DisruptionAllowed"), told);
    };
    check(json!({"maxUnavailable": 1}), [4, 3, 4, 1]);
    check(json!({"maxUnavailable": "30%"}), [4, 2, 4, 2]);
    check(json!({"minAvailable": 1}), [4, 1, 4, 3]);
    check(json!({"minAvailable": "60%"}), [4, 3, 4, 1]);
    check(json!({"minAvailable": 9}), [4, 9, 4, 0]);
}

#[test]
fn a_budget_of_no_pods_says_so() {
    let mut world = World::new();
    world.create(budget(&json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "nope"}}})));
    assert_eq!(world.events("PodDisruptionBudget"), ["NoPods No matching pods found ×1"]);
}

#[test]
fn a_budget_cannot_count_pods_of_what_has_no_scale() {
    let mut world = World::new();
    let mut job = super::jobs::job("shop/api:hangs", |_| {});
    job["spec"]["template"]["metadata"] = json!({"labels": {"app": "api"}});
    world.create(job);
    world.create(budget(&json!({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "api"}}})));
    let budget = found(&world, "poddisruptionbudgets.policy");
    assert_eq!(reason(&budget, "DisruptionAllowed"), "False SyncFailed");
    let why = "jobs.batch does not implement the scale subresource";
    assert_eq!(condition(&budget, "DisruptionAllowed").unwrap()["message"], why);
}

fn autoscaler(change: impl FnOnce(&mut Value)) -> Value {
    let mut autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "default"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}},
    });
    change(&mut autoscaler["spec"]);
    autoscaler
}

const UNKNOWN: &str = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";

#[test]
fn an_autoscaler_without_metrics_says_that_it_knows_nothing() {
    let mut world = World::new();
    world.create(deployment("shop/api:1", 2));
    world.create(autoscaler(|_| {}));
    assert!(found(&world, "horizontalpodautoscalers.autoscaling")["status"].get("conditions").is_none());
    world.pass(SignedDuration::from_secs(16));
    let autoscaler = found(&world, "horizontalpodautoscalers.autoscaling");
    assert_eq!(reason(&autoscaler, "AbleToScale"), "True SucceededGetScale");
    assert_eq!(reason(&autoscaler, "ScalingActive"), "False FailedGetResourceMetric");
    let message = format!("the HPA was unable to compute the replica count: {UNKNOWN}");
    assert_eq!(condition(&autoscaler, "ScalingActive").unwrap()["message"], message);
    assert_eq!(
        (int(&autoscaler, "/status/currentReplicas"), int(&autoscaler, "/status/desiredReplicas")),
        (Some(2), Some(0))
    );
    let first =
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value";
    assert_eq!(
        world.events("HorizontalPodAutoscaler"),
        [
            format!("FailedGetResourceMetric {UNKNOWN} ×1"),
            format!("FailedComputeMetricsReplicas {first}: {UNKNOWN} ×1"),
        ]
    );
    assert_eq!(world.deployment()["spec"]["replicas"], 2);
}

#[test]
fn an_autoscaler_keeps_its_bounds_even_so() {
    let check = |replicas: i64, least: i64, expect: i64, why: &str| {
        let mut world = World::new();
        world.create(deployment("shop/api:1", replicas));
        world.create(autoscaler(|spec| spec["minReplicas"] = least.into()));
        world.pass(SignedDuration::from_secs(16));
        assert_eq!(world.deployment()["spec"]["replicas"], expect);
        let told =
            format!("SuccessfulRescale New size: {expect}; reason: Current number of replicas {why} ×1");
        assert_eq!(world.events("HorizontalPodAutoscaler"), [told]);
        assert_eq!(
            reason(&found(&world, "horizontalpodautoscalers.autoscaling"), "AbleToScale"),
            "True SucceededRescale"
        );
        let deployment = world.deployment();
        let managers = deployment["metadata"]["managedFields"].as_array().unwrap().iter();
        let scaled = managers.filter(|entry| text(entry, "/subresource") == "scale");
        assert_eq!(
            scaled.map(|entry| text(entry, "/manager")).collect::<Vec<_>>(),
            ["kube-controller-manager"]
        );
        world.pass(SignedDuration::from_secs(16));
        let autoscaler = found(&world, "horizontalpodautoscalers.autoscaling");
        assert_eq!(reason(&autoscaler, "ScalingActive"), "False FailedGetResourceMetric");
        assert_eq!(int(&autoscaler, "/status/desiredReplicas"), Some(expect));
    };
    check(5, 1, 3, "above Spec.MaxReplicas");
    check(1, 2, 2, "below Spec.MinReplicas");
}

#[test]
fn an_autoscaler_whose_target_is_not_there() {
    let check = |target: Value, why: &str| {
        let mut world = World::new();
        world.create(autoscaler(|spec| spec["scaleTargetRef"] = target));
        world.pass(SignedDuration::from_secs(16));
        let autoscaler = found(&world, "horizontalpodautoscalers.autoscaling");
        assert_eq!(reason(&autoscaler, "AbleToScale"), "False FailedGetScale");
        let message = format!("the HPA controller was unable to get the target's current scale: {why}");
        assert_eq!(condition(&autoscaler, "AbleToScale").unwrap()["message"], message);
        assert_eq!(world.events("HorizontalPodAutoscaler"), [format!("FailedGetScale {why} ×1")]);
    };
    let target =
        |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind, "name": "nope"});
    check(target("apps/v1", "Deployment"), "deployments.apps \"nope\" not found");
    check(target("x.io/v1", "Nope"), "no matches for kind \"Nope\" in group \"x.io\"");
}

#[test]
fn what_is_scaled_to_zero_is_left_there() {
    let mut world = World::new();
    world.create(deployment("shop/api:1", 0));
    world.create(autoscaler(|_| {}));
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(
        reason(&found(&world, "horizontalpodautoscalers.autoscaling"), "ScalingActive"),
        "False ScalingDisabled"
    );
    assert_eq!(world.deployment()["spec"]["replicas"], 0);
}

/// Its replicas are where its definition says; what has no place for them is told, and breaks nothing.
#[test]
fn an_autoscaler_of_a_custom_resource() {
    let check = |spec: Value, expect: &str, able: &str| {
        let mut world = World::new();
        world.create(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.x.io"},
            "spec": {
                "group": "x.io", "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                    "subresources": {
                        "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                    },
                }],
            },
        }));
        world.create(json!({
            "apiVersion": "x.io/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "default"},
            "spec": spec,
        }));
        world.create(autoscaler(|spec| {
            spec["scaleTargetRef"] = json!({"apiVersion": "x.io/v1", "kind": "Widget", "name": "w"});
            spec["minReplicas"] = 2.into();
        }));
        world.pass(SignedDuration::from_secs(16));
        assert_eq!(world.find("widgets.x.io", "w").unwrap()["spec"].to_string(), expect);
        let autoscaler = found(&world, "horizontalpodautoscalers.autoscaling");
        assert_eq!(reason(&autoscaler, "AbleToScale"), able);
    };
    check(json!({"size": 1}), r#"{"size":2}"#, "True SucceededRescale");
    check(json!({"size": 9}), r#"{"size":3}"#, "True SucceededRescale");
    check(json!("nothing"), r#""nothing""#, "True SucceededGetScale");
}
