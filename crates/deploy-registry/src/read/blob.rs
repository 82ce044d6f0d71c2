//! Content by its digest.

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Repository};
use futures_util::stream::BoxStream;
use http::Method;
use http::header::CONTENT_LENGTH;

use super::digest::verify;
use crate::registry::OciRegistry;
use crate::transport::{Budget, Read, Request};

/// Larger ones are not kept.
const MAX_KEPT: usize = 1 << 20;

/// The bytes with `digest`, which they really have.
pub(crate) async fn blob(
    registry: &OciRegistry,
    budget: &Budget,
    repository: &Repository,
    digest: &Digest,
    at_most: u64,
) -> Result<Vec<u8>> {
    if let Some(cache) = registry.cache()
        && let Some(bytes) = cache.content(digest).await
    {
        let size = bytes.len() as u64;
        if size > at_most {
            return Err(Error::invalid(format!("it has {size} bytes, and {at_most} are allowed")));
        }
        return Ok(bytes.into());
    }
    let request = request(registry, repository, digest)?.read(Read::Whole(at_most));
    let answer = registry.transport().send(budget, &request).await?;
    let bytes = answer.success().map_err(|error| not_found(error, repository))?.into_bytes();
    verify(&bytes, digest, repository.domain())?;
    if let Some(cache) = registry.cache().filter(|_| bytes.len() <= MAX_KEPT) {
        cache.keep_content(digest, &bytes).await;
    }
    Ok(bytes.into())
}

/// The bytes as they come, and how many the registry says that there are. Nothing is verified: see [`verified`](crate::verified::verified).
pub(crate) async fn stream(
    registry: &OciRegistry,
    budget: &Budget,
    repository: &Repository,
    digest: &Digest,
) -> Result<(Option<u64>, BoxStream<'static, Result<Bytes>>)> {
    let request = request(registry, repository, digest)?.read(Read::Stream);
    let answer = registry.transport().send(budget, &request).await?;
    let answer = answer.success().map_err(|error| not_found(error, repository))?;
    let length = answer.header(&CONTENT_LENGTH).and_then(|length| length.parse().ok());
    Ok((length, answer.stream()))
}

fn request(registry: &OciRegistry, repository: &Repository, digest: &Digest) -> Result<Request> {
    let path = format!("/v2/{}/blobs/{digest}", repository.path());
    let url = registry.transport().url(repository.domain(), &path)?;
    Ok(Request::new(Method::GET, repository.domain(), url).scope(repository.path(), "pull"))
}

fn not_found(error: Error, repository: &Repository) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    Error::new(ErrorKind::NotFound, format!("no such blob at {}", repository.domain())).source(error)
}
