//! Every trait through a policy.

#![deny(clippy::missing_trait_methods)]

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::BoxStream;

use super::{Layered, Policy};
use crate::ancestry::Ancestry;
use crate::audit::{AuditRecord, AuditSink};
use crate::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use crate::connect::{Connect, Tunnel};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::{Answer, Check, Gate, Subject};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::inventory::{Inventory, RunningImage};
use crate::journal::{Intent, Journal};
use crate::lock::{Lock, LockGuard};
use crate::manifest::{Object, ObjectId};
use crate::registry::{Artifact, ImageFacts, Referrer, Registry};
use crate::secret::{SecretSource, SecretText};
use crate::source::Source;

#[async_trait]
impl<T: Source + ?Sized + 'static, P: Policy> Source for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    async fn load(&self) -> Result<Vec<Object>> {
        self.policy.read(|| self.inner.load()).await
    }
}

#[async_trait]
impl<T: Registry + ?Sized + 'static, P: Policy> Registry for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        let (inner, repository) = (self.inner.clone(), repository.clone());
        self.policy.list(move || inner.tags(&repository))
    }

    async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        self.policy.read(|| self.inner.resolve(reference)).await
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.policy.read(|| self.inner.inspect(reference)).await
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        self.policy.read(|| self.inner.referrers(repository, digest)).await
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        self.policy.read(|| self.inner.artifact(reference)).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        self.policy.read(|| self.inner.blob(repository, digest, at_most)).await
    }
}

#[async_trait]
impl<T: ConfigStore + ?Sized + 'static, P: Policy> ConfigStore for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.inner.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.policy.read(|| self.inner.get(key)).await
    }

    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        self.policy.read(|| self.inner.get_all(keys)).await
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let stands = || {
            let all_stand = async {
                for edit in edits {
                    if self.inner.get(&edit.key).await?.map(|entry| entry.value) != edit.value {
                        return Ok(false);
                    }
                }
                Ok(true)
            };
            all_stand.boxed()
        };
        self.policy.write(|| self.inner.set(edits, note), stands).await
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.policy.read(|| self.inner.history(key, limit)).await
    }
}

#[async_trait]
impl<T: Lock + ?Sized + 'static, P: Policy> Lock for Layered<T, P> {
    /// Acquiring looks who holds the lock before it takes it, so it may be repeated: what a lost try may have taken has no heartbeat.
    async fn acquire(&self, name: &str, holder: &str) -> Result<Box<dyn LockGuard>> {
        self.policy.read(|| self.inner.acquire(name, holder)).await
    }
}

#[async_trait]
impl<T: Journal + ?Sized + 'static, P: Policy> Journal for Layered<T, P> {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        self.policy.read(|| self.inner.load(name)).await
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        let stands = || {
            let same = async {
                match self.inner.load(name).await? {
                    Some(found) => Ok(found.to_bytes()? == intent.to_bytes()?),
                    None => Ok(false),
                }
            };
            same.boxed()
        };
        self.policy.write(|| self.inner.save(name, intent), stands).await
    }

    async fn clear(&self, name: &str) -> Result<()> {
        let stands = || async { Ok(self.inner.load(name).await?.is_none()) }.boxed();
        self.policy.write(|| self.inner.clear(name), stands).await
    }
}

#[async_trait]
impl<T: Gate + ?Sized + 'static, P: Policy> Gate for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        self.policy.read(|| self.inner.ask(subject)).await
    }
}

#[async_trait]
impl<T: Check + ?Sized + 'static, P: Policy> Check for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    async fn check(&self, subject: &Subject) -> Result<Answer> {
        self.policy.read(|| self.inner.check(subject)).await
    }
}

#[async_trait]
impl<T: SecretSource + ?Sized + 'static, P: Policy> SecretSource for Layered<T, P> {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        self.policy.read(|| self.inner.get(name)).await
    }
}

#[async_trait]
impl<T: AuditSink + ?Sized + 'static, P: Policy> AuditSink for Layered<T, P> {
    /// A line cannot be looked up, so one whose answer was lost is not sent again.
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        let stands =
            || async { Err(Error::new(ErrorKind::Unsupported, "a line cannot be looked up")) }.boxed();
        self.policy.write(|| self.inner.record(record), stands).await
    }
}

#[async_trait]
impl<T: Ancestry + ?Sized + 'static, P: Policy> Ancestry for Layered<T, P> {
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool> {
        self.policy.read(|| self.inner.is_ancestor(ancestor, descendant)).await
    }

    async fn order(&self, head: &str, commits: &[String]) -> Result<Vec<Option<u64>>> {
        self.policy.read(|| self.inner.order(head, commits)).await
    }
}

#[async_trait]
impl<T: Connect + ?Sized + 'static, P: Policy> Connect for Layered<T, P> {
    async fn connect(&self, object: &ObjectId, port: u16) -> Result<Box<dyn Tunnel>> {
        self.policy.read(|| self.inner.connect(object, port)).await
    }
}

#[async_trait]
impl<T: Inventory + ?Sized + 'static, P: Policy> Inventory for Layered<T, P> {
    async fn running(&self, namespace: &str) -> Result<Vec<RunningImage>> {
        self.policy.read(|| self.inner.running(namespace)).await
    }

    async fn kept(&self, namespace: &str) -> Result<Vec<String>> {
        self.policy.read(|| self.inner.kept(namespace)).await
    }
}
