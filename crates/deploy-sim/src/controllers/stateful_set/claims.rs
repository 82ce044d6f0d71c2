//! The claims of a StatefulSet's pods: one of every template, kept as long as the retention policy says.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Rollout, SOURCE};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::controllers::object::{controlled_by, is_deleting, list, name, namespace, text, uid};
use crate::state::State;
use crate::status::Status;

fn templates(set: &Value) -> &[Value] {
    list(set, "/spec/volumeClaimTemplates")
}

fn claim_name(set: &Value, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", name(template), name(set))
}

fn find(state: &State, set: &Value, named: &str) -> Option<Arc<Value>> {
    let claims = state.objects("persistentvolumeclaims.", Some(namespace(set)));
    claims.into_iter().find(|claim| name(claim) == named)
}

/// Creates the claims of a pod that are not there.
pub(super) fn create(state: &mut State, rollout: &Rollout, ordinal: i64, pod: &Value) -> Result<(), Status> {
    let set = &rollout.set;
    for template in templates(set) {
        let named = claim_name(set, template, ordinal);
        match find(state, set, &named) {
            Some(claim) if is_deleting(&claim) => {
                return Err(Status::new(500, "", format!("pvc {named} is being deleted")));
            }
            Some(_) => continue,
            None => {}
        }
        let created = CONTROLLER_MANAGER.create(state, new(set, template, &named));
        let about =
            |word: &str| format!("Create Claim {named} {word} {} in StatefulSet {}", name(pod), name(set));
        match created {
            Ok(_) => {
                let message = format!("{} success", about("Pod"));
                CONTROLLER_MANAGER.event(state, set, &Event::normal(SOURCE, "SuccessfulCreate", &message));
            }
            Err(status) => {
                let message = format!("{} failed error: {}", about("for Pod"), status.message);
                CONTROLLER_MANAGER.event(state, set, &Event::warning(SOURCE, "FailedCreate", &message));
                return Err(Status {
                    message: format!("failed to create PVC {named}: {}", status.message),
                    ..status
                });
            }
        }
    }
    Ok(())
}

fn new(set: &Value, template: &Value, named: &str) -> Value {
    let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    let selected = set.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    for (key, value) in selected.into_iter().flatten() {
        labels[key] = value.clone();
    }
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": named, "namespace": namespace(set), "labels": labels},
        "spec": template["spec"],
    });
    if let Some(annotations) = template.pointer("/metadata/annotations") {
        claim["metadata"]["annotations"] = annotations.clone();
    }
    claim
}

/// Gives a pod the volumes that its claims are.
pub(super) fn mount(pod: &mut Value, set: &Value, ordinal: i64) {
    let of = |template: &Value| json!({"name": name(template), "persistentVolumeClaim": {"claimName": claim_name(set, template, ordinal)}});
    let mut volumes: Vec<Value> = templates(set).iter().map(of).collect();
    if volumes.is_empty() {
        return;
    }
    let is_claim = |volume: &Value| templates(set).iter().any(|template| volume["name"] == name(template));
    let others = list(pod, "/spec/volumes").iter().filter(|volume| !is_claim(volume));
    volumes.extend(others.cloned());
    pod["spec"]["volumes"] = volumes.into();
}

/// Whether a claim still belongs to a pod of the same name that is gone: it goes first, before there is another pod.
pub(super) fn is_stale(state: &State, rollout: &Rollout, ordinal: i64) -> bool {
    let set = &rollout.set;
    deletes(set, "whenScaled")
        && templates(set).iter().any(|template| {
            let claim = find(state, set, &claim_name(set, template, ordinal));
            claim.is_some_and(|claim| owners(&claim).any(|owner| owner["kind"] == "Pod"))
        })
}

/// Makes the claims go with the set or with the pod, as the retention policy says.
pub(super) fn own(state: &mut State, rollout: &Rollout, ordinal: i64, pod: &Value) {
    let set = &rollout.set;
    let by_pod = deletes(set, "whenScaled") && !rollout.is_wanted(ordinal);
    let by_set = deletes(set, "whenDeleted") && !by_pod;
    for template in templates(set) {
        let Some(claim) = find(state, set, &claim_name(set, template, ordinal)) else { continue };
        let has = |owner: &Value| owners(&claim).any(|found| found["uid"] == uid(owner));
        if has(set) == by_set && has(pod) == by_pod {
            continue;
        }
        let _ = CONTROLLER_MANAGER.change(state, &claim, None, |claim| {
            let mut left: Vec<Value> = owners(claim)
                .filter(|owner| owner["uid"] != uid(set) && owner["uid"] != uid(pod))
                .cloned()
                .collect();
            left.extend(by_set.then(|| controlled_by(set)));
            left.extend(by_pod.then(|| controlled_by(pod)));
            let Some(metadata) = claim["metadata"].as_object_mut() else { return };
            if left.is_empty() {
                metadata.remove("ownerReferences");
            } else {
                metadata.insert("ownerReferences".into(), left.into());
            }
        });
    }
}

fn owners(claim: &Value) -> impl Iterator<Item = &Value> {
    list(claim, "/metadata/ownerReferences").iter()
}

fn deletes(set: &Value, when: &str) -> bool {
    text(set, &format!("/spec/persistentVolumeClaimRetentionPolicy/{when}")) == "Delete"
}
