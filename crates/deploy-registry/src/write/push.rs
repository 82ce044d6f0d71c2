//! From a layout to a registry.

use deploy_core::error::Result;
use deploy_core::image::Reference;

use super::remote::Remote;
use super::transfer::Origin;
use super::{Pushed, check, move_tag};
use crate::layout::{Layout, LayoutImage};
use crate::registry::OciRegistry;

/// How an image is pushed.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct PushOptions {
    expect_absent: bool,
}

impl PushOptions {
    /// A tag that stands for another image is moved.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses to move a tag: it must be new, or stand for this image already. Registries cannot be asked to hold to this, so of two that push
    /// the same tag at the same moment the later one wins all the same.
    pub fn expect_absent(mut self, yes: bool) -> Self {
        self.expect_absent = yes;
        self
    }
}

impl OciRegistry {
    /// Pushes an image of a layout, with all its platforms. The tag is written last.
    ///
    /// Dropped, it leaves content without a tag, which the registry collects; done again, it goes on where it stopped.
    ///
    /// # Errors
    /// [`AlreadyExists`](deploy_core::error::ErrorKind::AlreadyExists) if the tag was to be new; [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput)
    /// for a layout whose content is not what its digests say, and for a reference with another digest; what the registry refuses.
    pub async fn push(
        &self,
        layout: &Layout,
        image: &LayoutImage,
        to: &Reference,
        options: &PushOptions,
    ) -> Result<Pushed> {
        let remote = Remote::target(self, to.repository());
        let pushed = push(&remote, layout, image, to, options).await;
        pushed.map_err(|error| error.during("push").on(to))
    }
}

async fn push(
    remote: &Remote,
    layout: &Layout,
    image: &LayoutImage,
    to: &Reference,
    options: &PushOptions,
) -> Result<Pushed> {
    let origin = Origin::Layout(layout.clone());
    let parts = origin.parts(&image.descriptor).await?;
    let root = parts.root()?;
    let digest = &root.descriptor.digest;
    check(remote, to, digest, options.expect_absent).await?;
    let blobs = parts.transfer(&origin, remote).await?;
    // Once more: a large image takes its time.
    let previous = check(remote, to, digest, options.expect_absent).await?;
    move_tag(remote, to.tag(), root).await?;
    Ok(Pushed { reference: to.clone().with_digest(digest.clone()), blobs, previous, referrers: 0 })
}
