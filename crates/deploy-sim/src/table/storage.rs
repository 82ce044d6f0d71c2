//! Volumes, claims and classes.

use jiff::Timestamp;
use serde_json::Value;

use super::cells::{name_of_class, or_unset};
use super::human::{age, or};
use crate::controllers::object::{annotation, at, is_deleting, list, text};

pub(super) fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let claim = at(object, "/spec/claimRef")
        .map(|claim| format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")));
    vec![
        or(object, "/spec/capacity/storage", "0").into(),
        modes(object, "/spec/accessModes").into(),
        text(object, "/spec/persistentVolumeReclaimPolicy").into(),
        phase(object).into(),
        claim.unwrap_or_default().into(),
        class_of(object).into(),
        or_unset(object, "/spec/volumeAttributesClassName"),
        text(object, "/status/reason").into(),
        age(object, now),
        or_unset(object, "/spec/volumeMode"),
    ]
}

pub(super) fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let volume = text(object, "/spec/volumeName");
    let (capacity, modes) = match volume {
        "" => (String::new(), String::new()),
        _ => (or(object, "/status/capacity/storage", "0").to_owned(), modes(object, "/status/accessModes")),
    };
    vec![
        phase(object).into(),
        volume.into(),
        capacity.into(),
        modes.into(),
        class_of(object).into(),
        or_unset(object, "/spec/volumeAttributesClassName"),
        age(object, now),
        or_unset(object, "/spec/volumeMode"),
    ]
}

pub(super) fn class(object: &Value, now: Timestamp) -> Vec<Value> {
    let defaults =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    vec![
        name_of_class(object, &defaults).into(),
        text(object, "/provisioner").into(),
        or(object, "/reclaimPolicy", "Delete").into(),
        or(object, "/volumeBindingMode", "Immediate").into(),
        (object["allowVolumeExpansion"] == true).into(),
        age(object, now),
    ]
}

fn phase(object: &Value) -> &str {
    if is_deleting(object) { "Terminating" } else { text(object, "/status/phase") }
}

fn class_of(object: &Value) -> &str {
    annotation(object, "volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| text(object, "/spec/storageClassName"))
}

fn modes(object: &Value, pointer: &str) -> String {
    let modes = list(object, pointer);
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let found = short.iter().filter(|(mode, _)| modes.iter().any(|found| found == mode));
    found.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}
