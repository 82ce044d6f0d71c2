//! Tags: moved, deleted; and what hangs on a digest.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository, Tag};
use deploy_core::registry::Registry;
use futures_util::TryStreamExt;
use http::StatusCode;

use super::Pushed;
use super::promote::PromoteOptions;
use super::remote::Remote;
use crate::registry::OciRegistry;

/// How many tags are looked up at once.
const AT_ONCE: usize = 8;

impl OciRegistry {
    /// Lets `tag` stand for an image of the same repository as well. One that stands for something else is moved.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such image; what the registry refuses.
    pub async fn retag(&self, image: &Reference, tag: &Tag) -> Result<Pushed> {
        let to = Reference::tagged(image.repository().clone(), tag.clone());
        let remote = Remote::source(self, image.repository());
        let tagged = self.promote_with(&remote, image, &to, &PromoteOptions::new()).await;
        tagged.map_err(|error| error.during("tag").on(&to))
    }

    /// Deletes a tag, and leaves what it stands for and its other tags. Returns what it stood for.
    ///
    /// Deleting the digest would do where a registry cannot do this, but takes every other tag of it along: that is not done.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such tag; [`Unsupported`](ErrorKind::Unsupported) where the registry deletes no tags, or nothing at all.
    pub async fn delete_tag(&self, image: &Reference) -> Result<Digest> {
        let remote = Remote::source(self, image.repository());
        delete_tag(&remote, image).await.map_err(|error| error.during("delete tag").on(image))
    }

    /// Deletes a manifest, and with it EVERY tag that stands for it. See [`OciRegistry::tags_on`] for these: whoever calls this must have looked.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); [`Unsupported`](ErrorKind::Unsupported) where the registry deletes nothing.
    pub async fn delete_digest(&self, repository: &Repository, digest: &Digest) -> Result<()> {
        let remote = Remote::source(self, repository);
        let deleted = delete_digest(&remote, digest).await;
        deleted.map_err(|error| error.during("delete").on(format_args!("{repository}@{digest}")))
    }

    /// All tags that stand for a digest. Every tag of the repository is looked up: as many requests as it has tags.
    ///
    /// # Errors
    /// What the registry refuses: a tag that could not be looked up is never left out.
    pub async fn tags_on(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Tag>> {
        let remote = Remote::source(self, repository);
        let look = |tag: Tag| {
            let remote = remote.clone();
            async move {
                let found = remote.digest(tag.as_str()).await?;
                Ok((found.as_ref() == Some(digest)).then_some(tag))
            }
        };
        let found = self.tags(repository).map_ok(look).try_buffer_unordered(AT_ONCE);
        let mut tags: Vec<Tag> = found.try_filter_map(async |tag| Ok(tag)).try_collect().await?;
        tags.sort_unstable();
        Ok(tags)
    }
}

async fn delete_tag(remote: &Remote, image: &Reference) -> Result<Digest> {
    let (Some(tag), None) = (image.tag(), image.digest()) else {
        return Err(Error::invalid("only a tag can be deleted here")
            .help("leave out the digest, or delete the digest"));
    };
    let missing =
        || Error::new(ErrorKind::NotFound, format!("{} has no such tag", image.repository().domain()));
    let digest = remote.digest(tag.as_str()).await?.ok_or_else(missing)?;
    let answer = remote.delete_manifest(tag.as_str()).await?;
    match answer.status {
        // Gone since it was looked up, be it by a first try whose answer was lost.
        StatusCode::NOT_FOUND => Ok(digest),
        StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => {
            let place = image.repository().domain();
            Err(Error::new(ErrorKind::Unsupported, format!("{place} deletes no tags (it answered {})", answer.status.as_u16()))
                .help("some registries need deleting to be switched on; some only delete a digest, with all of its tags"))
        }
        _ => answer.success().map(|_| digest),
    }
}

async fn delete_digest(remote: &Remote, digest: &Digest) -> Result<()> {
    let place = remote.repository.domain();
    if remote.digest(digest.as_str()).await?.is_none() {
        return Err(Error::new(ErrorKind::NotFound, format!("{place} has no such manifest")));
    }
    let answer = remote.delete_manifest(digest.as_str()).await?;
    match answer.status {
        StatusCode::NOT_FOUND => Ok(()),
        StatusCode::METHOD_NOT_ALLOWED => {
            Err(Error::new(ErrorKind::Unsupported, format!("{place} deletes nothing"))
                .help("deleting has to be switched on at the registry"))
        }
        _ => answer.success().map(drop),
    }
}
