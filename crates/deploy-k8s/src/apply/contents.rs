//! What would go with a Namespace or a definition that is deleted: not without asking whose it is.

use deploy_core::error::Result;
use deploy_core::manifest::Object;
use deploy_core::run::DeploymentId;
use serde_json::Value;

use super::Apply;
use super::coming::defined;
use super::since::is_by;
use crate::api::{Place, Resource};

/// The kinds that a person would miss; what others own (ReplicaSets, Endpoints) follows its owner.
const MISSED: [(&str, &str); 11] = [
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "PersistentVolumeClaim"),
    ("", "Pod"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "Ingress"),
];

impl Apply {
    /// Something of somebody else that deleting `live` would delete too.
    pub(super) async fn others_inside(
        &self,
        live: &Value,
        place: &Place,
        runs: &[DeploymentId],
    ) -> Result<Option<String>> {
        let object = Object::new(live.clone())?;
        let places: Vec<Place> = match (place.resource.group.as_str(), place.resource.kind.as_str()) {
            ("", "Namespace") => {
                let kinds = MISSED.iter().filter_map(|(group, kind)| Resource::built_in_kind(group, kind));
                kinds.map(|resource| resource.within(Some(object.name()))).collect()
            }
            ("apiextensions.k8s.io", "CustomResourceDefinition") => defined(&object)
                .into_iter()
                .take(1)
                .map(|resource| Place { resource, namespace: None })
                .collect(),
            _ => return Ok(None),
        };
        for place in places {
            let mut theirs = None;
            self.cluster
                .list(&place, "", |item| {
                    if theirs.is_none() && is_somebodys(&item) && !is_by(&item, runs) {
                        let name = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                        theirs = Some(format!("{} {name}", place.resource.kind));
                    }
                })
                .await?;
            if theirs.is_some() {
                return Ok(theirs);
            }
        }
        Ok(None)
    }
}

/// Not made by Kubernetes itself in every namespace, not owned by another object, not on its way out, not a record of ours.
fn is_somebodys(item: &Value) -> bool {
    let has = |pointer: &str| item.pointer(pointer).is_some();
    let name = item.pointer("/metadata/name").and_then(Value::as_str);
    let ours = item.pointer("/metadata/labels").and_then(|labels| labels.get("app.kubernetes.io/managed-by"));
    name != Some("kube-root-ca.crt")
        && !has("/metadata/ownerReferences")
        && !has("/metadata/deletionTimestamp")
        && ours.and_then(Value::as_str) != Some("deploy-core")
}
