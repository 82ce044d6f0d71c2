//! Small artifacts: reports, signatures, whatever refers to an image.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository, Tag};
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::remote::{Manifest, Remote};
use super::transfer::Transferred;
use super::{Pushed, move_tag, referrers};
use crate::content::{Content, Descriptor, OCI_MANIFEST};
use crate::registry::OciRegistry;

/// The media type of no content: `{}` (image specification, "Guidance for an Empty Descriptor").
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// An artifact to be pushed: an image manifest with an artifact type, and content that is in memory.
///
/// The same artifact has the same digest: pushed twice, it is there once.
///
/// ```
/// use deploy_core::image::Digest;
/// use deploy_registry::NewArtifact;
///
/// let image = Digest::sha256(b"the image's manifest");
/// let report = NewArtifact::new("application/vnd.example.report")
///     .layer("application/json", r#"{"passed": true}"#)
///     .annotation("org.opencontainers.image.description", "smoke tests")
///     .about(image);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewArtifact {
    artifact_type: String,
    layers: Vec<(String, Bytes)>,
    annotations: BTreeMap<String, String>,
    subject: Option<Digest>,
    tag: Option<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    schema_version: u32,
    media_type: &'a str,
    artifact_type: &'a str,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl NewArtifact {
    /// An artifact of a type, a media type, without content.
    pub fn new(artifact_type: impl Into<String>) -> Self {
        Self {
            artifact_type: artifact_type.into(),
            layers: Vec::new(),
            annotations: BTreeMap::new(),
            subject: None,
            tag: None,
        }
    }

    /// Adds content.
    pub fn layer(mut self, media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.layers.push((media_type.into(), Bytes::from(bytes.into())));
        self
    }

    /// Adds an annotation.
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Refers to a manifest of the same repository: it is listed among what refers to that.
    pub fn about(mut self, subject: Digest) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Gives it a tag. One that stands for something else is moved.
    pub fn tagged(mut self, tag: Tag) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Its blobs.
    fn blobs(&self) -> Vec<(Descriptor, Bytes)> {
        let empty = Bytes::from_static(b"{}");
        let mut blobs = vec![(Descriptor::new(EMPTY, &empty), empty)];
        blobs.extend(
            self.layers.iter().map(|(media_type, bytes)| (Descriptor::new(media_type, bytes), bytes.clone())),
        );
        blobs
    }

    fn manifest(&self, subject: Option<Descriptor>) -> Result<Manifest> {
        let mut layers: Vec<Descriptor> =
            self.blobs().into_iter().map(|(descriptor, _)| descriptor).collect();
        let config = layers.remove(0);
        if layers.is_empty() {
            layers.push(config.clone());
        }
        let fields = Fields {
            schema_version: 2,
            media_type: OCI_MANIFEST,
            artifact_type: &self.artifact_type,
            config,
            layers,
            subject,
            annotations: &self.annotations,
        };
        let bytes = serde_json::to_vec(&fields).map_err(|error| {
            Error::new(ErrorKind::Internal, "the manifest cannot be written").source(error)
        })?;
        let content = Content::read(&bytes, Some(OCI_MANIFEST))?;
        Ok(Manifest { descriptor: Descriptor::new(OCI_MANIFEST, &bytes), bytes: Bytes::from(bytes), content })
    }
}

impl OciRegistry {
    /// Pushes an artifact. Where the registry keeps no list of what refers to what, the index under the subject's tag is kept, as the
    /// specification has it for such registries. Such a registry cannot be asked to hold to what was read: of two that write the index at the same
    /// moment, one entry may be lost. Pushed again, it is listed again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is about a manifest that is not in the repository; what the registry refuses.
    pub async fn push_artifact(&self, repository: &Repository, artifact: &NewArtifact) -> Result<Pushed> {
        let remote = Remote::target(self, repository);
        let pushed = push(&remote, artifact).await;
        pushed.map_err(|error| error.during("push an artifact to").on(repository))
    }
}

async fn push(remote: &Remote, artifact: &NewArtifact) -> Result<Pushed> {
    let subject = match &artifact.subject {
        Some(digest) => {
            let found = remote.manifest(digest.as_str()).await?.descriptor;
            Some(Descriptor { artifact_type: None, ..found })
        }
        None => None,
    };
    let manifest = artifact.manifest(subject)?;
    let mut blobs = Transferred::default();
    for (descriptor, bytes) in artifact.blobs() {
        let open = Arc::new(move || stream::iter([Ok(bytes.clone())]).boxed());
        blobs.count(remote.put_blob(&descriptor, None, open).await?, descriptor.size);
    }
    put(remote, &manifest).await?;
    let previous = match &artifact.tag {
        Some(tag) => remote.digest(tag.as_str()).await?,
        None => None,
    };
    move_tag(remote, artifact.tag.as_ref(), &manifest).await?;
    let digest = manifest.descriptor.digest;
    let reference = match &artifact.tag {
        Some(tag) => Reference::tagged(remote.repository.clone(), tag.clone()).with_digest(digest),
        None => Reference::pinned(remote.repository.clone(), digest),
    };
    Ok(Pushed { reference, blobs, previous, referrers: 0 })
}

/// Writes a manifest under its digest; what it is about gets to know of it.
pub(super) async fn put(to: &Remote, manifest: &Manifest) -> Result<()> {
    let known = to.put_manifest(manifest.descriptor.digest.as_str(), manifest).await?;
    match &manifest.content.subject {
        Some(subject) if !known => referrers::note(to, &subject.digest, manifest).await,
        _ => Ok(()),
    }
}
