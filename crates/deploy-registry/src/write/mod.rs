//! Writing to registries: pushing layouts and artifacts, copying images, moving and deleting tags.
//!
//! All of it may be broken off and done again: content goes first and tags last, what is there already is not sent again, and an answer that was
//! lost is looked up. Digests are checked on both sides. Blobs are streamed: memory is bounded, and nothing is written to disk.
//!
//! ```no_run
//! use deploy_registry::layout::Layout;
//! use deploy_registry::{OciRegistry, PromoteOptions, PushOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let registry = OciRegistry::builder().build()?;
//! let layout = Layout::open("api.tar").await?;
//! let staging = "registry.example/staging/api:v7".parse()?;
//! let pushed = registry.push(&layout, layout.image(None)?, &staging, &PushOptions::new()).await?;
//!
//! let production = "registry.example/production/api:v7".parse()?;
//! let options = PromoteOptions::new().expect_absent(true).referrers(true);
//! let promoted = registry.promote(&pushed.reference, &production, &options).await?;
//! assert_eq!(promoted.reference.digest(), pushed.reference.digest());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod artifact;
mod location;
mod promote;
mod push;
mod referrers;
mod remote;
mod tags;
mod transfer;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Tag};

use self::remote::{Manifest, Remote};

pub use artifact::NewArtifact;
pub use promote::PromoteOptions;
pub use push::PushOptions;
pub use transfer::Transferred;

/// What was pushed or promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// What it was pushed as, with its digest.
    pub reference: Reference,
    /// What became of its blobs.
    pub blobs: Transferred,
    /// What the tag stood for before.
    pub previous: Option<Digest>,
    /// How many artifacts that refer to it were copied along.
    pub referrers: usize,
}

/// Refuses a reference whose digest is not that of what is to be written, and a tag that stands for something else already.
async fn check(
    to: &Remote,
    reference: &Reference,
    digest: &Digest,
    expect_absent: bool,
) -> Result<Option<Digest>> {
    if reference.digest().is_some_and(|wanted| wanted != digest) {
        return Err(Error::invalid(format!("what is to be written there is {digest}")).on(reference));
    }
    let Some(tag) = reference.tag() else { return Ok(None) };
    let previous = to.digest(tag.as_str()).await?;
    match &previous {
        Some(previous) if expect_absent && previous != digest => {
            Err(Error::new(ErrorKind::AlreadyExists, format!("it stands for {previous}"))
                .on(to.shown(tag.as_str()))
                .help(format!("it was to be new, for {digest}: choose another tag")))
        }
        _ => Ok(previous),
    }
}

/// Lets a tag stand for a manifest that is there.
async fn move_tag(to: &Remote, tag: Option<&Tag>, manifest: &Manifest) -> Result<()> {
    match tag {
        Some(tag) => to.put_manifest(tag.as_str(), manifest).await.map(drop),
        None => Ok(()),
    }
}
