//! Faults around anything.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::Faults;
use crate::audit::{AuditRecord, AuditSink};
use crate::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use crate::error::Result;
use crate::image::{Digest, Reference, Repository, Tag};
use crate::journal::{Intent, Journal};
use crate::registry::{Artifact, ImageFacts, Referrer, Registry};
use crate::secret::{SecretSource, SecretText};

/// Calls that go through [`Faults`] on their way to `T`.
///
/// [`MemoryTarget`](super::MemoryTarget) takes faults itself, because one of its calls has many effects.
#[derive(Clone, Debug)]
pub struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    faults: Faults,
}

impl<T: ?Sized> Faulty<T> {
    /// `inner` behind `faults`.
    pub fn new(inner: Arc<T>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Journal + ?Sized> Journal for Faulty<T> {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        self.faults.around(self.inner.load(name)).await
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        self.faults.around(self.inner.save(name, intent)).await
    }

    async fn clear(&self, name: &str) -> Result<()> {
        self.faults.around(self.inner.clear(name)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: ConfigStore + ?Sized> ConfigStore for Faulty<T> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.inner.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.faults.around(self.inner.get(key)).await
    }

    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        self.faults.around(self.inner.get_all(keys)).await
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.faults.around(self.inner.set(edits, note)).await
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.faults.around(self.inner.history(key, limit)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Registry + ?Sized> Registry for Faulty<T> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    /// A step before each tag, and one before the end.
    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        let state = Some((self.inner.tags(repository), self.faults.clone()));
        let faulty = stream::unfold(state, |state| async {
            let (mut tags, faults) = state?;
            if let Err(error) = faults.step().await {
                return Some((Err(error), None));
            }
            let tag = tags.next().await?;
            Some((tag, Some((tags, faults))))
        });
        faulty.boxed()
    }

    async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        self.faults.around(self.inner.resolve(reference)).await
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.faults.around(self.inner.inspect(reference)).await
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        self.faults.around(self.inner.referrers(repository, digest)).await
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        self.faults.around(self.inner.artifact(reference)).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        self.faults.around(self.inner.blob(repository, digest, at_most)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: AuditSink + ?Sized> AuditSink for Faulty<T> {
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        self.faults.around(self.inner.record(record)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: SecretSource + ?Sized> SecretSource for Faulty<T> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        self.faults.around(self.inner.get(name)).await
    }
}
