//! From one repository to another, within a registry or across.

use std::collections::BTreeSet;

use deploy_core::error::{Error, Result};
use deploy_core::image::{Digest, Reference};
use deploy_core::registry::Registry;

use super::remote::Remote;
use super::transfer::{Origin, Parts, Transferred};
use super::{Pushed, check, move_tag};
use crate::registry::OciRegistry;

/// The most artifacts that are copied along with one image.
const MAX_REFERRERS: usize = 1_000;

/// What cosign calls what it keeps about an image.
const COSIGN: [&str; 3] = ["sig", "att", "sbom"];

/// How an image is promoted.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct PromoteOptions {
    expect_absent: bool,
    referrers: bool,
}

impl PromoteOptions {
    /// The image alone; a tag that stands for another image is moved.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses to move a tag, as [`PushOptions::expect_absent`](super::PushOptions::expect_absent) has it.
    pub fn expect_absent(mut self, yes: bool) -> Self {
        self.expect_absent = yes;
        self
    }

    /// Copies along what refers to the image and to its platforms' manifests: signatures, attestations, reports; cosign's by their tags
    /// (`sha256-<digits>.sig`) too. They are there before the tag is.
    pub fn referrers(mut self, yes: bool) -> Self {
        self.referrers = yes;
        self
    }
}

impl OciRegistry {
    /// Copies an image with all its platforms, as it is: the digest stays the same, so what is signed stays signed. The tag is written last.
    ///
    /// Within one registry blobs are mounted where it allows that; across two they are streamed from the one to the other. Within one repository only
    /// the tag is written.
    ///
    /// Dropped, it leaves content without a tag, which the registry collects; done again, it goes on where it stopped.
    ///
    /// # Errors
    /// As for [`OciRegistry::push`]; [`NotFound`](deploy_core::error::ErrorKind::NotFound) if there is no such image.
    pub async fn promote(
        &self,
        from: &Reference,
        to: &Reference,
        options: &PromoteOptions,
    ) -> Result<Pushed> {
        let origin = Remote::source(self, from.repository());
        let promoted = self.promote_with(&origin, from, to, options).await;
        promoted.map_err(|error| error.during(format!("promote {from} to")).on(to))
    }

    pub(super) async fn promote_with(
        &self,
        from: &Remote,
        image: &Reference,
        to: &Reference,
        options: &PromoteOptions,
    ) -> Result<Pushed> {
        let wanted = match (image.digest(), image.tag()) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag.as_str(),
            (None, None) => return Err(Error::invalid("it has neither tag nor digest").on(image)),
        };
        let found = from.manifest(wanted).await?;
        let digest = &found.descriptor.digest;
        let remote = from.target_beside(to.repository());
        let mut previous = check(&remote, to, digest, options.expect_absent).await?;
        let (mut blobs, mut referrers) = (Transferred::default(), 0);
        if image.repository() != to.repository() {
            let origin = Origin::Registry(from.clone());
            let parts = origin.parts(&found.descriptor).await?;
            blobs = parts.transfer(&origin, &remote).await?;
            if options.referrers {
                let mut along = Along {
                    registry: self,
                    origin: &origin,
                    from,
                    to: &remote,
                    seen: BTreeSet::new(),
                    blobs,
                };
                along.all(&parts).await?;
                (blobs, referrers) = (along.blobs, along.seen.len());
            }
            // Once more: a large image takes its time.
            previous = check(&remote, to, digest, options.expect_absent).await?;
        }
        move_tag(&remote, to.tag(), &found).await?;
        Ok(Pushed { reference: to.clone().with_digest(digest.clone()), blobs, previous, referrers })
    }
}

/// Copies what refers to an image.
struct Along<'a> {
    registry: &'a OciRegistry,
    origin: &'a Origin,
    from: &'a Remote,
    to: &'a Remote,
    /// The artifacts that were copied.
    seen: BTreeSet<Digest>,
    blobs: Transferred,
}

impl Along<'_> {
    async fn all(&mut self, image: &Parts) -> Result<()> {
        let mut subjects: Vec<Digest> =
            image.manifests.iter().map(|manifest| manifest.descriptor.digest.clone()).collect();
        // What refers to a referrer (a signature of a report) is found on the way.
        while let Some(subject) = subjects.pop() {
            for referrer in self.registry.referrers(&self.from.repository, &subject).await? {
                if !self.seen.contains(&referrer.digest) {
                    self.copy(referrer.digest.as_str(), None).await?;
                    subjects.push(referrer.digest);
                }
            }
            for kind in COSIGN {
                let tag = format!("{}-{}.{kind}", subject.algorithm(), subject.hex());
                if self.from.digest(&tag).await?.is_some() {
                    self.copy(&tag, Some(&tag)).await?;
                }
            }
        }
        Ok(())
    }

    async fn copy(&mut self, reference: &str, tag: Option<&str>) -> Result<()> {
        if self.seen.len() >= MAX_REFERRERS {
            let message = format!("more than {MAX_REFERRERS} artifacts refer to it");
            return Err(Error::invalid(message).on(&self.from.repository));
        }
        let found = self.from.manifest(reference).await?;
        let parts = self.origin.parts(&found.descriptor).await?;
        self.blobs.add(parts.transfer(self.origin, self.to).await?);
        if let Some(tag) = tag {
            self.to.put_manifest(tag, &found).await?;
        }
        self.seen.insert(found.descriptor.digest);
        Ok(())
    }
}
