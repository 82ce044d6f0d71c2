//! The revisions that Kubernetes itself keeps of a workload: ReplicaSets of a Deployment, ControllerRevisions of a StatefulSet or
//! DaemonSet.

use std::collections::BTreeMap;
use std::fmt;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{GIT_REVISION, ObjectId};
use deploy_core::target::Revision;
use serde::Serialize;
use serde_json::Value;

use super::template;
use crate::api::{Place, Resource, escape};
use crate::apply::Apply;

/// Why a revision is as it is, by kubectl's convention; the controllers copy it from the workload to the revision.
pub(super) const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// The number of a ReplicaSet's revision.
const NUMBER: &str = "deployment.kubernetes.io/revision";

/// The newest revisions that are looked at. Kubernetes keeps 10 of a workload, unless its `revisionHistoryLimit` says otherwise.
const MAX_REVISIONS: usize = 1000;

/// A revision that Kubernetes keeps of a workload.
///
/// `Debug` and JSON leave the template out: its environment may hold what nobody should see.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkloadRevision {
    /// Its number; when it was rolled out first; `current` or `superseded`; the change cause (`kubernetes.io/change-cause`, empty where
    /// none was given); its images; the git revision it was deployed from last.
    #[serde(flatten)]
    pub revision: Revision,
    /// Whether it is what the workload's template says now. While the controller has not seen a new template yet, and of a
    /// paused Deployment that was changed since, none is.
    pub current: bool,
    #[serde(skip)]
    template: Value,
}

impl WorkloadRevision {
    /// Its whole pod template, as the workload had it.
    pub fn template(&self) -> &Value {
        &self.template
    }

    /// What a ReplicaSet or ControllerRevision records; `None` if it has no number or no whole template.
    pub(super) fn of(record: &Value, present: Option<&Value>) -> Option<Self> {
        let annotation = |key: &str| record.pointer("/metadata/annotations")?.get(key)?.as_str();
        let number = match record.get("revision") {
            Some(number) => number.as_u64()?,
            None => annotation(NUMBER)?.parse().ok()?,
        };
        let template = template::recorded(record).filter(|_| number > 0)?;
        let current = present == Some(&template);
        let mut revision = Revision::new(number, if current { "current" } else { "superseded" });
        let created = record.pointer("/metadata/creationTimestamp").and_then(Value::as_str);
        revision.deployed = created.and_then(|created| created.parse().ok());
        revision.description = annotation(CHANGE_CAUSE).map(str::to_owned).unwrap_or_default();
        revision.images = template::images(&template);
        revision.git_revision = annotation(GIT_REVISION).map(str::to_owned);
        Some(Self { revision, current, template })
    }
}

impl fmt::Debug for WorkloadRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadRevision")
            .field("revision", &self.revision)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl Apply {
    /// The revisions that Kubernetes keeps of a Deployment, StatefulSet or DaemonSet, the newest first; at most the newest 1,000.
    /// As `kubectl rollout history` has them, and after a return to an old template only the newer of its two numbers exists.
    ///
    /// Two requests (more if there are over 500 ReplicaSets or ControllerRevisions with the workload's labels). Writes nothing.
    /// Cancel safe.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such object; [`Unsupported`](ErrorKind::Unsupported) for a kind of
    /// which no revisions are kept; what the cluster refuses (it takes get on the kind, and list on replicasets or controllerrevisions).
    pub async fn workload_history(&self, workload: &ObjectId) -> Result<Vec<WorkloadRevision>> {
        let history = async {
            records(workload)?;
            let live = self.live(workload).await?;
            self.revisions_of(workload, &live).await
        };
        history.await.map_err(|error| error.during("history"))
    }

    pub(super) async fn revisions_of(&self, id: &ObjectId, live: &Value) -> Result<Vec<WorkloadRevision>> {
        let place = records(id)?;
        let mut history = History::of(live);
        self.cluster().list(&place, &label_selector(live), |record| history.add(&record)).await?;
        Ok(history.newest_first())
    }
}

/// Where the revisions of a workload are recorded.
pub(super) fn records(id: &ObjectId) -> Result<Place> {
    let kind = match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => "ReplicaSet",
        ("apps", "StatefulSet" | "DaemonSet") => "ControllerRevision",
        _ => return Err(unsupported(id)),
    };
    let resource = Resource::built_in_kind("apps", kind).ok_or_else(|| unsupported(id))?;
    Ok(resource.within(id.namespace.as_deref()))
}

fn unsupported(id: &ObjectId) -> Error {
    Error::new(ErrorKind::Unsupported, "Kubernetes keeps no revisions of this kind")
        .on(id)
        .help("name a Deployment, a StatefulSet or a DaemonSet")
}

/// Asks for fewer records. What it leaves out is never the workload's own: their labels are a template's, which the selector matches.
fn label_selector(live: &Value) -> String {
    let labels = live.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let equal =
        labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    match equal.collect::<Vec<_>>() {
        equal if equal.is_empty() => String::new(),
        equal => format!("&labelSelector={}", escape(&equal.join(","))),
    }
}

/// Collects the revisions of one workload from records of many.
struct History<'a> {
    uid: Option<&'a str>,
    present: Option<Value>,
    /// By number; the name decides where hostile records share one.
    found: BTreeMap<(u64, String), WorkloadRevision>,
}

impl<'a> History<'a> {
    fn of(live: &'a Value) -> Self {
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        Self { uid, present: template::present(live), found: BTreeMap::new() }
    }

    fn add(&mut self, record: &Value) {
        if !self.owns(record) {
            return;
        }
        if let Some(revision) = WorkloadRevision::of(record, self.present.as_ref()) {
            let name = record.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            self.found.insert((revision.revision.number, name.to_owned()), revision);
            if self.found.len() > MAX_REVISIONS {
                self.found.pop_first();
            }
        }
    }

    fn owns(&self, record: &Value) -> bool {
        let owners = record.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| {
            let uid = owner.get("uid").and_then(Value::as_str);
            uid.is_some() && uid == self.uid && owner.get("controller").and_then(Value::as_bool) == Some(true)
        })
    }

    fn newest_first(self) -> Vec<WorkloadRevision> {
        self.found.into_values().rev().collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in crate::workload) fn pod_template(image: &str) -> Value {
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "api", "image": image}]}})
    }

    pub(in crate::workload) fn live(kind: &str, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": "api", "namespace": "shop", "uid": "u-1"},
            "spec": {"selector": {"matchLabels": {"app": "api"}}, "template": pod_template(image)},
        })
    }

    /// The history of a Deployment, from the number and the image of its revisions.
    pub(in crate::workload) fn history(live: &Value, records: &[(u64, &str)]) -> Vec<WorkloadRevision> {
        let mut history = History::of(live);
        for (number, image) in records {
            history.add(&replica_set(&number.to_string(), image));
        }
        history.newest_first()
    }

    fn metadata(name: &str) -> Value {
        json!({
            "name": name, "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"uid": "u-1", "controller": true}],
        })
    }

    fn replica_set(number: &str, image: &str) -> Value {
        let mut template = pod_template(image);
        template["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
        let mut metadata = metadata(&format!("api-{number}"));
        metadata["annotations"] = json!({NUMBER: number});
        json!({"metadata": metadata, "spec": {"template": template}})
    }

    pub(in crate::workload) fn controller_revision(number: i64, image: &str) -> Value {
        let mut template = pod_template(image);
        template["$patch"] = "replace".into();
        json!({"metadata": metadata(&format!("api-{number}")), "data": {"spec": {"template": template}}, "revision": number})
    }

    /// The revisions of a history: `NUMBER IMAGE`, the current one with a star.
    fn told(live: &Value, records: &[Value]) -> Vec<String> {
        let mut history = History::of(live);
        for record in records {
            history.add(record);
        }
        let told = |found: WorkloadRevision| {
            let star = if found.current { "*" } else { "" };
            format!("{}{star} {}", found.revision.number, found.revision.images.join(","))
        };
        history.newest_first().into_iter().map(told).collect()
    }

    #[test]
    fn newest_first_by_number_and_not_by_text() {
        let sets = [replica_set("9", "a:9"), replica_set("10", "a:10"), replica_set("2", "a:2")];
        assert_eq!(told(&live("Deployment", "a:10"), &sets), ["10* a:10", "9 a:9", "2 a:2"]);
        let revisions = [controller_revision(9, "a:9"), controller_revision(10, "a:10")];
        assert_eq!(told(&live("StatefulSet", "a:9"), &revisions), ["10 a:10", "9* a:9"]);
    }

    #[test]
    fn only_what_the_workload_controls() {
        let with = |pointer: &str, value: Value| {
            let mut set = replica_set("1", "a:1");
            *set.pointer_mut(pointer).unwrap() = value;
            set
        };
        let others = [
            with("/metadata/ownerReferences/0/uid", json!("u-2")),
            with("/metadata/ownerReferences/0/controller", json!(false)),
            with("/metadata/ownerReferences", json!(null)),
        ];
        assert!(told(&live("Deployment", "a:1"), &others).is_empty());
        let mut nameless = live("Deployment", "a:1");
        nameless["metadata"]["uid"] = json!(null);
        assert!(told(&nameless, &[with("/metadata/ownerReferences/0/uid", json!(null))]).is_empty());
    }

    #[test]
    fn what_is_no_revision_is_left_out() {
        let none = |record: Value| assert!(told(&live("Deployment", "a:1"), &[record]).is_empty());
        none(replica_set("", "a:1"));
        none(replica_set("0", "a:1"));
        none(replica_set("-1", "a:1"));
        none(replica_set("18446744073709551616", "a:1"));
        none(controller_revision(-1, "a:1"));
        none(json!({"metadata": metadata("x"), "revision": 1, "data": null}));
        none(
            json!({"metadata": metadata("x"), "revision": "1", "data": {"spec": {"template": {"$patch": "replace", "spec": {}}}}}),
        );
    }

    #[test]
    fn two_of_one_number_are_both_told() {
        let mut other = replica_set("1", "a:2");
        other["metadata"]["name"] = "api-other".into();
        let told = told(&live("Deployment", "a:1"), &[other, replica_set("1", "a:1")]);
        assert_eq!(told, ["1 a:2", "1* a:1"]);
    }

    #[test]
    fn the_oldest_of_too_many_are_left_out() {
        let records: Vec<_> =
            (1..=MAX_REVISIONS + 5).map(|number| replica_set(&number.to_string(), "a:1")).collect();
        let told = told(&live("Deployment", "a:2"), &records);
        assert_eq!((told.len(), told.last().unwrap().as_str()), (MAX_REVISIONS, "6 a:1"));
    }

    #[test]
    fn tells_why_and_from_where_but_not_what_is_inside() {
        let mut set = replica_set("3", "a:3");
        set["metadata"]["annotations"][CHANGE_CAUSE] = "release 3".into();
        set["metadata"]["annotations"][GIT_REVISION] = "5f2c1e9".into();
        set["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "TOKEN", "value": "hunter2"}]);
        let found = WorkloadRevision::of(&set, None).unwrap();
        assert_eq!(found.revision.description, "release 3");
        assert_eq!(found.revision.git_revision.as_deref(), Some("5f2c1e9"));
        assert_eq!(found.revision.deployed.unwrap().to_string(), "2026-01-01T00:00:00Z");
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!((&json["number"], &json["current"]), (&json!(3), &json!(false)));
        assert!(!format!("{found:?}{json}").contains("hunter2"));
    }

    #[test]
    fn selects_by_labels_where_they_can_be_read() {
        let check = |selector: Value, query: &str| {
            assert_eq!(label_selector(&json!({"spec": {"selector": selector}})), query);
        };
        check(
            json!({"matchLabels": {"app": "api", "x.io/tier": "web"}}),
            "&labelSelector=app%3Dapi%2Cx.io%2Ftier%3Dweb",
        );
        check(json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), "");
        check(json!({"matchLabels": {"app": 1}}), "");
        check(json!("x"), "");
    }
}
