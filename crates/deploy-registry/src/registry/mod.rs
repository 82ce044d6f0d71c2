//! OCI registries as the core knows a registry.

mod builder;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::Result;
use deploy_core::image::{Digest, Reference, Repository, Tag};
use deploy_core::registry::{Artifact, ImageFacts, Referrer, Registry};
use futures_util::stream::BoxStream;

pub use builder::OciRegistryBuilder;

use crate::cache::Cache;
use crate::transport::{Stats, Transport};
use crate::{list, read};

/// OCI registries over HTTP, by the distribution specification: whichever a reference names. Clones share connections, tokens and cache.
///
/// Nothing is asked before it is needed. A future that is dropped leaves nothing behind.
#[derive(Clone)]
pub struct OciRegistry(Arc<Inner>);

struct Inner {
    transport: Transport,
    cache: Option<Cache>,
    limits: Limits,
}

/// What listings are held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) tags: usize,
    pub(crate) pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tags: 1_000_000, pages: 10_000 }
    }
}

impl OciRegistry {
    /// Options, with defaults that fit most.
    pub fn builder() -> OciRegistryBuilder {
        OciRegistryBuilder::default()
    }

    /// What was asked until now, by this one and all of its clones.
    pub fn stats(&self) -> Stats {
        self.0.transport.stats()
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.0.cache.as_ref()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }
}

impl fmt::Debug for OciRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OciRegistry")
    }
}

#[async_trait]
impl Registry for OciRegistry {
    fn describe(&self) -> String {
        "OCI registries".to_owned()
    }

    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        list::tags(self, repository)
    }

    async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        let found = read::resolve(self, &self.transport().budget(), reference).await;
        found.map_err(|error| error.during("resolve").on(reference))
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        let found = read::inspect(self, &self.transport().budget(), reference).await;
        found.map_err(|error| error.during("inspect").on(reference))
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        let found = list::referrers(self, &self.transport().budget(), repository, digest).await;
        found.map_err(|error| error.during("list what refers to").on(format_args!("{repository}@{digest}")))
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        let found = read::artifact(self, &self.transport().budget(), reference).await;
        found.map_err(|error| error.during("read").on(reference))
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        let found = read::blob(self, &self.transport().budget(), repository, digest, at_most).await;
        found.map_err(|error| error.during("read").on(format_args!("blob {digest} of {repository}")))
    }
}
