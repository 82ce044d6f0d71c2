//! Deployments, ReplicaSets, StatefulSets and DaemonSets.

use serde_json::{Value, json};

use super::at::At;
use super::{names, pod, selector};
use crate::status::Cause;

pub(super) fn check(kind: &str, object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    match kind {
        "Deployment" => check_deployment(&spec, out),
        "ReplicaSet" => {
            spec.field("replicas").at_least(0, out);
            spec.field("minReadySeconds").at_least(0, out);
            check_selector(&spec, kind, out);
        }
        "StatefulSet" => check_stateful_set(&spec, out),
        _ => check_daemon_set(&spec, out),
    }
    let Some(before) = before.map(|before| before.field("spec")) else { return };
    if kind == "StatefulSet" {
        check_stateful_set_update(&spec, &before, out);
        return;
    }
    let selector = spec.field("selector");
    if selector.value != before.field("selector").value {
        out.push(selector.invalid_as(&selector::words(&selector), "field is immutable"));
    }
}

fn check_deployment(spec: &At<'_>, out: &mut Vec<Cause>) {
    spec.field("replicas").at_least(0, out);
    check_selector(spec, "Deployment", out);
    let strategy = spec.field("strategy");
    let rolling = strategy.field("rollingUpdate");
    match strategy.field("type").text() {
        "Recreate" if rolling.is_set() => {
            out.push(rolling.forbidden("may not be specified when strategy `type` is 'Recreate'"));
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let [unavailable, surge] = ["maxUnavailable", "maxSurge"].map(|field| rolling.field(field));
            amount(&unavailable, out);
            amount(&surge, out);
            if is_zero(&unavailable) && is_zero(&surge) {
                out.push(unavailable.invalid("may not be 0 when `maxSurge` is 0"));
            }
            not_above_all(&unavailable, out);
        }
        _ => out.push(strategy.unsupported_as(&strategy_words(&strategy), &["Recreate", "RollingUpdate"])),
    }
    let ready = spec.field("minReadySeconds");
    ready.at_least(0, out);
    spec.field("revisionHistoryLimit").at_least(0, out);
    let deadline = spec.field("progressDeadlineSeconds");
    deadline.at_least(0, out);
    if deadline.number().is_some_and(|deadline| deadline <= ready.number().unwrap_or(0)) {
        out.push(deadline.invalid("must be greater than minReadySeconds"));
    }
}

fn check_stateful_set(spec: &At<'_>, out: &mut Vec<Cause>) {
    let management = spec.field("podManagementPolicy");
    if !["OrderedReady", "Parallel"].contains(&management.text()) {
        out.push(management.invalid("must be 'OrderedReady' or 'Parallel'"));
    }
    let strategy = spec.field("updateStrategy");
    let rolling = strategy.field("rollingUpdate");
    match strategy.field("type").text() {
        "OnDelete" if rolling.is_set() => {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            out.push(rolling.invalid(why));
        }
        "OnDelete" => {}
        "RollingUpdate" => rolling.field("partition").at_least(0, out),
        _ => {
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            out.push(strategy.invalid_as(&strategy_words(&strategy), why));
        }
    }
    for claim in ["whenDeleted", "whenScaled"] {
        spec.fields(["persistentVolumeClaimRetentionPolicy", claim]).one_of(&["Retain", "Delete"], out);
    }
    spec.field("replicas").at_least(0, out);
    spec.field("minReadySeconds").at_least(0, out);
    check_selector(spec, "StatefulSet", out);
}

fn check_daemon_set(spec: &At<'_>, out: &mut Vec<Cause>) {
    check_selector(spec, "DaemonSet", out);
    spec.field("minReadySeconds").at_least(0, out);
    let strategy = spec.field("updateStrategy");
    match strategy.field("type").text() {
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling = strategy.field("rollingUpdate");
            let [unavailable, surge] = ["maxUnavailable", "maxSurge"].map(|field| rolling.field(field));
            amount(&unavailable, out);
            amount(&surge, out);
            not_above_all(&unavailable, out);
            match (is_zero(&unavailable), is_zero(&surge)) {
                (true, true) => out.push(unavailable.required("cannot be 0 when maxSurge is 0")),
                (false, false) => out.push(surge.invalid("may not be set when maxUnavailable is non-zero")),
                _ => {}
            }
        }
        _ => out.push(strategy.unsupported_as(&strategy_words(&strategy), &["RollingUpdate", "OnDelete"])),
    }
    spec.field("revisionHistoryLimit").at_least(0, out);
}

/// The selector, the template that it must match, and that its Pods are always restarted.
fn check_selector(spec: &At<'_>, kind: &str, out: &mut Vec<Cause>) {
    let at = spec.field("selector");
    let template = spec.field("template");
    let labels = template.fields(["metadata", "labels"]);
    let mut malformed = Vec::new();
    selector::check(&at, &mut malformed);
    if !at.is_set() {
        // A DaemonSet's is missed by what it does not match alone.
        if kind != "DaemonSet" {
            out.push(at.required(""));
        }
    } else if selector::is_empty(&at) {
        let name = match kind {
            "ReplicaSet" => "deployment",
            kind => &kind.to_lowercase(),
        };
        out.push(at.invalid_as("{}", &format!("empty selector is invalid for {name}")));
    }
    let is_malformed = !malformed.is_empty();
    out.append(&mut malformed);
    if !is_malformed {
        // An empty one, refused above, matches everything.
        if !selector::matches(&at, &labels) {
            out.push(labels.invalid("`selector` does not match template `labels`"));
        }
    } else if kind == "StatefulSet" {
        out.push(at.invalid_as(&selector::words(&at), ""));
    } else if kind != "DaemonSet" {
        out.push(at.invalid_as(&selector::words(&at), "invalid label selector"));
    }
    // The others look at no template that they cannot match.
    if !is_malformed || kind == "DaemonSet" {
        if kind == "StatefulSet" {
            let filled = with_claims(spec);
            let template = At { path: template.path.clone(), value: &filled };
            pod::check_template(&template, out);
            pod::check_template_metadata(&template, out);
        } else {
            pod::check_template(&template, out);
        }
        always(&template, kind, out);
    }
}

/// The template as the controller completes it: the claims are volumes, names are its own.
fn with_claims(spec: &At<'_>) -> Value {
    let mut template = spec.field("template").value.clone();
    let claims = spec.field("volumeClaimTemplates");
    let names: Vec<&str> = claims.items().map(|claim| claim.fields(["metadata", "name"]).text()).collect();
    let Some(Value::Object(pod)) = template.get_mut("spec") else { return template };
    pod.remove("subdomain");
    pod.remove("hostname");
    let mut volumes: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
        .collect();
    let own = pod.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let called = |volume: &Value| volume.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    volumes.extend(own.filter(|volume| !names.contains(&called(volume).as_str())).cloned());
    pod.insert("volumes".into(), volumes.into());
    template
}

fn always(template: &At<'_>, kind: &str, out: &mut Vec<Cause>) {
    let policy = template.fields(["spec", "restartPolicy"]);
    if policy.text() != "Always" {
        out.push(policy.unsupported(&["Always"]));
    }
    let deadline = template.fields(["spec", "activeDeadlineSeconds"]);
    if deadline.is_set() {
        let kind = if kind == "Deployment" { "ReplicaSet" } else { kind };
        out.push(deadline.forbidden(&format!("activeDeadlineSeconds in {kind} is not Supported")));
    }
}

/// A number or a percentage.
pub(super) fn amount(at: &At<'_>, out: &mut Vec<Cause>) {
    if at.value.is_string() {
        out.extend(at.invalid_for(names::percent(at.text())));
    } else {
        at.at_least(0, out);
    }
}

pub(super) fn not_above_all(at: &At<'_>, out: &mut Vec<Cause>) {
    let percent = at.text().strip_suffix('%').and_then(|digits| digits.parse::<u64>().ok());
    if percent.is_some_and(|percent| percent > 100) {
        out.push(at.invalid("must not be greater than 100%"));
    }
}

fn is_zero(at: &At<'_>) -> bool {
    at.number() == Some(0) || at.text().strip_suffix('%').is_some_and(|digits| digits.parse() == Ok(0_u64))
}

/// As the server's type is written.
fn strategy_words(strategy: &At<'_>) -> String {
    let rolling = strategy.field("rollingUpdate");
    format!("{{\"Type\":{},\"RollingUpdate\":{}}}", strategy.field("type").value, rolling.value)
}

const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn check_stateful_set_update(spec: &At<'_>, before: &At<'_>, out: &mut Vec<Cause>) {
    let fixed = |spec: &At<'_>| -> Option<Value> {
        let mut fields = spec.value.as_object()?.clone();
        fields.retain(|name, _| !MUTABLE.contains(&name.as_str()));
        Some(fields.into())
    };
    if fixed(spec) != fixed(before) {
        out.push(spec.forbidden(
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
}
