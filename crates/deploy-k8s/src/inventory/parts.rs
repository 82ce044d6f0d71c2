//! What is kept of an object that may run, or stands between a workload and its pods.

use std::collections::BTreeMap;

use deploy_core::clock::Timestamp;
use deploy_core::manifest::{DEPLOYMENT_ID, GIT_REVISION, ObjectId};
use k8s_fields::{FieldPath, ManagedFields, PathElement};
use serde_json::Value;

use crate::release::release_of;

/// An object, as far as it says what runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) id: Option<ObjectId>,
    pub(super) uid: String,
    /// The uid of what controls it.
    pub(super) controller: Option<String>,
    pub(super) containers: Vec<Container>,
    /// What a pod reports, by container.
    pub(super) digests: BTreeMap<String, String>,
    pub(super) git_revision: Option<String>,
    pub(super) deployment: Option<String>,
    /// The release that it belongs to, with its namespace.
    pub(super) release: Option<(String, String)>,
    /// The number of its revision.
    pub(super) revision: Option<String>,
    /// Whether it ended.
    pub(super) ended: bool,
}

/// A container as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    /// When somebody last wrote what names the image.
    pub(super) written: Option<Timestamp>,
}

impl Part {
    /// `None` for what is no object of the API.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let annotation =
            |key: &str| object.pointer("/metadata/annotations")?.get(key)?.as_str().map(str::to_owned);
        let api_version = text("/apiVersion")?;
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let kind = text("/kind")?;
        let id = ObjectId::new(group, kind, text("/metadata/namespace"), text("/metadata/name")?);
        let pods = match kind {
            "Pod" => &["spec"][..],
            "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
            _ => &["spec", "template", "spec"],
        };
        Some(Self {
            id: Some(id),
            uid: text("/metadata/uid")?.to_owned(),
            controller: controller(object),
            containers: containers(object, pods),
            digests: if kind == "Pod" { digests(object) } else { BTreeMap::new() },
            git_revision: annotation(GIT_REVISION),
            deployment: annotation(DEPLOYMENT_ID),
            release: release_of(object),
            revision: annotation("deployment.kubernetes.io/revision").filter(|_| kind == "Deployment"),
            ended: has_ended(kind, object),
        })
    }
}

/// The uid of what controls an object.
pub(crate) fn controller(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    Some(owners.iter().find(controls)?.get("uid")?.as_str()?.to_owned())
}

/// Init containers too: they run again when a pod starts again.
fn containers(object: &Value, pods: &[&str]) -> Vec<Container> {
    let managed = ManagedFields::of(object).ok();
    let pods_path = FieldPath::fields(pods.iter().copied());
    let mut found = Vec::new();
    for list in ["containers", "initContainers"] {
        let listed = object.pointer(&format!("/{}/{list}", pods.join("/"))).and_then(Value::as_array);
        for container in listed.into_iter().flatten() {
            let text = |key: &str| container.get(key).and_then(Value::as_str);
            let (Some(name), Some(image)) = (text("name"), text("image")) else { continue };
            let path = pods_path
                .child(PathElement::field(list))
                .child(PathElement::key([("name", name)]))
                .child(PathElement::field("image"));
            let written = managed.as_ref().and_then(|managed| last_written(managed, &path));
            found.push(Container { name: name.to_owned(), image: image.to_owned(), written });
        }
    }
    found
}

fn last_written(managed: &ManagedFields, path: &FieldPath) -> Option<Timestamp> {
    let owns =
        managed.entries.iter().filter(|entry| entry.subresource.is_none() && entry.fields.contains(path));
    owns.filter_map(|entry| entry.time.as_deref()?.parse().ok()).max()
}

/// What a pod's `imageID`s name after the `@`. A bare `sha256:…` is the digest of a config, which no registry resolves.
fn digests(pod: &Value) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for list in ["/status/containerStatuses", "/status/initContainerStatuses"] {
        for status in pod.pointer(list).and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| status.get(key).and_then(Value::as_str);
            if let (Some(name), Some((_, digest))) =
                (text("name"), text("imageID").and_then(|image| image.rsplit_once('@')))
            {
                digests.insert(name.to_owned(), digest.to_owned());
            }
        }
    }
    digests
}

fn has_ended(kind: &str, object: &Value) -> bool {
    let is = |condition: &Value, kind: &str| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str);
        text("type") == Some(kind) && text("status") == Some("True")
    };
    match kind {
        "Pod" => {
            matches!(object.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
        }
        "Job" => {
            let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
            conditions.into_iter().flatten().any(|one| is(one, "Complete") || is(one, "Failed"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_says_what_it_runs() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "api-1", "namespace": "shop", "uid": "u1",
                "ownerReferences": [{"uid": "other"}, {"uid": "set", "controller": true}]},
            "spec": {"containers": [{"name": "api", "image": "a:v1"}, {"name": "none"}],
                "initContainers": [{"name": "wait", "image": "w:v1"}]},
            "status": {"phase": "Running",
                "containerStatuses": [{"name": "api", "imageID": "docker-pullable://r/a@sha256:aa"}],
                "initContainerStatuses": [{"name": "wait", "imageID": "sha256:bb"}]},
        });
        let part = Part::of(&pod).unwrap();
        assert_eq!(part.controller.as_deref(), Some("set"));
        let names: Vec<_> =
            part.containers.iter().map(|one| (one.name.as_str(), one.image.as_str())).collect();
        assert_eq!(names, [("api", "a:v1"), ("wait", "w:v1")]);
        assert_eq!(part.digests, BTreeMap::from([("api".to_owned(), "sha256:aa".to_owned())]));
        assert!(!part.ended);
    }

    #[test]
    fn what_ended_does_not_run() {
        let check = |kind: &str, status: Value, ended: bool| {
            let api = if kind == "Job" { "batch/v1" } else { "v1" };
            let object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x", "uid": "u"}, "status": status});
            assert_eq!(Part::of(&object).unwrap().ended, ended, "{object}");
        };
        check("Pod", json!({"phase": "Succeeded"}), true);
        check("Pod", json!({"phase": "Pending"}), false);
        check("Job", json!({}), false);
        check("Job", json!({"conditions": [{"type": "Suspended", "status": "True"}]}), false);
        check("Job", json!({"conditions": [{"type": "Failed", "status": "True"}]}), true);
        check("Job", json!({"conditions": [{"type": "Complete", "status": "False"}]}), false);
    }

    #[test]
    fn an_image_was_put_there_when_its_field_was_written_last() {
        let entry = |manager: &str, time: &str, subresource: Value, field: &str| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": time, "fieldsType": "FieldsV1",
                "subresource": subresource,
                "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, field: {}}}}}}}})
        };
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "shop", "uid": "u1", "managedFields": [
                entry("kubectl", "2026-11-20T10:00:00Z", Value::Null, "f:image"),
                entry("xtask", "2026-11-21T10:00:00Z", Value::Null, "f:image"),
                entry("later", "2026-11-22T10:00:00Z", Value::Null, "f:env"),
                entry("status", "2026-11-23T10:00:00Z", "status".into(), "f:image"),
            ]},
            "spec": {"template": {"spec": {"containers": [{"name": "api", "image": "a:v1"}]}}},
        });
        let part = Part::of(&deployment).unwrap();
        assert_eq!(part.containers[0].written, "2026-11-21T10:00:00Z".parse().ok());
    }
}
