//! ConfigMaps, Secrets, claims, quotas and Leases.

use serde_json::Value;

use super::at::At;
use super::{names, resources, selector};
use crate::defaults::quantity::Quantity;
use crate::status::Cause;

const IMMUTABLE: &str = "field is immutable when `immutable` is set";

pub(super) fn check_config_map(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    if let Some(before) = before {
        check_frozen(object, before, &["data", "binaryData"], out);
    }
    for (key, at) in object.field("data").entries() {
        check_key(key, &at, out);
        if object.field("binaryData").key(key).is_set() {
            out.push(at.invalid_as(&Value::from(key).to_string(), "duplicate of key present in binaryData"));
        }
    }
    for (key, at) in object.field("binaryData").entries() {
        check_key(key, &at, out);
    }
}

pub(super) fn check_revision(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let data = object.field("data");
    match before {
        Some(before) if before.field("data").value != data.value => {
            out.push(data.invalid_as(&data.value.to_string(), "field is immutable"));
        }
        None if !data.is_set() => out.push(data.required("data is mandatory")),
        None if !data.value.is_object() => out.push(data.required("data must be a valid JSON object")),
        _ => {}
    }
    object.field("revision").at_least(0, out);
}

pub(super) fn check_secret(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let kind = object.field("type");
    if let Some(before) = before {
        if kind.value != before.field("type").value {
            out.push(kind.invalid("field is immutable"));
        }
        check_frozen(object, before, &["data"], out);
    }
    let data = object.field("data");
    for (key, at) in data.entries() {
        check_key(key, &at, out);
    }
    let missing = |keys: &[&str], out: &mut Vec<Cause>| {
        out.extend(keys.iter().map(|key| data.key(key)).filter(|at| !at.is_set()).map(|at| at.required("")));
    };
    match kind.text() {
        "kubernetes.io/tls" => missing(&["tls.crt", "tls.key"], out),
        "kubernetes.io/dockerconfigjson" => missing(&[".dockerconfigjson"], out),
        "kubernetes.io/dockercfg" => missing(&[".dockercfg"], out),
        "kubernetes.io/ssh-auth" => missing(&["ssh-privatekey"], out),
        // One of the two is enough.
        "kubernetes.io/basic-auth" if !data.key("username").is_set() && !data.key("password").is_set() => {
            missing(&["username", "password"], out);
        }
        "kubernetes.io/service-account-token" => {
            let account =
                object.fields(["metadata", "annotations"]).key("kubernetes.io/service-account.name");
            if account.text().is_empty() {
                out.push(account.required(""));
            }
        }
        _ => {}
    }
}

fn check_key(key: &str, at: &At<'_>, out: &mut Vec<Cause>) {
    let shown = Value::from(key).to_string();
    out.extend(names::config_key(key).iter().map(|why| at.invalid_as(&shown, why)));
}

/// Of an immutable object nothing changes again.
fn check_frozen(object: &At<'_>, before: &At<'_>, fields: &[&str], out: &mut Vec<Cause>) {
    if !before.field("immutable").is_true() {
        return;
    }
    if !object.field("immutable").is_true() {
        out.push(object.field("immutable").forbidden(IMMUTABLE));
    }
    let changed = fields.iter().filter(|field| object.field(field).value != before.field(field).value);
    out.extend(changed.map(|field| object.field(field).forbidden(IMMUTABLE)));
}

pub(super) fn check_claim(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    selector::check(&spec.field("selector"), out);
    let modes = spec.field("accessModes");
    if !modes.has_items() {
        out.push(modes.required("at least 1 access mode is required"));
    }
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in modes.items().filter(|mode| !known.contains(&mode.text())) {
        out.push(At { path: modes.path.clone(), value: mode.value }.unsupported(&known));
    }
    let storage = At {
        path: format!("{}.resources[storage]", spec.path),
        value: spec.fields(["resources", "requests", "storage"]).value,
    };
    match Quantity::of(storage.value) {
        None => out.push(storage.required("")),
        Some(size) if size.is_zero() || size.is_negative() => {
            out.push(storage.invalid_as(&format!("\"{}\"", size.canonical()), "must be greater than zero"));
        }
        Some(_) => {}
    }
    let class = spec.field("storageClassName");
    if !class.text().is_empty() {
        out.extend(class.invalid_for(names::subdomain(class.text())));
    }
    spec.field("volumeMode").one_of(&["Block", "Filesystem"], out);
    if let Some(before) = before {
        check_claim_update(&spec, before, out);
    }
}

/// (The server's words go on with a difference of its Go types.)
fn check_claim_update(spec: &At<'_>, before: &At<'_>, out: &mut Vec<Cause>) {
    let old = before.field("spec");
    let bound = before.fields(["status", "phase"]).text() == "Bound";
    let fixed = |spec: &At<'_>| {
        let mut fixed = spec.value.clone();
        if let Some(fields) = fixed.as_object_mut() {
            // The cluster names the volume.
            if !old.field("volumeName").is_set() {
                fields.remove("volumeName");
            }
            if bound {
                fields.remove("volumeAttributesClassName");
                if let Some(Value::Object(resources)) = fields.get_mut("resources") {
                    resources.remove("requests");
                }
            }
        }
        fixed
    };
    if fixed(spec) != fixed(&old) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                   bound claims";
        out.push(spec.forbidden(why));
    }
}

pub(super) fn check_quota(object: &At<'_>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    resources::check_quota(&spec.field("hard"), out);
    let scopes = spec.field("scopes");
    let known = [
        "BestEffort",
        "CrossNamespacePodAffinity",
        "NotBestEffort",
        "NotTerminating",
        "PriorityClass",
        "Terminating",
        "VolumeAttributesClass",
    ];
    if scopes.items().any(|scope| !known.contains(&scope.text())) {
        out.push(scopes.invalid("unsupported scope"));
    }
}

pub(super) fn check_lease(object: &At<'_>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let duration = spec.field("leaseDurationSeconds");
    if duration.number().is_some_and(|seconds| seconds <= 0) {
        out.push(duration.invalid("must be greater than 0"));
    }
    spec.field("leaseTransitions").at_least(0, out);
}
