//! Where images are kept.
//!
//! ```
//! use deploy_core::{image::Reference, memory::MemoryRegistry, registry::Registry};
//! use futures_util::TryStreamExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let registry = MemoryRegistry::new();
//! let image: Reference = "registry.example/api:v1".parse()?;
//! let digest = registry.put(&image, "4f1c2d9");
//! assert_eq!(registry.resolve(&image).await?, digest);
//! let tags: Vec<_> = registry.tags(image.repository()).try_collect().await?;
//! assert_eq!(tags[0].as_str(), "v1");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::image::{Digest, Reference, Repository, Tag};

/// How many requests helpers of this crate have under way at once.
pub(crate) const AT_ONCE: usize = 8;

/// What an image says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImageFacts {
    /// The digest of its manifest, or of its index.
    pub digest: Digest,
    /// The platforms it is for, as in `linux/amd64`.
    pub platforms: Vec<String>,
    /// `org.opencontainers.image.created`, or the config's own time; builds may lie about it.
    pub created: Option<Timestamp>,
    /// `org.opencontainers.image.revision`.
    pub revision: Option<String>,
    /// `org.opencontainers.image.source`.
    pub source: Option<String>,
    /// Labels and annotations; the index's win over the manifest's, the manifest's over the config's.
    pub labels: BTreeMap<String, String>,
}

impl ImageFacts {
    /// An image of which nothing but its digest is known.
    pub fn new(digest: Digest) -> Self {
        Self {
            digest,
            platforms: Vec::new(),
            created: None,
            revision: None,
            source: None,
            labels: BTreeMap::new(),
        }
    }
}

/// An artifact that refers to an image: a signature, a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it is, as a media type.
    pub artifact_type: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What the manifest of an image or of another artifact lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Artifact {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it is, as a media type; an image is `application/vnd.oci.image.config.v1+json`, as the specification has it.
    pub artifact_type: String,
    /// The digest of the manifest that it refers to.
    pub subject: Option<Digest>,
    /// Its content, in its own order.
    pub layers: Vec<Layer>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Artifact {
    /// An artifact without content.
    pub fn new(digest: Digest, artifact_type: impl Into<String>) -> Self {
        Self {
            digest,
            artifact_type: artifact_type.into(),
            subject: None,
            layers: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// A part of an artifact's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Layer {
    /// The digest of its bytes.
    pub digest: Digest,
    /// What it is, as a media type.
    pub media_type: String,
    /// How many bytes it is said to have.
    pub size: u64,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Layer {
    /// Bytes of a media type.
    pub fn new(digest: Digest, media_type: impl Into<String>, size: u64) -> Self {
        Self { digest, media_type: media_type.into(), size, annotations: BTreeMap::new() }
    }
}

/// Keeps images by repository, tag and digest.
///
/// Every answer is whole or an error: what cannot be read is never left out, or an older image would win.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Registry: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// The tags of a repository, in no order, each once. Dropping the stream stops the listing.
    ///
    /// # Errors
    /// An item is an error if the listing cannot go on; nothing follows it. [`NotFound`](crate::error::ErrorKind::NotFound) for no such repository.
    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>>;

    /// The digest that a reference stands for now. A reference with a digest is asked for, too: it may be gone.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); what the adapter meets.
    async fn resolve(&self, reference: &Reference) -> Result<Digest>;

    /// What the image says of itself.
    ///
    /// # Errors
    /// As for [`Registry::resolve`].
    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts>;

    /// What refers to the image with `digest`; empty where nothing does.
    ///
    /// # Errors
    /// What the adapter meets; a listing that could not be read whole is an error, never empty.
    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>>;

    /// What the manifest that a reference stands for lists. Of an index it is an error: ask for one of its manifests.
    ///
    /// # Errors
    /// As for [`Registry::resolve`]; [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for an index.
    async fn artifact(&self, reference: &Reference) -> Result<Artifact>;

    /// The bytes with `digest`, whose digest that really is.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound); [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if there are more than `at_most` of them; what the
    /// adapter meets.
    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>>;
}

/// The digests that `references` stand for now, each asked for once and 8 at a time. One with a digest is not asked for.
///
/// ```
/// use deploy_core::{memory::MemoryRegistry, registry::resolve_all};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let registry = MemoryRegistry::new();
/// let digest = registry.put(&"shop/api:v1".parse()?, "4f1c2d9");
/// let digests = resolve_all(&registry, ["shop/api:v1".parse()?, "docker.io/shop/api:v1".parse()?]).await?;
/// assert_eq!(digests, [("shop/api:v1".parse()?, digest)].into());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// If any cannot be told; the first in the order of the references.
pub async fn resolve_all(
    registry: &dyn Registry,
    references: impl IntoIterator<Item = Reference>,
) -> Result<BTreeMap<Reference, Digest>> {
    let references: BTreeSet<Reference> =
        references.into_iter().filter(|reference| reference.digest().is_none()).collect();
    // Boxed, so that whoever waits for it can be sent to another thread.
    let mut asked: Vec<BoxFuture<'_, Result<(Reference, Digest)>>> = Vec::new();
    for reference in references {
        let ask = async move {
            let digest = registry.resolve(&reference).await;
            let digest = digest.map_err(|error| error.during("resolve").on(format!("image {reference}")))?;
            Ok((reference, digest))
        };
        asked.push(ask.boxed());
    }
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}
