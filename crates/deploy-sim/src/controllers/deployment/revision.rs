//! Which ReplicaSet is the present template's, which revision it is, and how many old ones are kept.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{DESIRED, MOST, NONE, Rollout, SOURCE, counted, rollout, size, told};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::controllers::object::{
    annotate, annotation, condition, controlled_by, generation, int, is_deleting, name, namespace,
};
use crate::state::State;
use crate::status::Status;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// What a ReplicaSet does not take over from its Deployment.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

/// Whether a ReplicaSet is of the Deployment's template, but for the label that its hash is.
pub(super) fn same_template(set: &Value, deployment: &Value) -> bool {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template == deployment["spec"]["template"]
}

/// Makes the ReplicaSet of the present template the latest revision, if there is one.
pub(super) fn adopt(state: &mut State, rollout: &mut Rollout) {
    let Some(set) = rollout.new.clone() else { return };
    let latest = latest(&rollout.old).saturating_add(1);
    let deployment = Arc::clone(&rollout.deployment);
    let written = CONTROLLER_MANAGER.change(state, &set, None, |set| {
        annotate_like(set, &deployment);
        let before = annotation(set, REVISION).map(str::to_owned);
        if before.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0) < latest {
            annotate(set, REVISION, &latest.to_string());
            if let Some(before) = before {
                let history = annotation(set, HISTORY).filter(|text| !text.is_empty());
                let history = history.map_or_else(|| before.clone(), |history| format!("{history},{before}"));
                annotate(set, HISTORY, &history);
            }
        }
        if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        } else if let Some(spec) = set["spec"].as_object_mut() {
            spec.remove("minReadySeconds");
        }
    });
    if let Ok(Some(written)) = written {
        rollout.new = Some(written);
    }
    let message = format!("Found new replica set \"{}\"", name(&set));
    let found = condition(&deployment, "Progressing").is_none().then_some(("FoundNewReplicaSet", message));
    tell(state, rollout, found);
}

/// Creates the ReplicaSet of the present template.
pub(super) fn create(state: &mut State, rollout: &mut Rollout) {
    if state.retries.waits(&rollout.deployment, state.now).is_some() {
        return;
    }
    let deployment = Arc::clone(&rollout.deployment);
    let replicas = rollout::first_size(rollout);
    let mut collisions = int(&deployment, "/status/collisionCount").unwrap_or(0);
    // Another object may have the name; whoever has it, is not ours.
    let created = loop {
        let mut set = replica_set(&deployment, replicas, collisions);
        annotate(&mut set, REVISION, &latest(&rollout.old).saturating_add(1).to_string());
        annotate(&mut set, DESIRED, &rollout.wanted().to_string());
        annotate(&mut set, MOST, &rollout.wanted().saturating_add(rollout.max_surge()).to_string());
        match CONTROLLER_MANAGER.create(state, set) {
            Err(status) if status.reason == "AlreadyExists" && collisions < 100 => collisions += 1,
            result => break result,
        }
    };
    match created {
        Ok(set) => {
            state.retries.forget(&deployment);
            if replicas > 0 {
                let message = format!("Scaled up replica set {} from 0 to {replicas}", name(&set));
                CONTROLLER_MANAGER.event(
                    state,
                    &deployment,
                    &Event::normal(SOURCE, "ScalingReplicaSet", &message),
                );
            }
            let message = format!("Created new replica set \"{}\"", name(&set));
            rollout.new = Some(set);
            tell(state, rollout, Some(("NewReplicaSetCreated", message)));
            count_collisions(state, rollout, collisions);
        }
        Err(status) => refused(state, rollout, &status),
    }
}

fn refused(state: &mut State, rollout: &mut Rollout, status: &Status) {
    let deployment = Arc::clone(&rollout.deployment);
    state.retries.refused(&deployment, state.now);
    let message = format!("Failed to create new replica set: {}", status.message);
    let progressing = told(state, "Progressing", "False", "ReplicaSetCreateError", &message);
    set_condition(state, rollout, progressing);
    CONTROLLER_MANAGER.event(state, &deployment, &Event::warning(SOURCE, "ReplicaSetCreateError", &message));
}

fn count_collisions(state: &mut State, rollout: &mut Rollout, collisions: i64) {
    if collisions == int(&rollout.deployment, "/status/collisionCount").unwrap_or(0) {
        return;
    }
    write_status(state, rollout, |deployment| {
        deployment["status"]["collisionCount"] = collisions.into();
    });
}

fn replica_set(deployment: &Value, replicas: i64, collisions: i64) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let hash = hash(&template, collisions);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = hash.clone().into();
    template["metadata"]["labels"][HASH] = hash.clone().into();
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": template["metadata"]["labels"], "ownerReferences": [controlled_by(deployment)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        set["spec"]["minReadySeconds"] = seconds.clone();
    }
    annotate_like(&mut set, deployment);
    set
}

/// Not the hash that Kubernetes takes, which is one of Go's memory; but as stable and of the same letters.
fn hash(template: &Value, collisions: i64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut text = template.to_string();
    if collisions > 0 {
        text.push_str(&collisions.to_string());
    }
    // FNV-1a
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let letter =
        |digit: u8| LETTERS.get(usize::from(digit) % LETTERS.len()).map_or('b', |letter| char::from(*letter));
    hash.to_string().bytes().map(letter).collect()
}

fn annotate_like(set: &mut Value, deployment: &Value) {
    let annotations = deployment.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        if let Some(value) = value.as_str().filter(|_| !OWN.contains(&key.as_str())) {
            annotate(set, key, value);
        }
    }
}

fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn latest(sets: &[Arc<Value>]) -> i64 {
    sets.iter().map(|set| revision(set)).max().unwrap_or(0)
}

/// Tells the Deployment its revision, and how it got to its ReplicaSet.
fn tell(state: &mut State, rollout: &mut Rollout, progress: Option<(&str, String)>) {
    let revision = rollout.new.as_deref().and_then(|set| annotation(set, REVISION)).map(str::to_owned);
    let progress = progress.filter(|_| super::status::deadline(&rollout.deployment).is_some());
    let progressing = progress.map(|(reason, message)| told(state, "Progressing", "True", reason, &message));
    let conditions = progressing.map(|it| super::status::with(&rollout.deployment["status"], it));
    write_status(state, rollout, |deployment| {
        if let Some(revision) = revision {
            annotate(deployment, REVISION, &revision);
        }
        if let Some(conditions) = conditions {
            deployment["status"]["conditions"] = conditions;
        }
    });
}

fn set_condition(state: &mut State, rollout: &mut Rollout, condition: Value) {
    let conditions = super::status::with(&rollout.deployment["status"], condition);
    write_status(state, rollout, |deployment| deployment["status"]["conditions"] = conditions);
}

fn write_status(state: &mut State, rollout: &mut Rollout, change: impl FnOnce(&mut Value)) {
    let written = CONTROLLER_MANAGER.change(state, &rollout.deployment, Some("status"), change);
    if let Ok(Some(written)) = written {
        rollout.deployment = written;
    }
}

/// Deletes the oldest ReplicaSets beyond the history's limit.
pub(super) fn forget_oldest(state: &mut State, rollout: &Rollout) {
    let limit = int(&rollout.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
    if limit == NONE {
        return;
    }
    let mut old: Vec<&Arc<Value>> = rollout.old.iter().filter(|set| !is_deleting(set)).collect();
    old.sort_by_key(|set| revision(set));
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for set in old.into_iter().take(surplus) {
        let observed = int(set, "/status/observedGeneration").unwrap_or(0);
        if counted(set, "replicas") == 0 && size(set) == 0 && generation(set) <= observed {
            let _ = CONTROLLER_MANAGER.delete(state, set);
        }
    }
}
