//! Which workloads a HorizontalPodAutoscaler scales: by its `scaleTargetRef`, because its scaling may leave no trace in `managedFields`.

use std::collections::{HashMap, HashSet};

use deploy_core::error::{ErrorKind, Result};
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

use super::plan::Wanted;
use super::side_by_side;
use crate::api::{Cluster, Resource};

const KIND: (&str, &str) = ("autoscaling", "HorizontalPodAutoscaler");

/// The autoscalers by what they scale.
#[derive(Default)]
pub(super) struct Autoscaled {
    /// By namespace, kind and name of the workload.
    by_target: HashMap<(String, String, String), ObjectId>,
    pub(super) notes: Vec<String>,
}

impl Autoscaled {
    /// The autoscalers of the bundle, and those that stand in the namespaces where it has something to scale.
    pub(super) async fn read(cluster: &Cluster, wanted: &[Wanted]) -> Result<Self> {
        let mut found = Self::default();
        for object in wanted {
            found.note(&object.plain);
        }
        let scalable = wanted.iter().filter(|object| !object.unserved && is_scalable(&object.plain));
        let namespaces: HashSet<&str> =
            scalable.filter_map(|object| object.place.namespace.as_deref()).collect();
        let Some(resource) = Resource::built_in_kind(KIND.0, KIND.1) else { return Ok(found) };
        let lists = namespaces.into_iter().map(|namespace| {
            let place = resource.clone().within(Some(namespace));
            async move {
                let mut items = Vec::new();
                let listed = cluster.list(&place, "", |item| items.push(item)).await;
                (namespace.to_owned(), listed.map(|_| items))
            }
        });
        for (namespace, listed) in side_by_side(lists).await {
            match listed {
                Ok(items) => {
                    items
                        .into_iter()
                        .filter_map(|item| Object::new(item).ok())
                        .for_each(|item| found.note(&item));
                }
                Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
                    found.notes.push(format!(
                        "replicas in {namespace} are set as the manifests say, whatever scales them: {error}"
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The autoscaler of a workload.
    pub(super) fn of(&self, workload: &ObjectId) -> Option<&ObjectId> {
        let namespace = workload.namespace.clone()?;
        self.by_target.get(&(namespace, workload.kind.clone(), workload.name.clone()))
    }

    fn note(&mut self, object: &Object) {
        let id = object.id();
        if !id.is(KIND.0, KIND.1) {
            return;
        }
        let text = |key: &str| object.get(&format!("/spec/scaleTargetRef/{key}")).and_then(Value::as_str);
        if let (Some(namespace), Some(kind), Some(name)) = (id.namespace.clone(), text("kind"), text("name"))
        {
            self.by_target.insert((namespace, kind.to_owned(), name.to_owned()), id);
        }
    }
}

fn is_scalable(object: &Object) -> bool {
    matches!(
        (object.group(), object.kind()),
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") | ("", "ReplicationController")
    )
}
