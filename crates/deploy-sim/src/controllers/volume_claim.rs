//! Claims and volumes: a claim is bound to a volume that fits, else to one that is made for it; without storage it stays pending. Who uses a
//! claim keeps it, and a claim its volume (`pkg/controller/volume`).
//!
//! The volumes that are made are not kept as objects: a claim names one, as a provisioner would have made it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{annotate, is_deleting, list, name, namespace, text, uid};
use super::{remove_finalizer, write_status};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::defaults::quantity::Quantity;
use crate::state::State;

const PROTECTION: &str = "kubernetes.io/pvc-protection";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let claims = state.objects("persistentvolumeclaims.", None);
    let volumes = state.objects("persistentvolumes.", None);
    if claims.is_empty() && volumes.is_empty() {
        return None;
    }
    // Only a pod that has a node uses what it names.
    let pods = state.objects("pods.", None);
    let used: BTreeSet<(&str, &str)> = pods
        .iter()
        .filter(|pod| !text(pod, "/spec/nodeName").is_empty())
        .flat_map(|pod| list(pod, "/spec/volumes").iter().map(move |volume| (pod, volume)))
        .map(|(pod, volume)| (namespace(pod), text(volume, "/persistentVolumeClaim/claimName")))
        .collect();
    for claim in claims {
        let is_used = used.contains(&(namespace(&claim), text(&claim, "/metadata/name")));
        if is_deleting(&claim) && !is_used {
            remove_finalizer(state, &claim, PROTECTION);
        } else if text(&claim, "/status/phase") == "Pending" {
            provide(state, &claim);
        }
    }
    for volume in volumes {
        keep_or_let_go(state, &volume);
    }
    None
}

fn provide(state: &mut State, claim: &Value) {
    if let Some(volume) = fitting(state, claim) {
        let reference = json!({
            "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace(claim), "name": name(claim), "uid": uid(claim),
        });
        let taken = CONTROLLER_MANAGER.change(state, &volume, None, |volume| {
            annotate(volume, "pv.kubernetes.io/bound-by-controller", "yes");
            volume["spec"]["claimRef"] = reference;
        });
        if let Ok(Some(volume)) = taken {
            bind(state, claim, name(&volume));
        }
    } else if state.has_storage && text(claim, "/spec/volumeName").is_empty() {
        bind(state, claim, &format!("pvc-{}", uid(claim)));
    } else {
        leave(state, claim);
    }
}

/// The volume that the claim names, or the first that is as it asks.
fn fitting(state: &State, claim: &Value) -> Option<Arc<Value>> {
    let named = text(claim, "/spec/volumeName");
    let modes = list(claim, "/spec/accessModes");
    let size = |amounts: &Value| Quantity::of(&amounts["storage"]).map_or(0, Quantity::nano);
    let fits = |volume: &Value| {
        text(volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
            && modes.iter().all(|mode| list(volume, "/spec/accessModes").contains(mode))
            && size(&volume["spec"]["capacity"]) >= size(&claim["spec"]["resources"]["requests"])
    };
    let is_free = |volume: &Value| {
        let claimed = text(volume, "/spec/claimRef/uid");
        !is_deleting(volume) && (claimed.is_empty() || claimed == uid(claim))
    };
    let mut volumes = state.objects("persistentvolumes.", None).into_iter();
    volumes
        .find(|volume| is_free(volume) && if named.is_empty() { fits(volume) } else { name(volume) == named })
}

/// A volume is available, bound or released; one that is deleted goes when nobody has it.
fn keep_or_let_go(state: &mut State, volume: &Value) {
    let holder = text(volume, "/spec/claimRef/uid");
    let claims = state.objects("persistentvolumeclaims.", None);
    let is_held = !holder.is_empty() && claims.iter().any(|claim| uid(claim) == holder);
    let phase = match (holder, is_held) {
        ("", _) => "Available",
        (_, true) => "Bound",
        (_, false) => "Released",
    };
    if text(volume, "/status/phase") != phase {
        write_status(state, volume, json!({"phase": phase, "lastPhaseTransitionTime": state.time()}));
    }
    if is_deleting(volume) && !is_held {
        remove_finalizer(state, volume, "kubernetes.io/pv-protection");
    }
}

/// Says once why it stays pending.
fn leave(state: &mut State, claim: &Value) {
    let told = state.objects("events.", Some(namespace(claim)));
    if told.iter().any(|event| text(event, "/involvedObject/uid") == uid(claim)) {
        return;
    }
    let class = text(claim, "/spec/storageClassName");
    let missing = format!("storageclass.storage.k8s.io \"{class}\" not found");
    let event = if class.is_empty() {
        let why = "no persistent volumes available for this claim and no storage class is set";
        Event::normal("persistentvolume-controller", "FailedBinding", why)
    } else {
        Event::warning("persistentvolume-controller", "ProvisioningFailed", &missing)
    };
    CONTROLLER_MANAGER.event(state, claim, &event);
}

fn bind(state: &mut State, claim: &Value, volume: &str) {
    let bound = CONTROLLER_MANAGER.change(state, claim, None, |claim| {
        annotate(claim, "pv.kubernetes.io/bind-completed", "yes");
        if text(claim, "/spec/volumeName").is_empty() {
            annotate(claim, "pv.kubernetes.io/bound-by-controller", "yes");
            claim["spec"]["volumeName"] = volume.into();
        }
    });
    if let Ok(Some(claim)) = bound {
        let status = json!({
            "phase": "Bound", "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim.pointer("/spec/resources/requests/storage")},
        });
        let _ = CONTROLLER_MANAGER.change(state, &claim, Some("status"), |claim| claim["status"] = status);
    }
}
