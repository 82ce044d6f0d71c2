//! Moving an image with all that it refers to, from a layout or a registry to a registry.
//!
//! First the blobs, several at a time, then the manifests, an index after those it lists: whatever breaks off, a registry never has a manifest
//! whose content is not there, and doing it again goes on where it stopped.

use std::collections::BTreeSet;
use std::sync::Arc;

use deploy_core::error::{Error, Result};
use deploy_core::image::Digest;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::artifact;
use super::remote::{Manifest, Moved, Open, Remote};
use crate::content::Descriptor;
use crate::layout::Layout;

/// How many blobs are under way at once.
const AT_ONCE: usize = 4;

/// The most manifests of one image, and how deep indexes may list indexes.
const MAX_MANIFESTS: usize = 1_000;
const MAX_DEPTH: usize = 4;

/// The most bytes of manifests that are kept at once.
const MAX_MANIFEST_BYTES: usize = 64 * 1024 * 1024;

/// Where an image comes from.
#[derive(Clone)]
pub(super) enum Origin {
    Layout(Layout),
    Registry(Remote),
}

/// What is to be moved.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) blobs: Vec<Descriptor>,
    /// Those that are listed before those that list them.
    pub(super) manifests: Vec<Manifest>,
    seen: BTreeSet<Digest>,
    bytes: usize,
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transferred {
    /// Blobs whose bytes were sent.
    pub uploaded: usize,
    /// Blobs that the registry took over from another of its repositories, without sending them.
    pub mounted: usize,
    /// Blobs that were there.
    pub present: usize,
    /// The size of the blobs that were sent, in bytes.
    pub uploaded_bytes: u64,
}

impl Transferred {
    pub(super) fn add(&mut self, other: Self) {
        self.uploaded += other.uploaded;
        self.mounted += other.mounted;
        self.present += other.present;
        self.uploaded_bytes += other.uploaded_bytes;
    }

    pub(super) fn count(&mut self, moved: Moved, size: u64) {
        match moved {
            Moved::Present => self.present += 1,
            Moved::Mounted => self.mounted += 1,
            Moved::Uploaded => {
                self.uploaded += 1;
                self.uploaded_bytes += size;
            }
        }
    }
}

impl Origin {
    /// All that an image is made of.
    pub(super) async fn parts(&self, root: &Descriptor) -> Result<Parts> {
        let mut parts = Parts::default();
        self.collect(root, 0, &mut parts).await?;
        Ok(parts)
    }

    async fn collect(&self, descriptor: &Descriptor, depth: usize, parts: &mut Parts) -> Result<()> {
        if parts.seen.contains(&descriptor.digest) {
            return Ok(());
        }
        if depth > MAX_DEPTH || parts.manifests.len() >= MAX_MANIFESTS {
            let message = format!("it is of more than {MAX_MANIFESTS} manifests, or {MAX_DEPTH} levels");
            return Err(Error::invalid(message).on(&descriptor.digest));
        }
        let manifest = self.manifest(descriptor).await?;
        parts.bytes += manifest.bytes.len();
        if parts.bytes > MAX_MANIFEST_BYTES {
            return Err(Error::invalid("its manifests are larger than 64 MiB in all").on(&descriptor.digest));
        }
        parts.seen.insert(descriptor.digest.clone());
        for listed in &manifest.content.manifests {
            if listed.is_manifest() {
                Box::pin(self.collect(listed, depth + 1, parts)).await?;
            } else {
                parts.add_blob(listed);
            }
        }
        manifest.content.blobs.iter().for_each(|blob| parts.add_blob(blob));
        parts.manifests.push(manifest);
        Ok(())
    }

    async fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        match self {
            Self::Registry(remote) => remote.manifest(descriptor.digest.as_str()).await,
            Self::Layout(layout) => {
                let (bytes, content) = layout.manifest(descriptor).await?;
                let descriptor = Descriptor {
                    artifact_type: content.artifact_type.clone(),
                    ..Descriptor::new(content.media_type.clone(), &bytes)
                };
                Ok(Manifest { descriptor, bytes, content })
            }
        }
    }

    fn open(&self, blob: &Descriptor) -> Open {
        let (origin, blob) = (self.clone(), blob.clone());
        Arc::new(move || match &origin {
            Self::Layout(layout) => layout.blob(&blob),
            Self::Registry(remote) => remote.blob(&blob),
        })
    }
}

impl Parts {
    fn add_blob(&mut self, blob: &Descriptor) {
        // What registries do not keep stays where it is.
        if !blob.is_foreign() && self.seen.insert(blob.digest.clone()) {
            self.blobs.push(blob.clone());
        }
    }

    /// Brings all of it to `to`, each manifest under its digest; tags are untouched.
    pub(super) async fn transfer(&self, origin: &Origin, to: &Remote) -> Result<Transferred> {
        let beside = match origin {
            Origin::Registry(from) if from.same_registry(to) => Some(&from.repository),
            _ => None,
        };
        let moves = self.blobs.iter().map(|blob| async move {
            let moved = to.put_blob(blob, beside, origin.open(blob)).await?;
            Ok::<_, Error>((moved, blob.size))
        });
        let mut done = Transferred::default();
        let mut moves = stream::iter(moves.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        while let Some((moved, size)) = moves.try_next().await? {
            done.count(moved, size);
        }
        for manifest in &self.manifests {
            artifact::put(to, manifest).await?;
        }
        Ok(done)
    }

    /// The manifest that all of it is about.
    pub(super) fn root(&self) -> Result<&Manifest> {
        self.manifests.last().ok_or_else(|| Error::invalid("there is nothing to move"))
    }
}
