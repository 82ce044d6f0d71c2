//! What need not be asked again.

mod folder;
mod memory;
mod revalidate;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use deploy_core::image::Digest;

use folder::Folder;
use memory::Memory;
pub(crate) use revalidate::revalidated;

/// Keeps manifests, configs and other small content by digest, for ever; and answers that have an `ETag`, which the registry is asked about
/// each time. Clones share it. No credential is in it.
///
/// What is not what it should be is as good as absent: it is asked for and kept anew. A cache that cannot be written is no error.
///
/// ```
/// use deploy_registry::{Cache, OciRegistry};
///
/// let registry = OciRegistry::builder().cache(Cache::memory().at_most(16 << 20)).build()?;
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Cache(Arc<Store>);

enum Store {
    Memory(Memory),
    Folder(Arc<Folder>),
}

/// 64 MiB.
const DEFAULT_SIZE: u64 = 64 << 20;

impl Cache {
    /// A cache that lives as long as the process. By default it holds 64 MiB.
    pub fn memory() -> Self {
        Self(Arc::new(Store::Memory(Memory::new(DEFAULT_SIZE))))
    }

    /// A cache in a folder, which several processes may share; it is made when it is first written. By default it holds 64 MiB.
    ///
    /// Who can write there can say what a tag's manifest is: it is made for its owner alone.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Store::Folder(Arc::new(Folder::new(path.into(), DEFAULT_SIZE)))))
    }

    /// The same, with so many bytes at most and nothing in memory yet: the oldest entries make room for new ones.
    #[must_use]
    pub fn at_most(self, bytes: u64) -> Self {
        Self(Arc::new(match &*self.0 {
            Store::Memory(_) => Store::Memory(Memory::new(bytes)),
            Store::Folder(folder) => Store::Folder(Arc::new(folder.at_most(bytes))),
        }))
    }

    /// The bytes with `digest`. Only sha256 is kept.
    pub(crate) async fn content(&self, digest: &Digest) -> Option<Bytes> {
        let bytes = self.get(&content_key(digest)).await?;
        (Digest::sha256(&bytes) == *digest).then_some(bytes)
    }

    pub(crate) async fn keep_content(&self, digest: &Digest, bytes: &Bytes) {
        if digest.algorithm() == "sha256" {
            self.put(content_key(digest), bytes.clone()).await;
        }
    }

    async fn get(&self, key: &str) -> Option<Bytes> {
        match &*self.0 {
            Store::Memory(memory) => memory.get(key),
            Store::Folder(folder) => {
                let (folder, key) = (Arc::clone(folder), key.to_owned());
                tokio::task::spawn_blocking(move || folder.get(&key)).await.ok()?
            }
        }
    }

    async fn put(&self, key: String, bytes: Bytes) {
        match &*self.0 {
            Store::Memory(memory) => memory.put(key, bytes),
            Store::Folder(folder) => {
                let folder = Arc::clone(folder);
                let written = tokio::task::spawn_blocking(move || folder.put(&key, &bytes)).await;
                if let Ok(Err(error)) = written {
                    tracing::debug!(%error, "the cache cannot be written");
                }
            }
        }
    }
}

fn content_key(digest: &Digest) -> String {
    format!("content-{}", digest.hex())
}
