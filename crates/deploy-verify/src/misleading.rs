//! A registry that breaks its contract.

use async_trait::async_trait;
use deploy_core::error::Result;
use deploy_core::image::{Digest, Reference, Repository, Tag};
use deploy_core::memory::MemoryRegistry;
use deploy_core::registry::{Artifact, ImageFacts, Referrer, Registry};
use futures_util::stream::BoxStream;

/// Whatever it is asked for, it lists what refers to another image.
pub(crate) struct Misleading {
    inner: MemoryRegistry,
    other: Digest,
}

impl Misleading {
    /// Every tag stands for an image to which nothing refers; what is listed refers to `other`.
    pub(crate) fn new(inner: MemoryRegistry, other: Digest) -> Self {
        Self { inner, other }
    }
}

#[async_trait]
impl Registry for Misleading {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        self.inner.tags(repository)
    }

    async fn resolve(&self, _reference: &Reference) -> Result<Digest> {
        Ok(Digest::sha256(b"nothing refers to this"))
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.inner.inspect(reference).await
    }

    async fn referrers(&self, repository: &Repository, _digest: &Digest) -> Result<Vec<Referrer>> {
        self.inner.referrers(repository, &self.other).await
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        self.inner.artifact(reference).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        self.inner.blob(repository, digest, at_most).await
    }
}
