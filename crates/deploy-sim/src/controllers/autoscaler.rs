//! HorizontalPodAutoscalers as they are in a cluster without metrics: they keep replicas within their bounds, and say that they know
//! nothing (`pkg/controller/podautoscaler`).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::object::{after, condition, int, list, name, namespace, sooner, text, time};
use super::write_status;
use crate::api;
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::kinds::Kind;
use crate::state::State;

const SOURCE: &str = "horizontal-pod-autoscaler";
/// Seconds from one look to the next.
const PERIOD: i64 = 15;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let mut next = None;
    for autoscaler in state.objects("horizontalpodautoscalers.autoscaling", None) {
        let due = due(&autoscaler);
        if due.is_some_and(|due| due > state.now) {
            next = sooner(next, due);
        } else {
            next = sooner(next, look(state, &autoscaler));
        }
    }
    next
}

/// After it was created or scaled something, it waits.
fn due(autoscaler: &Value) -> Option<Timestamp> {
    let since = match condition(autoscaler, "AbleToScale") {
        None => time(autoscaler, "/metadata/creationTimestamp"),
        Some(able) if able["reason"] == "SucceededRescale" => time(autoscaler, "/status/lastScaleTime"),
        Some(_) => None,
    };
    since.map(|since| after(since, PERIOD))
}

/// One look at the target. It is not told again what was told: real Events count up every time.
fn look(state: &mut State, autoscaler: &Arc<Value>) -> Option<Timestamp> {
    let mut view = View {
        autoscaler,
        status: autoscaler["status"].as_object().cloned().unwrap_or_default(),
        told: Vec::new(),
    };
    match target(state, autoscaler) {
        Err(why) => {
            let message = format!("the HPA controller was unable to get the target's current scale: {why}");
            view.tell(state, "AbleToScale", "False", "FailedGetScale", &message);
            view.told.push(("Warning", "FailedGetScale", why));
        }
        Ok((target, kind)) => {
            let message = "the HPA controller was able to get the target's current scale";
            view.tell(state, "AbleToScale", "True", "SucceededGetScale", message);
            view.scale(state, &target, &kind);
        }
    }
    let View { status, told, .. } = view;
    let status = Value::Object(status);
    if autoscaler["status"] == status {
        return None;
    }
    for (kind, reason, message) in &told {
        let event = Event::normal(SOURCE, reason, message);
        let event = if *kind == "Warning" { Event::warning(SOURCE, reason, message) } else { event };
        CONTROLLER_MANAGER.event(state, autoscaler, &event);
    }
    write_status(state, autoscaler, status);
    Some(after(state.now, PERIOD))
        .filter(|_| told.iter().any(|(_, reason, _)| *reason == "SuccessfulRescale"))
}

fn target(state: &State, autoscaler: &Value) -> Result<(Arc<Value>, Arc<Kind>), String> {
    let reference = &autoscaler["spec"]["scaleTargetRef"];
    let (api_version, kind) = (text(reference, "/apiVersion"), text(reference, "/kind"));
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let Some(known) = state.kinds.of(api_version, kind) else {
        return Err(format!("no matches for kind \"{kind}\" in group \"{group}\""));
    };
    let named = text(reference, "/name");
    let objects = state.objects(&known.resource, Some(namespace(autoscaler)));
    let found = objects.into_iter().find(|object| name(object) == named);
    if !known.subresources.iter().any(|subresource| subresource == "scale") {
        return Err("the server could not find the requested resource".to_owned());
    }
    let qualified = if group.is_empty() { known.plural.clone() } else { format!("{}.{group}", known.plural) };
    let found = found.ok_or_else(|| format!("{qualified} \"{named}\" not found"))?;
    Ok((found, Arc::clone(known)))
}

/// What an autoscaler is going to say.
struct View<'a> {
    autoscaler: &'a Value,
    status: Map<String, Value>,
    told: Vec<(&'static str, &'static str, String)>,
}

impl View<'_> {
    fn tell(&mut self, state: &State, kind: &str, is: &str, reason: &str, message: &str) {
        let before = condition(self.autoscaler, kind).filter(|before| before["status"] == is);
        let since = before.map_or_else(|| state.time().into(), |before| before["lastTransitionTime"].clone());
        let new = json!({"type": kind, "status": is, "reason": reason, "message": message, "lastTransitionTime": since});
        let conditions = self.status.entry("conditions").or_insert_with(|| json!([]));
        let Some(conditions) = conditions.as_array_mut() else { return };
        match conditions.iter_mut().find(|condition| condition["type"] == kind) {
            Some(known) => *known = new,
            None => conditions.push(new),
        }
    }

    fn scale(&mut self, state: &mut State, target: &Value, kind: &Kind) {
        let replicas = api::replicas(target, kind).and_then(Value::as_i64).unwrap_or(0);
        let bound = |field: &str| int(self.autoscaler, &format!("/spec/{field}"));
        let (least, most) = (bound("minReplicas").unwrap_or(1), bound("maxReplicas").unwrap_or(replicas));
        let (wanted, why) = match replicas {
            0 if least != 0 => {
                let message = "scaling is disabled since the replica count of the target is zero";
                self.tell(state, "ScalingActive", "False", "ScalingDisabled", message);
                return;
            }
            _ if replicas > most => (most, "Current number of replicas above Spec.MaxReplicas"),
            _ if replicas < least => (least, "Current number of replicas below Spec.MinReplicas"),
            _ => {
                self.status.insert("currentReplicas".into(), replicas.into());
                self.status.insert("currentMetrics".into(), json!([{"type": ""}]));
                self.tell_of_metrics(state);
                return;
            }
        };
        let mut told = Ok(());
        let scaled = CONTROLLER_MANAGER.change(state, target, Some("scale"), |target| {
            told = api::set_replicas(target, kind, wanted.into());
        });
        self.status.insert("currentReplicas".into(), replicas.into());
        if let Err(status) = scaled.and(told) {
            let message =
                format!("the HPA controller was unable to update the target scale: {}", status.message);
            self.tell(state, "AbleToScale", "False", "FailedUpdateScale", &message);
            let message = format!("New size: {wanted}; reason: {why}; error: {}", status.message);
            self.told.push(("Warning", "FailedRescale", message));
            return;
        }
        let message = format!("the HPA controller was able to update the target scale to {wanted}");
        self.tell(state, "AbleToScale", "True", "SucceededRescale", &message);
        self.told.push(("Normal", "SuccessfulRescale", format!("New size: {wanted}; reason: {why}")));
        self.status.insert("desiredReplicas".into(), wanted.into());
        self.status.insert("lastScaleTime".into(), state.time().into());
    }

    /// The first metric decides what is told.
    fn tell_of_metrics(&mut self, state: &State) {
        let metrics = list(self.autoscaler, "/spec/metrics");
        let Some(metric) = metrics.first() else { return };
        let (reason, what, why) = refusal(namespace(self.autoscaler), metric);
        let message = format!("the HPA was unable to compute the replica count: {why}");
        self.tell(state, "ScalingActive", "False", reason, &message);
        let all = metrics.len();
        let message = format!(
            "invalid metrics ({all} invalid out of {all}), first error is: failed to get {what}: {why}"
        );
        self.told.push(("Warning", reason, why));
        self.told.push(("Warning", "FailedComputeMetricsReplicas", message));
    }
}

/// Why a metric is not known: the reason, what was asked for, the words.
fn refusal(namespace: &str, metric: &Value) -> (&'static str, String, String) {
    let kind = text(metric, "/type");
    let source = match kind {
        "ContainerResource" => &metric["containerResource"],
        "Pods" => &metric["pods"],
        "Object" => &metric["object"],
        "External" => &metric["external"],
        _ => &metric["resource"],
    };
    let named = text(source, "/metric/name");
    let custom = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    match kind {
        "Pods" => {
            let why = format!("unable to get metric {named}: {custom}");
            ("FailedGetPodsMetric", "pods metric value".to_owned(), why)
        }
        "Object" => {
            let about = &source["describedObject"];
            let why = format!(
                "unable to get metric {named}: {} on {namespace} {}/{custom}",
                text(about, "/kind"),
                text(about, "/name")
            );
            ("FailedGetObjectMetric", "object metric value".to_owned(), why)
        }
        "External" => {
            let why = format!(
                "unable to get external metric {namespace}/{named}/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get {named}.external.metrics.k8s.io)"
            );
            let is_value = text(source, "/target/type") == "Value";
            let inner = if is_value {
                format!("external metric {named}")
            } else {
                format!("{named} external metric")
            };
            ("FailedGetExternalMetric", format!("{named} external metric value: failed to get {inner}"), why)
        }
        _ => {
            let resource = text(source, "/name");
            let is_share = text(source, "/target/type") == "Utilization";
            let what = if is_share { "utilization" } else { "usage" };
            let why = format!(
                "failed to get {resource} {what}: unable to get metrics for resource {resource}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
            );
            if kind == "ContainerResource" {
                let what = format!("{} container metric value", text(source, "/container"));
                return ("FailedGetContainerResourceMetric", what, why);
            }
            ("FailedGetResourceMetric", format!("{resource} resource metric value"), why)
        }
    }
}
