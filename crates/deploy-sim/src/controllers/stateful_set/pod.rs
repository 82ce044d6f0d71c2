//! The pods of a StatefulSet: their names, what they are made of, and what is told of them.

use serde_json::{Value, json};

use super::{Rollout, SOURCE, claims};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::controllers::object::{name, text};
use crate::controllers::{history, pods};
use crate::state::State;
use crate::status::Status;

const REVISION: &str = "controller-revision-hash";
const NAME: &str = "statefulset.kubernetes.io/pod-name";
const INDEX: &str = "apps.kubernetes.io/pod-index";

/// The number at the end of a pod's name, if the rest is the StatefulSet's.
pub(super) fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    let (start, ordinal) = name(pod).rsplit_once('-')?;
    let is_number = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    ordinal.parse().ok().filter(|_| is_number && start == name(set))
}

/// The name of the revision that a pod is of.
pub(super) fn revision(pod: &Value) -> &str {
    let labels = pod.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(REVISION)).and_then(Value::as_str).unwrap_or_default()
}

/// Creates a pod after its claims.
pub(super) fn create(state: &mut State, rollout: &Rollout, ordinal: i64) -> Result<(), Status> {
    let pod = new(rollout, ordinal);
    if let Err(status) = claims::create(state, rollout, ordinal, &pod) {
        tell(state, rollout, "Create", &pod, Some(&status));
        return Err(status);
    }
    match CONTROLLER_MANAGER.create(state, pod.clone()) {
        Ok(created) => {
            claims::own(state, rollout, ordinal, &created);
            tell(state, rollout, "Create", &created, None);
            Ok(())
        }
        Err(status) => {
            // Another object may have the name; it may go.
            if status.reason != "AlreadyExists" {
                tell(state, rollout, "Create", &pod, Some(&status));
            }
            Err(status)
        }
    }
}

pub(super) fn delete(state: &mut State, rollout: &Rollout, pod: &Value) -> Result<(), Status> {
    let deleted = CONTROLLER_MANAGER.delete(state, pod);
    tell(state, rollout, "Delete", pod, deleted.as_ref().err());
    deleted
}

/// Gives a pod that was adopted the labels of its identity.
pub(super) fn identify(state: &mut State, rollout: &Rollout, pod: &Value) {
    let labels = pod.pointer("/metadata/labels");
    let Some(ordinal) = ordinal(&rollout.set, pod) else { return };
    if labels.and_then(|labels| labels.get(NAME)).and_then(Value::as_str) == Some(name(pod)) {
        return;
    }
    let changed = CONTROLLER_MANAGER.change(state, pod, None, |pod| label(pod, ordinal));
    tell(state, rollout, "Update", pod, changed.as_ref().err());
}

fn label(pod: &mut Value, ordinal: i64) {
    let named = name(pod).to_owned();
    if !pod["metadata"]["labels"].is_object() {
        pod["metadata"]["labels"] = json!({});
    }
    pod["metadata"]["labels"][NAME] = named.into();
    pod["metadata"]["labels"][INDEX] = ordinal.to_string().into();
}

fn new(rollout: &Rollout, ordinal: i64) -> Value {
    let set = &rollout.set;
    let revision = rollout.revision_of(ordinal);
    let named = format!("{}-{ordinal}", name(set));
    let mut pod = pods::of_template(set, &history::template(revision), &format!("{}-", name(set)), &named);
    label(&mut pod, ordinal);
    pod["metadata"]["labels"][REVISION] = revision["metadata"]["name"].clone();
    pod["spec"]["hostname"] = named.into();
    let service = text(set, "/spec/serviceName");
    if !service.is_empty() {
        pod["spec"]["subdomain"] = service.into();
    }
    claims::mount(&mut pod, set, ordinal);
    pod
}

fn tell(state: &mut State, rollout: &Rollout, verb: &str, pod: &Value, failure: Option<&Status>) {
    let about = format!("{verb} Pod {} in StatefulSet {}", name(pod), name(&rollout.set));
    let (reason, message) = match failure {
        None => (format!("Successful{verb}"), format!("{about} successful")),
        Some(status) => (format!("Failed{verb}"), format!("{about} failed error: {}", status.message)),
    };
    let event = match failure {
        None => Event::normal(SOURCE, &reason, &message),
        Some(_) => Event::warning(SOURCE, &reason, &message),
    };
    CONTROLLER_MANAGER.event(state, &rollout.set, &event);
}
