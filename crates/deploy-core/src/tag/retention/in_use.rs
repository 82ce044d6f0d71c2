//! What must stay whatever a policy says: what runs, and what a way back needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Fate;
use crate::error::{Error, Result};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::inventory::{Inventory, RunningImage};

/// The images that run or that a way back needs.
///
/// A digest is in use whatever repository it was pulled from, and a tag whatever the registry was called then: nodes may pull through a
/// mirror. An image whose digest no pod reports is known by its tag alone.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// By the path of the repository.
    tags: BTreeMap<(String, Tag), Use>,
    digests: BTreeMap<Digest, Use>,
}

#[derive(Clone, Debug)]
enum Use {
    Runs(Arc<str>),
    Kept(Arc<str>),
}

impl InUse {
    /// Nothing is. Only where nothing of the repository runs anywhere is this all there is to know.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks what runs, and what a way back needs, in these namespaces.
    ///
    /// # Errors
    /// What the inventory answers; an image that is no reference. Without knowing all there is no plan.
    pub async fn read(inventory: &dyn Inventory, namespaces: &[String]) -> Result<Self> {
        let mut all = Self::new();
        for namespace in namespaces {
            let (running, kept) = (inventory.running(namespace).await?, inventory.kept(namespace).await?);
            all = all.running(&running)?.kept(namespace, &kept)?;
        }
        Ok(all)
    }

    /// These run.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if one of them is no reference, or reports what is no digest: it could be any.
    pub fn running(mut self, images: &[RunningImage]) -> Result<Self> {
        for image in images {
            let wrong = |error: Error| error.during("read what runs").on(&image.workload);
            let by: Arc<str> = image.workload.to_string().into();
            self.add(&image.image.parse().map_err(wrong)?, &Use::Runs(by.clone()));
            for digest in &image.digests {
                self.digests.insert(digest.parse().map_err(wrong)?, Use::Runs(by.clone()));
            }
        }
        Ok(self)
    }

    /// A way back in `namespace` needs these references.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if one of them is no reference: it could be any.
    pub fn kept(mut self, namespace: &str, images: &[String]) -> Result<Self> {
        for image in images {
            let image: Reference = image.parse().map_err(|error: Error| {
                error.during("read what a way back needs").on(format!("namespace {namespace}"))
            })?;
            self.add(&image, &Use::Kept(namespace.into()));
        }
        Ok(self)
    }

    /// What runs is said rather than what is only kept.
    fn add(&mut self, image: &Reference, by: &Use) {
        let runs = matches!(by, Use::Runs(_));
        let note = |known: Option<&Use>| known.is_none() || runs;
        if let Some(tag) = image.tag() {
            let key = (image.repository().path().to_owned(), tag.clone());
            if note(self.tags.get(&key)) {
                self.tags.insert(key, by.clone());
            }
        }
        if let Some(digest) = image.digest()
            && note(self.digests.get(digest))
        {
            self.digests.insert(digest.clone(), by.clone());
        }
    }

    /// Why a tag must stay, if it is in use.
    pub(super) fn fate(&self, repository: &Repository, tag: &Tag, digest: &Digest) -> Option<Fate> {
        let by_tag = self.tags.get(&(repository.path().to_owned(), tag.clone()));
        match (by_tag, self.digests.get(digest)) {
            (Some(Use::Runs(by)), _) | (_, Some(Use::Runs(by))) => Some(Fate::Runs { workload: by.clone() }),
            (Some(Use::Kept(by)), _) | (_, Some(Use::Kept(by))) => {
                Some(Fate::Needed { namespace: by.clone() })
            }
            (None, None) => None,
        }
    }
}
