//! Claims: there is always a volume for them, and who uses one keeps it (`pkg/controller/volume`).
//!
//! The volumes themselves are not kept as objects: a claim names one, as a provisioner would have made it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{annotate, is_deleting, list, namespace, text, uid};
use super::remove_finalizer;
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;

const PROTECTION: &str = "kubernetes.io/pvc-protection";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let claims = state.objects("persistentvolumeclaims.", None);
    if claims.is_empty() {
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
            bind(state, &claim);
        }
    }
    None
}

fn bind(state: &mut State, claim: &Value) {
    let volume = format!("pvc-{}", uid(claim));
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
