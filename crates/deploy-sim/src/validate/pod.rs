//! Pod specs, of Pods and of templates.

use serde_json::Value;

use super::at::At;
use super::{container, metadata, names, selector, volume};
use crate::status::Cause;

/// A template: its labels, annotations and pod spec.
pub(super) fn check_template(template: &At<'_>, out: &mut Vec<Cause>) {
    check_template_metadata(template, out);
    check_spec(&template.field("spec"), out);
}

pub(super) fn check_template_metadata(template: &At<'_>, out: &mut Vec<Cause>) {
    // The server names no `metadata` here.
    let metadata = template.field("metadata");
    let at =
        |field: &str| At { path: format!("{}.{field}", template.path), value: metadata.field(field).value };
    metadata::labels(&at("labels"), out);
    metadata::annotations(&at("annotations"), out);
}

pub(super) fn check_spec(spec: &At<'_>, out: &mut Vec<Cause>) {
    let volumes = volume::check(&spec.field("volumes"), out);
    container::check_all(spec, &volumes, out);
    let policies = ["Always", "OnFailure", "Never"];
    spec.field("restartPolicy").one_of(&policies, out);
    spec.field("dnsPolicy").one_of(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], out);
    metadata::labels(&spec.field("nodeSelector"), out);
    let security = spec.field("securityContext");
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        security.field(field).between(0, i64::from(i32::MAX), out);
    }
    check_affinity(&spec.field("affinity"), out);
    if spec.field("dnsPolicy").text() == "None" && !spec.field("dnsConfig").is_set() {
        out.push(spec.field("dnsConfig").required("must provide `dnsConfig` when `dnsPolicy` is None"));
    }
    check_spread(&spec.field("topologySpreadConstraints"), out);
    for (field, rule) in [
        ("serviceAccountName", names::subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::subdomain),
        ("hostname", names::label),
        ("subdomain", names::label),
        ("priorityClassName", names::subdomain),
    ] {
        let at = spec.field(field);
        if field == "hostname" {
            spec.field("activeDeadlineSeconds").between(1, i64::from(i32::MAX), out);
        }
        if field == "priorityClassName" {
            check_tolerations(&spec.field("tolerations"), out);
            check_aliases(&spec.field("hostAliases"), out);
        }
        if !at.text().is_empty() {
            out.extend(at.invalid_for(rule(at.text())));
        }
    }
}

fn check_affinity(affinity: &At<'_>, out: &mut Vec<Cause>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let node = affinity.fields(["nodeAffinity", REQUIRED]);
    let terms = node.field("nodeSelectorTerms");
    if node.is_set() && !terms.has_items() {
        out.push(terms.required("must have at least one node selector term"));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let preferred = affinity.fields([kind, PREFERRED]);
        let terms = affinity.fields([kind, REQUIRED]).items().collect::<Vec<_>>().into_iter();
        for term in terms.chain(preferred.items().map(|term| term.field("podAffinityTerm"))) {
            selector::check(&term.field("labelSelector"), out);
            let key = term.field("topologyKey");
            if key.text().is_empty() {
                out.push(key.required("can not be empty"));
            }
            out.extend(key.invalid_for(names::qualified(key.text())));
        }
    }
}

fn check_spread(constraints: &At<'_>, out: &mut Vec<Cause>) {
    for constraint in constraints.items() {
        let skew = constraint.field("maxSkew");
        if skew.number().is_some_and(|skew| skew <= 0) {
            out.push(skew.invalid("must be greater than zero"));
        }
        if constraint.field("topologyKey").text().is_empty() {
            out.push(constraint.field("topologyKey").required("can not be empty"));
        }
        constraint.field("whenUnsatisfiable").one_of(&["DoNotSchedule", "ScheduleAnyway"], out);
        selector::check(&constraint.field("labelSelector"), out);
    }
}

fn check_tolerations(tolerations: &At<'_>, out: &mut Vec<Cause>) {
    for toleration in tolerations.items() {
        let [key, operator, value, effect] =
            ["key", "operator", "value", "effect"].map(|field| toleration.field(field));
        if !key.text().is_empty() {
            out.extend(key.invalid_for(names::qualified(key.text())));
        } else if operator.text() != "Exists" {
            out.push(operator.invalid(
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            ));
        }
        if toleration.field("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
            out.push(effect.invalid("effect must be 'NoExecute' when `tolerationSeconds` is set"));
        }
        match operator.text() {
            "Equal" | "" => out.extend(operator_value(&operator, &value, names::label_value(value.text()))),
            "Exists" if !value.text().is_empty() => {
                let why = vec!["value must be empty when `operator` is 'Exists'".to_owned()];
                out.extend(operator_value(&operator, &value, why));
            }
            "Exists" => {}
            _ => out.push(operator.unsupported(&["Equal", "Exists"])),
        }
        if !effect.text().is_empty() {
            effect.one_of(&["NoSchedule", "PreferNoSchedule", "NoExecute"], out);
        }
    }
}

/// What is wrong with the value is said of the operator.
fn operator_value<'a>(
    operator: &At<'_>,
    value: &At<'a>,
    reasons: Vec<String>,
) -> impl Iterator<Item = Cause> + use<'a> {
    let at = At { path: operator.path.clone(), value: value.value };
    reasons.into_iter().map(move |why| at.invalid(&why))
}

fn check_aliases(aliases: &At<'_>, out: &mut Vec<Cause>) {
    for alias in aliases.items() {
        let ip = alias.field("ip");
        if ip.text().parse::<std::net::IpAddr>().is_err() {
            out.push(ip.invalid(names::IP));
        }
        for host in alias.field("hostnames").items() {
            out.extend(host.invalid_for(names::subdomain(host.text())));
        }
    }
}

const UPDATE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// What may change of a Pod. (The server's words go on with a difference of its Go types.)
pub(super) fn check_update(spec: &At<'_>, before: &At<'_>, out: &mut Vec<Cause>) {
    let count = |spec: &At<'_>, list: &str| spec.field(list).items().count();
    for list in ["containers", "initContainers"] {
        if count(spec, list) != count(before, list) {
            out.push(spec.field(list).forbidden("pod updates may not add or remove containers"));
            return;
        }
        for image in spec.field(list).items().map(|container| container.field("image")) {
            if image.text().is_empty() {
                out.push(image.required(""));
            }
        }
    }
    let tolerations = |spec: &At<'_>| -> Vec<Value> {
        spec.field("tolerations").items().map(|toleration| toleration.value.clone()).collect()
    };
    let now = tolerations(spec);
    let kept = tolerations(before).iter().all(|toleration| now.contains(toleration));
    if !kept || fixed(spec) != fixed(before) {
        out.push(spec.forbidden(UPDATE));
    }
}

/// A spec without what may change.
fn fixed(spec: &At<'_>) -> Value {
    let mut fixed = spec.value.clone();
    if let Some(fields) = fixed.as_object_mut() {
        for list in ["containers", "initContainers"] {
            let containers = fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
            for container in containers.filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
        for field in ["activeDeadlineSeconds", "tolerations"] {
            fields.remove(field);
        }
        if spec.field("schedulingGates").has_items() {
            fields.remove("schedulingGates");
        }
    }
    fixed
}
