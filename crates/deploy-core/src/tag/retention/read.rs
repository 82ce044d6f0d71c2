//! The tags of a repository, each with its digest.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::error::{Error, ErrorKind, Result};
use crate::image::{Digest, Reference, Repository, Tag};
use crate::registry::{AT_ONCE, Registry};

/// The tags of `repository` with the digests that they stand for now, in no order; what [`plan`](super::plan()) is made of. One request a
/// tag, besides the listing.
///
/// # Errors
/// An item is an error if the listing cannot go on, or a digest cannot be told: then there is no plan. A tag that vanished meanwhile is
/// [`Stale`](ErrorKind::Stale): somebody else deletes, and what they leave is not known.
pub fn digests(
    registry: Arc<dyn Registry>,
    repository: &Repository,
) -> BoxStream<'static, Result<(Tag, Digest)>> {
    let (of, tags) = (repository.clone(), registry.tags(repository));
    let read = move |tag: Result<Tag>| {
        let (registry, repository) = (registry.clone(), of.clone());
        async move {
            let tag = tag?;
            let image = Reference::tagged(repository, tag.clone());
            match registry.resolve(&image).await {
                Ok(digest) => Ok((tag, digest)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Err(Error::new(ErrorKind::Stale, "the tag vanished while its repository was read")
                        .during("resolve")
                        .on(format!("image {image}"))
                        .help("try again once nobody else deletes")
                        .source(error))
                }
                Err(error) => Err(error.during("resolve").on(format!("image {image}"))),
            }
        }
    };
    tags.map(read).buffer_unordered(AT_ONCE).boxed()
}
