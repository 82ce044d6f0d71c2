//! ControllerRevisions: the templates that a StatefulSet or a DaemonSet had (`pkg/controller/history`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::claim;
use super::object::{controlled_by, int, name, namespace, text};
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;
use crate::status::Status;

const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Names of more collisions than these are not tried at once.
const MOST_COLLISIONS: i64 = 100;

/// The revisions of an object, the oldest first.
pub(super) fn list(state: &mut State, owner: &Value) -> Vec<Arc<Value>> {
    let mut revisions = claim(state, owner, "controllerrevisions.apps");
    let age = |revision: &Value| {
        let created = text(revision, "/metadata/creationTimestamp").to_owned();
        (number(revision), created, name(revision).to_owned())
    };
    revisions.sort_by_cached_key(|revision| age(revision));
    revisions
}

pub(super) fn number(revision: &Value) -> i64 {
    int(revision, "/revision").unwrap_or(0)
}

/// Whether a revision is of this pod template.
pub(super) fn is_of(revision: &Value, template: &Value) -> bool {
    let kept = revision.pointer("/data/spec/template").and_then(Value::as_object);
    let (Some(kept), Some(template)) = (kept, template.as_object()) else { return false };
    let mut fields = kept.iter().filter(|(field, _)| *field != "$patch");
    kept.len() == template.len() + usize::from(kept.contains_key("$patch"))
        && fields.all(|(field, value)| template.get(field) == Some(value))
}

/// The pod template of a revision.
pub(super) fn template(revision: &Value) -> Value {
    // Anybody may have made it.
    let mut template = revision.pointer("/data/spec/template").cloned().unwrap_or_default();
    for part in ["metadata", "spec"] {
        if !template[part].is_object() {
            return json!({"metadata": {}, "spec": {}});
        }
    }
    if let Some(template) = template.as_object_mut() {
        template.remove("$patch");
    }
    template
}

/// Makes a revision of the present template, and puts its hash into the label. `collisions` counts names that others have.
///
/// # Errors
/// What the API refuses.
pub(super) fn create(
    state: &mut State,
    owner: &Value,
    label: &str,
    revision: i64,
    collisions: &mut i64,
) -> Result<Arc<Value>, Status> {
    let mut template = owner["spec"]["template"].clone();
    template["$patch"] = "replace".into();
    let data = json!({"spec": {"template": template}});
    loop {
        let hash = hash(&data, *collisions);
        let mut labels =
            owner.pointer("/spec/template/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        labels[label] = hash.clone().into();
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {
                "name": format!("{}-{hash}", name(owner)), "namespace": namespace(owner), "labels": labels,
                "ownerReferences": [controlled_by(owner)],
            },
            "data": data, "revision": revision,
        });
        if let Some(annotations) = owner.pointer("/metadata/annotations") {
            object["metadata"]["annotations"] = annotations.clone();
        }
        match CONTROLLER_MANAGER.create(state, object) {
            Err(status) if status.reason == "AlreadyExists" && *collisions < MOST_COLLISIONS => {
                *collisions += 1;
            }
            result => return result,
        }
    }
}

/// Makes an old revision the latest one.
///
/// # Errors
/// What the API refuses.
pub(super) fn renew(state: &mut State, revision: &Arc<Value>, number: i64) -> Result<Arc<Value>, Status> {
    let changed =
        CONTROLLER_MANAGER.change(state, revision, None, |revision| revision["revision"] = number.into());
    Ok(changed?.unwrap_or_else(|| Arc::clone(revision)))
}

/// As Kubernetes names a revision: FNV-1 of its bytes, in letters that make no words.
fn hash(data: &Value, collisions: i64) -> String {
    let text = format!("{}{collisions}", escaped(&data.to_string()));
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte));
    let letter =
        |digit: u8| LETTERS.get(usize::from(digit) % LETTERS.len()).map_or('b', |letter| char::from(*letter));
    hash.to_string().bytes().map(letter).collect()
}

/// Go escapes in JSON what HTML would take for its own.
fn escaped(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a real cluster named and kept it.
    const KEPT: &str = r#"{"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "api"}}, "spec": {"containers": [
        {"image": "127.0.0.1:5000/api:v1", "imagePullPolicy": "IfNotPresent", "name": "api",
         "ports": [{"containerPort": 8080, "name": "web", "protocol": "TCP"}],
         "readinessProbe": {"failureThreshold": 3, "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
           "periodSeconds": 1, "successThreshold": 1, "timeoutSeconds": 1},
         "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}],
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
        "terminationGracePeriodSeconds": 1}}}}"#;

    #[test]
    fn a_revision_has_the_name_that_a_real_cluster_gives_it() {
        let kept: Value = serde_json::from_str(KEPT).unwrap();
        assert_eq!(hash(&kept, 0), "6785b6895b");
        assert_ne!(hash(&kept, 1), hash(&kept, 0));
        assert_eq!(escaped("a<b&&c>d"), "a\\u003cb\\u0026\\u0026c\\u003ed");
    }

    #[test]
    fn a_revision_knows_its_template() {
        let kept: Value = serde_json::from_str(KEPT).unwrap();
        let revision = json!({"data": kept});
        let mut template = template(&revision);
        assert!(template.get("$patch").is_none() && is_of(&revision, &template));
        template["spec"]["containers"][0]["image"] = "other".into();
        assert!(!is_of(&revision, &template));
        template["metadata"]["annotations"] = json!({"a": "b"});
        assert!(!is_of(&revision, &template) && !is_of(&json!({}), &template));
    }

    #[test]
    fn what_is_no_template_is_an_empty_one() {
        let nothing = json!({"metadata": {}, "spec": {}});
        for data in
            [json!({}), json!({"spec": "x"}), json!({"spec": {"template": {"metadata": {}, "spec": "x"}}})]
        {
            assert_eq!(template(&json!({"data": data})), nothing);
        }
        let kept =
            json!({"$patch": "replace", "metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
        let read = template(&json!({"data": {"spec": {"template": kept}}}));
        assert_eq!(read, json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}}));
    }
}
