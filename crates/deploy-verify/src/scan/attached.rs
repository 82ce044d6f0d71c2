//! Reports that are attached to the image in its registry.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference};
use deploy_core::registry::{Referrer, Registry};

use super::source::{newest, none_is_of};
use super::{MAX_REPORT_BYTES, Report, ReportSource, Scanned};
use crate::images::pinned;
use crate::text::shown;

/// The artifact type that is looked for, if no other is named: `oras attach --artifact-type TYPE IMAGE report.json`.
pub const REPORT_TYPE: &str = "application/vnd.aquasec.trivy.report.v1+json";

/// The most reports that are read to find the newest.
const MOST: usize = 30;

/// When an artifact was made, by the OCI specification; `oras` writes it.
const CREATED: &str = "org.opencontainers.image.created";

/// The newest report that is attached to the image in its registry, as an artifact that refers to it.
///
/// An image without a digest is resolved first, so that the report is of what the tag stands for now. Whoever may push to the repository may
/// attach a report: it is worth as much as their word.
///
/// ```
/// use std::sync::Arc;
/// use deploy_core::memory::MemoryRegistry;
/// use deploy_verify::scan::{AttachedReport, REPORT_TYPE, ReportSource};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (registry, image) = (MemoryRegistry::new(), "registry.example/api:v1".parse()?);
/// let digest = registry.put(&image, "4f1c2d9");
/// let report = format!(r#"{{"SchemaVersion": 2, "ArtifactName": "registry.example/api@{digest}"}}"#);
/// registry.attach(image.repository(), &digest, REPORT_TYPE, report.as_bytes());
/// let scanned = AttachedReport::new(Arc::new(registry)).report(&image).await?;
/// assert_eq!(scanned.image.digest(), Some(&digest));
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub struct AttachedReport {
    registry: Arc<dyn Registry>,
    artifact_type: String,
}

impl AttachedReport {
    /// Reports of [`REPORT_TYPE`] in this registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, artifact_type: REPORT_TYPE.to_owned() }
    }

    /// Artifacts of another type.
    #[must_use]
    pub fn artifact_type(self, artifact_type: impl Into<String>) -> Self {
        Self { artifact_type: artifact_type.into(), ..self }
    }

    async fn read(&self, image: &Reference, referrer: &Referrer, subject: &Digest) -> Result<Report> {
        let repository = image.repository();
        let name = Reference::pinned(repository.clone(), referrer.digest.clone());
        let artifact = self.registry.artifact(&name).await?;
        if artifact.subject.as_ref() != Some(subject) {
            return Err(Error::invalid(format!("it does not refer to {subject}")).on(name));
        }
        let [layer] = artifact.layers.as_slice() else {
            let message = format!("it has {} layers, and a report is one", artifact.layers.len());
            return Err(Error::invalid(message).on(name));
        };
        let bytes = self.registry.blob(repository, &layer.digest, MAX_REPORT_BYTES as u64).await?;
        Report::read(&name.to_string(), &bytes)
    }
}

#[async_trait]
impl ReportSource for AttachedReport {
    fn describe(&self) -> String {
        format!("{} attached in {}", shown(&self.artifact_type, 80), self.registry.describe())
    }

    async fn report(&self, image: &Reference) -> Result<Scanned> {
        let registry = &*self.registry;
        let image = pinned(registry, image).await?;
        let Some(digest) = image.digest().cloned() else {
            return Err(Error::new(ErrorKind::Internal, "an image was resolved to no digest"));
        };
        let referrers = registry.referrers(image.repository(), &digest).await?;
        let attached: Vec<_> =
            referrers.into_iter().filter(|referrer| referrer.artifact_type == self.artifact_type).collect();
        if attached.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, format!("no report is attached to {image}")).help(
                format!("attach one: oras attach --artifact-type {} {image} report.json", self.artifact_type),
            ));
        }
        let candidates = latest(attached);
        if candidates.len() > MOST {
            let count = candidates.len();
            return Err(Error::invalid(format!(
                "{count} reports are attached to {image}, and no more than {MOST} are read"
            ))
            .help(format!(
                "attach them with the annotation {CREATED}, so that the newest is known, or delete old ones"
            )));
        }
        let mut reports = Vec::new();
        for referrer in &candidates {
            reports.push(self.read(&image, referrer, &digest).await?);
        }
        match newest(reports, &image) {
            Ok(report) => Ok(Scanned::new(image, report)),
            Err(others) => Err(none_is_of(&others, &image)),
        }
    }
}

/// The newest by its annotation, where every one has it; else all, and the reports themselves must tell.
fn latest(attached: Vec<Referrer>) -> Vec<Referrer> {
    let created = |referrer: &Referrer| -> Option<deploy_core::clock::Timestamp> {
        referrer.annotations.get(CREATED)?.parse().ok()
    };
    if !attached.iter().all(|referrer| created(referrer).is_some()) {
        return attached;
    }
    attached.into_iter().max_by_key(created).into_iter().collect()
}
