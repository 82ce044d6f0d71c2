//! What is shown of a revision in a list.

use std::collections::{BTreeSet, HashMap};

use deploy_core::clock::Timestamp;
use deploy_core::error::Result;
use deploy_core::manifest::{GIT_REVISION, images as images_of};
use serde::{Deserialize, Serialize};

use super::manifest;
use super::record::{Record, ReleaseStatus};
use super::said::Reader;
use super::store::{Entry, Store};
use crate::api::Cluster;

/// A recorded revision of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReleaseRevision {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision's number, from 1.
    pub revision: u64,
    /// How it stands.
    pub status: ReleaseStatus,
    /// When it was deployed, or its record written where that is not known.
    pub updated: Option<Timestamp>,
    /// Why it is as it is: `Upgrade complete`, or what failed.
    pub description: String,
    /// The chart's name and version, as in `shop-1.2.0`.
    pub chart: Option<String>,
    /// The version of what the chart deploys.
    pub app_version: Option<String>,
    /// The images of its manifest, as they stand there: tags, digests.
    pub images: Vec<String>,
    /// The git revision that its manifest was made from.
    pub git_revision: Option<String>,
    /// Why its record cannot be read; what else is said then is from its Secret's labels.
    pub unreadable: Option<String>,
}

impl ReleaseRevision {
    pub(super) fn of(entry: &Entry, reader: &mut Reader) -> Self {
        match entry.record() {
            Ok(record) => Self::of_record(entry, &record, reader),
            Err(error) => Self { unreadable: Some(error.to_string()), ..Self::of_labels(entry) },
        }
    }

    pub(super) fn of_record(entry: &Entry, record: &Record, reader: &mut Reader) -> Self {
        let metadata = |field: &str| record.chart_metadata(field).map(str::to_owned);
        let (images, git_revision) = reader.contents(record);
        let of_chart = || {
            let annotation = record.chart.get("metadata")?.get("annotations")?.get(GIT_REVISION)?;
            annotation.as_str().map(str::to_owned)
        };
        let git_revision = git_revision.or_else(of_chart);
        Self {
            status: record.info.status.clone(),
            updated: record.info.last_deployed.timestamp().or(entry.written),
            description: record.info.description.clone(),
            chart: metadata("name").map(|name| match metadata("version") {
                Some(version) => format!("{name}-{version}"),
                None => name,
            }),
            app_version: metadata("appVersion"),
            images,
            git_revision,
            ..Self::of_labels(entry)
        }
    }

    fn of_labels(entry: &Entry) -> Self {
        Self {
            name: entry.release.clone(),
            namespace: entry.namespace.clone(),
            revision: entry.revision,
            status: entry.status.clone(),
            updated: entry.written,
            description: String::new(),
            chart: None,
            app_version: None,
            images: Vec::new(),
            git_revision: None,
            unreadable: None,
        }
    }
}

/// The revision that is deployed of each release in `namespace`, by the release's name.
pub(crate) async fn deployed_revisions(cluster: &Cluster, namespace: &str) -> Result<HashMap<String, u64>> {
    let entries = Store::new(cluster.clone(), Some(namespace.to_owned())).entries(None).await?;
    let deployed = entries.into_iter().filter(|entry| entry.status == ReleaseStatus::Deployed);
    // The newest of a release comes last.
    Ok(deployed.map(|entry| (entry.release, entry.revision)).collect())
}

/// The images of all that is recorded of releases in `namespace`, hooks included.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for a record that cannot be read: what it needs is not known.
pub(crate) async fn recorded_images(cluster: &Cluster, namespace: &str) -> Result<BTreeSet<String>> {
    let mut images = BTreeSet::new();
    for entry in Store::new(cluster.clone(), Some(namespace.to_owned())).entries(None).await? {
        let record = entry.record()?;
        let hooks = record.hooks.iter().map(|hook| &hook.manifest);
        for manifest in [&record.manifest].into_iter().chain(hooks) {
            for object in manifest::objects(&record, manifest)? {
                images.extend(images_of(&object)?.iter().map(|used| used.image.to_string()));
            }
        }
    }
    Ok(images)
}
