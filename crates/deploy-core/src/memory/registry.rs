//! Images in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::locked;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::registry::{ImageFacts, Referrer, Registry};

/// Images in memory, which hold nothing but what they say of themselves. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry(Arc<Mutex<BTreeMap<Repository, Kept>>>);

#[derive(Debug, Default)]
struct Kept {
    tags: BTreeMap<Tag, Digest>,
    images: BTreeMap<Digest, ImageFacts>,
    referrers: BTreeMap<Digest, Vec<Referrer>>,
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

    /// Adds an artifact that refers to the image with `digest`.
    pub fn refer(&self, repository: &Repository, digest: &Digest, referrer: Referrer) {
        let mut repositories = locked(&self.0);
        let kept = repositories.entry(repository.clone()).or_default();
        kept.referrers.entry(digest.clone()).or_default().push(referrer);
    }

    fn find(&self, image: &Reference) -> Result<ImageFacts> {
        let repositories = locked(&self.0);
        let found = repositories.get(image.repository()).and_then(|kept| {
            let digest = image.digest().or_else(|| kept.tags.get(image.tag()?))?;
            kept.images.get(digest)
        });
        found
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such image").on(format!("image {image}")))
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
        Ok(self.find(reference)?.digest)
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.find(reference)
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        let repositories = locked(&self.0);
        let found = repositories.get(repository).and_then(|kept| kept.referrers.get(digest));
        Ok(found.cloned().unwrap_or_default())
    }
}
