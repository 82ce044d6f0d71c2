//! What runs in a namespace, and what a way back there would need: [`Cluster`] as an [`Inventory`].
//!
//! A row is a container of a workload that nothing here controls: a Deployment, StatefulSet, DaemonSet or CronJob, or a ReplicaSet, Job or
//! Pod on its own. Its digests are those that its pods report. A Job or Pod that ended does not run.

mod parts;
mod rows;

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::inventory::{Inventory, RunningImage};

use self::parts::Part;
pub(crate) use self::parts::controller;
use crate::api::{Cluster, Place, Resource};
use crate::apply::side_by_side;
use crate::release::{deployed_revisions, recorded_images};
use crate::workload::template;

/// What may run, and what stands between a workload and its pods.
const KINDS: [(&str, &str); 7] = [
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("", "Pod"),
];
/// What Kubernetes records earlier pod templates in.
const REVISIONS: [(&str, &str); 2] = [("apps", "ReplicaSet"), ("apps", "ControllerRevision")];

#[async_trait]
impl Inventory for Cluster {
    /// Seven lists side by side, each of a request or more; the Secrets of releases as well where something bears a release's marks. Without the
    /// right to list those, the revision of a release is not told. Cancel safe.
    async fn running(&self, namespace: &str) -> Result<Vec<RunningImage>> {
        let lists = places(&KINDS, namespace).map(|place| async move {
            self.select(&place, "", |object| Part::of(&object)).await.map(|(parts, _)| parts)
        });
        let mut parts = Vec::new();
        for listed in side_by_side(lists).await {
            parts.append(&mut listed.map_err(|error| error.during("list what runs"))?);
        }
        let released = if parts.iter().any(|part| part.release.is_some()) {
            match deployed_revisions(self, namespace).await {
                Ok(revisions) => revisions,
                Err(error) if error.kind() == ErrorKind::Forbidden => HashMap::new(),
                Err(error) => return Err(error.during("list what runs")),
            }
        } else {
            HashMap::new()
        };
        Ok(rows::rows(&parts, &released))
    }

    /// The images of ReplicaSets, ControllerRevisions and the records of releases, hooks included. Cancel safe.
    async fn kept(&self, namespace: &str) -> Result<Vec<String>> {
        let keep =
            |record: serde_json::Value| template::recorded(&record).map(|found| template::images(&found));
        let lists = places(&REVISIONS, namespace)
            .map(|place| async move { self.select(&place, "", keep).await.map(|(images, _)| images) });
        let mut images = BTreeSet::new();
        for listed in side_by_side(lists).await {
            let listed = listed.map_err(|error| error.during("list what a way back needs"))?;
            images.extend(listed.into_iter().flatten());
        }
        let recorded = recorded_images(self, namespace).await;
        images.extend(recorded.map_err(|error| error.during("list what a way back needs"))?);
        Ok(images.into_iter().collect())
    }
}

fn places(kinds: &'static [(&str, &str)], namespace: &str) -> impl Iterator<Item = Place> {
    let built_in = kinds.iter().filter_map(|(group, kind)| Resource::built_in_kind(group, kind));
    built_in.map(move |resource| resource.within(Some(namespace)))
}
