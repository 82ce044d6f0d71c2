//! What makes pods, and what decides how many.

use jiff::Timestamp;
use serde_json::Value;

use super::human::{NONE, UNKNOWN, age, containers, duration, first, labels, selector, since};
use crate::controllers::object::{at, int, is_deleting, is_true, list, text, time};

const TEMPLATE: &str = "/spec/template";
/// Metrics that are shown.
const SHOWN: usize = 2;

fn number(object: &Value, pointer: &str) -> i64 {
    int(object, pointer).unwrap_or(0)
}

/// The columns at the end: containers, images, selector.
fn pods(object: &Value, template: &str, selector: String) -> [Value; 3] {
    let [names, images] = containers(object, template);
    [names, images, selector.into()]
}

fn selected(object: &Value) -> String {
    selector(at(object, "/spec/selector"))
}

/// Of so many, so many are ready.
fn ready(object: &Value) -> Value {
    let (ready, desired) = (number(object, "/status/readyReplicas"), number(object, "/spec/replicas"));
    format!("{ready}/{desired}").into()
}

pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        ready(object),
        number(object, "/status/updatedReplicas").into(),
        number(object, "/status/availableReplicas").into(),
        age(object, now),
    ];
    // An empty selector is shown as such here alone.
    let selector = Some(selected(object)).filter(|selector| selector != NONE).unwrap_or_default();
    cells.extend(pods(object, TEMPLATE, selector));
    cells
}

pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    replicas(object, selected(object), now)
}

pub(super) fn replication_controller(object: &Value, now: Timestamp) -> Vec<Value> {
    replicas(object, labels(at(object, "/spec/selector")), now)
}

fn replicas(object: &Value, selector: String, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        number(object, "/spec/replicas").into(),
        number(object, "/status/replicas").into(),
        number(object, "/status/readyReplicas").into(),
        age(object, now),
    ];
    cells.extend(pods(object, TEMPLATE, selector));
    cells
}

pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let [names, images] = containers(object, TEMPLATE);
    vec![ready(object), age(object, now), names, images]
}

pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let counts = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ];
    let mut cells: Vec<Value> =
        counts.iter().map(|count| number(object, &format!("/status/{count}")).into()).collect();
    cells.push(labels(at(object, "/spec/template/spec/nodeSelector")).into());
    cells.push(age(object, now));
    cells.extend(pods(object, TEMPLATE, selected(object)));
    cells
}

pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let succeeded = number(object, "/status/succeeded");
    let completions = match (int(object, "/spec/completions"), number(object, "/spec/parallelism")) {
        (Some(all), _) => format!("{succeeded}/{all}"),
        (None, at_once) if at_once > 1 => format!("{succeeded}/1 of {at_once}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let lasted = time(object, "/status/startTime")
        .map(|start| duration(start, time(object, "/status/completionTime").unwrap_or(now)));
    let status = match object {
        job if is_true(job, "Complete") => "Complete",
        job if is_true(job, "Failed") => "Failed",
        job if is_deleting(job) => "Terminating",
        job if is_true(job, "Suspended") => "Suspended",
        job if is_true(job, "FailureTarget") => "FailureTarget",
        job if is_true(job, "SuccessCriteriaMet") => "SuccessCriteriaMet",
        _ => "Running",
    };
    let mut cells =
        vec![status.into(), completions.into(), lasted.unwrap_or_default().into(), age(object, now)];
    cells.extend(pods(object, TEMPLATE, selected(object)));
    cells
}

pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let last = match text(object, "/status/lastScheduleTime") {
        "" => NONE.to_owned(),
        _ => since(object, "/status/lastScheduleTime", now),
    };
    let suspended = match at(object, "/spec/suspend") {
        Some(Value::Bool(true)) => "True",
        Some(Value::Bool(false)) => "False",
        _ => "<unset>",
    };
    let mut cells = vec![
        text(object, "/spec/schedule").into(),
        at(object, "/spec/timeZone").and_then(Value::as_str).unwrap_or(NONE).into(),
        suspended.into(),
        list(object, "/status/active").len().into(),
        last.into(),
        age(object, now),
    ];
    let selector = selector(at(object, "/spec/jobTemplate/spec/selector"));
    cells.extend(pods(object, "/spec/jobTemplate/spec/template", selector));
    cells
}

pub(super) fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let target = &object["spec"]["scaleTargetRef"];
    let least = int(object, "/spec/minReplicas");
    vec![
        format!("{}/{}", text(target, "/kind"), text(target, "/name")).into(),
        metrics(object).into(),
        least.map_or_else(|| "<unset>".to_owned(), |least| least.to_string()).into(),
        number(object, "/spec/maxReplicas").into(),
        number(object, "/status/currentReplicas").into(),
        age(object, now),
    ]
}

/// What is measured, beside what it is to be.
fn metrics(object: &Value) -> String {
    // autoscaling/v1 knows but one.
    if let Some(target) = int(object, "/spec/targetCPUUtilizationPercentage") {
        let current = int(object, "/status/currentCPUUtilizationPercentage");
        let current = current.map_or_else(|| UNKNOWN.to_owned(), |current| format!("{current}%"));
        return format!("cpu: {current}/{target}%");
    }
    let specs = list(object, "/spec/metrics");
    if specs.is_empty() {
        return NONE.into();
    }
    let statuses = list(object, "/status/currentMetrics");
    let shown: Vec<String> =
        specs.iter().enumerate().map(|(index, spec)| metric(spec, statuses.get(index))).collect();
    first(&shown, SHOWN, specs.len(), ", ")
}

fn metric(spec: &Value, status: Option<&Value>) -> String {
    let field = match text(spec, "/type") {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".into(),
    };
    let target = |name: &str| at(spec, &format!("/{field}/target/{name}")).filter(|found| !found.is_null());
    let current = |name: &str| {
        let found = status.and_then(|status| at(status, &format!("/{field}/current/{name}")));
        found.filter(|found| !found.is_null())
    };
    let shown = |found: Option<&Value>, none: &str| match found {
        None => none.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let is_resource = matches!(field, "resource" | "containerResource");
    let name =
        if is_resource { format!("{}: ", text(spec, &format!("/{field}/name"))) } else { String::new() };
    match target("averageValue") {
        Some(target) => {
            let average = if matches!(field, "external" | "object") { " (avg)" } else { "" };
            format!("{name}{}/{}{average}", shown(current("averageValue"), UNKNOWN), shown(Some(target), ""))
        }
        None if is_resource => {
            let percent = |found: Option<&Value>, none: &str| {
                found.map_or_else(|| none.to_owned(), |found| format!("{found}%"))
            };
            let (current, target) = (current("averageUtilization"), target("averageUtilization"));
            format!("{name}{}/{}", percent(current, UNKNOWN), percent(target, "<auto>"))
        }
        None => format!("{}/{}", shown(current("value"), UNKNOWN), shown(target("value"), "0")),
    }
}
