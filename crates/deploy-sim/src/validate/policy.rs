//! Autoscalers and disruption budgets.

use super::at::At;
use super::{selector, workload};
use crate::status::Cause;

pub(super) fn check_autoscaler(object: &At<'_>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let [least, most] = ["minReplicas", "maxReplicas"].map(|field| spec.field(field));
    least.at_least(1, out);
    let maximum = most.number().unwrap_or(0);
    if maximum < 1 {
        out.push(most.required("must be set and greater than 0"));
    }
    if least.number().is_some_and(|least| maximum < least) {
        out.push(most.invalid_as(&maximum.to_string(), "must be greater than or equal to `minReplicas`"));
    }
    let target = spec.field("scaleTargetRef");
    for field in ["kind", "name"] {
        if target.field(field).text().is_empty() {
            out.push(target.field(field).required(""));
        }
    }
    let version = target.field("apiVersion");
    // Kinds of the core group cannot be scaled, but for one.
    if !version.text().contains('/') && target.field("kind").text() != "ReplicationController" {
        let shown = serde_json::Value::from(version.text()).to_string();
        out.push(version.invalid_as(&shown, "apiVersion must specify API group"));
    }
    check_metrics(&spec.field("metrics"), out);
    if least.number() == Some(0) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        out.push(spec.field("metrics").forbidden(why));
    }
}

fn check_metrics(metrics: &At<'_>, out: &mut Vec<Cause>) {
    for metric in metrics.items() {
        let source = match metric.field("type").text() {
            "Resource" => "resource",
            "ContainerResource" => "containerResource",
            "Pods" => "pods",
            "Object" => "object",
            "External" => "external",
            _ => {
                let known = ["ContainerResource", "External", "Object", "Pods", "Resource"];
                out.push(metric.field("type").unsupported(&known));
                continue;
            }
        };
        let at = metric.field(source);
        if !at.is_set() {
            out.push(at.required("must populate information for the given metric source"));
            continue;
        }
        let target = at.field("target");
        let utilization = target.field("averageUtilization");
        if source == "resource" && !utilization.is_set() && !target.field("averageValue").is_set() {
            out.push(utilization.required("must set either a target raw value or a target utilization"));
        }
        if utilization.number().is_some_and(|percent| percent < 1) {
            out.push(utilization.invalid("must be greater than 0"));
        }
    }
}

pub(super) fn check_budget(object: &At<'_>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let [least, most] = ["minAvailable", "maxUnavailable"].map(|field| spec.field(field));
    if least.is_set() && most.is_set() {
        // As the server's type is written.
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            least.value,
            selector::words(&spec.field("selector")),
            most.value,
            spec.field("unhealthyPodEvictionPolicy").value
        );
        out.push(spec.invalid_as(&shown, "minAvailable and maxUnavailable cannot be both set"));
    }
    for at in [least, most] {
        workload::amount(&at, out);
        workload::not_above_all(&at, out);
    }
    selector::check(&spec.field("selector"), out);
    spec.field("unhealthyPodEvictionPolicy").one_of(&["AlwaysAllow", "IfHealthyBudget"], out);
}
