//! Images in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::locked;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::registry::{Artifact, ImageFacts, Layer, Referrer, Registry};

/// Images in memory, which hold nothing but what they say of themselves. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry(Arc<Mutex<BTreeMap<Repository, Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    tags: BTreeMap<Tag, Digest>,
    images: BTreeMap<Digest, ImageFacts>,
    artifacts: BTreeMap<Digest, Artifact>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl MemoryRegistry {
    /// A registry without repositories.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pushes an image built from git revision `revision` and moves the reference's tag to it. The same revision is the same image.
    pub fn put(&self, image: &Reference, revision: &str) -> Digest {
        let digest = Digest::sha256(format!("{}@{revision}", image.repository().canonical()).as_bytes());
        let mut facts = ImageFacts::new(digest.clone());
        facts.revision = Some(revision.to_owned());
        facts.platforms = vec!["linux/amd64".to_owned()];
        self.put_facts(image, facts);
        digest
    }

    /// Pushes an image that says this of itself, and moves the reference's tag to it.
    pub fn put_facts(&self, image: &Reference, facts: ImageFacts) {
        let mut repositories = locked(&self.0);
        let kept = repositories.entry(image.repository().clone()).or_default();
        if let Some(tag) = image.tag() {
            kept.tags.insert(tag.clone(), facts.digest.clone());
        }
        kept.images.insert(facts.digest.clone(), facts);
    }

    /// Pushes an artifact with one layer that refers to the image with `subject`. The same content is the same artifact.
    pub fn attach(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: &str,
        content: &[u8],
    ) -> Digest {
        let blob = Digest::sha256(content);
        let digest = Digest::sha256(format!("{subject} {artifact_type} {blob}").as_bytes());
        let mut artifact = Artifact::new(digest.clone(), artifact_type);
        artifact.subject = Some(subject.clone());
        artifact.layers.push(Layer::new(blob.clone(), artifact_type, content.len() as u64));
        self.put_artifact(repository, artifact, [(blob, content.to_vec())]);
        digest
    }

    /// Pushes an artifact, with the bytes of its layers by their digests.
    pub fn put_artifact(
        &self,
        repository: &Repository,
        artifact: Artifact,
        blobs: impl IntoIterator<Item = (Digest, Vec<u8>)>,
    ) {
        let mut repositories = locked(&self.0);
        let kept = repositories.entry(repository.clone()).or_default();
        kept.blobs.extend(blobs);
        kept.artifacts.insert(artifact.digest.clone(), artifact);
    }

    /// Moves a tag to a digest, of an image or of an artifact.
    pub fn tag(&self, repository: &Repository, tag: Tag, digest: Digest) {
        let mut repositories = locked(&self.0);
        repositories.entry(repository.clone()).or_default().tags.insert(tag, digest);
    }

    fn find<T>(&self, image: &Reference, get: impl FnOnce(&Kept, &Digest) -> Option<T>) -> Result<T> {
        let repositories = locked(&self.0);
        let found = repositories.get(image.repository()).and_then(|kept| {
            let digest = image.digest().or_else(|| kept.tags.get(image.tag()?))?;
            get(kept, digest)
        });
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such image").on(format!("image {image}")))
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    fn describe(&self) -> String {
        "images in memory".to_owned()
    }

    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        let items = match locked(&self.0).get(repository) {
            Some(kept) => kept.tags.keys().cloned().map(Ok).collect(),
            None => {
                let error = Error::new(ErrorKind::NotFound, "no such repository");
                vec![Err(error.during("list the tags of").on(repository))]
            }
        };
        stream::iter(items).boxed()
    }

    async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        self.find(reference, |kept, digest| {
            let there = kept.images.contains_key(digest) || kept.artifacts.contains_key(digest);
            there.then(|| digest.clone())
        })
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.find(reference, |kept, digest| kept.images.get(digest).cloned())
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        let repositories = locked(&self.0);
        let Some(kept) = repositories.get(repository) else { return Ok(Vec::new()) };
        let refer = kept.artifacts.values().filter(|artifact| artifact.subject.as_ref() == Some(digest));
        let found = refer.map(|artifact| Referrer {
            digest: artifact.digest.clone(),
            artifact_type: artifact.artifact_type.clone(),
            annotations: artifact.annotations.clone(),
        });
        Ok(found.collect())
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        self.find(reference, |kept, digest| kept.artifacts.get(digest).cloned())
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        let repositories = locked(&self.0);
        let found = repositories.get(repository).and_then(|kept| kept.blobs.get(digest));
        let bytes = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no such blob").on(format!("blob {digest} of {repository}"))
        })?;
        let size = bytes.len() as u64;
        if size > at_most {
            let error = Error::invalid(format!("it has {size} bytes, and {at_most} at most are read"));
            return Err(error.on(format!("blob {digest} of {repository}")));
        }
        Ok(bytes.clone())
    }
}
