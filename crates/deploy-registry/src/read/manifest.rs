//! The manifest, or the index, that a reference stands for.

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference};
use http::header::HeaderName;
use http::{Method, StatusCode};

use super::digest::verify;
use crate::cache;
use crate::content::Content;
use crate::registry::OciRegistry;
use crate::transport::{Answer, Budget, Read, Request};

/// Every kind that is read.
pub(crate) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest as it was pushed, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) bytes: Bytes,
    pub(crate) digest: Digest,
    pub(crate) content: Content,
}

/// The manifest with its digest verified, from the cache if it is there and still the one.
pub(crate) async fn manifest(
    registry: &OciRegistry,
    budget: &Budget,
    reference: &Reference,
) -> Result<Manifest> {
    if let (Some(cache), Some(digest)) = (registry.cache(), reference.digest())
        && let Some(bytes) = cache.content(digest).await
    {
        return read(bytes, digest.clone());
    }
    let request = request(registry, Method::GET, reference)?;
    let answer = if reference.digest().is_some() {
        registry.transport().send(budget, &request).await?.success()
    } else {
        cache::revalidated(registry, budget, request).await
    };
    let answer = answer.map_err(|error| not_found(error, reference))?;
    answer.object("a manifest")?;
    let said = said(&answer)?;
    let host = reference.repository().domain();
    let digest = match (reference.digest(), said) {
        (Some(digest), _) => digest.clone(),
        // Another algorithm is as good as its own word: what is computed holds.
        (None, Some(said)) if said.algorithm() == "sha256" => said,
        (None, _) => Digest::sha256(answer.known()),
    };
    verify(answer.known(), &digest, host)?;
    let bytes = answer.into_bytes();
    let manifest = read(bytes, digest)?;
    if let Some(cache) = registry.cache() {
        cache.keep_content(&manifest.digest, &manifest.bytes).await;
    }
    Ok(manifest)
}

pub(super) fn request(registry: &OciRegistry, method: Method, reference: &Reference) -> Result<Request> {
    let repository = reference.repository();
    let name = match (reference.digest(), reference.tag()) {
        (Some(digest), _) => digest.as_str(),
        (None, Some(tag)) => tag.as_str(),
        (None, None) => "latest",
    };
    let url = registry
        .transport()
        .url(repository.domain(), &format!("/v2/{}/manifests/{name}", repository.path()))?;
    Ok(Request::new(method, repository.domain(), url)
        .accept(MANIFESTS)
        .scope(repository.path(), "pull")
        .read(Read::Whole(crate::content::MAX_MANIFEST)))
}

/// The digest that the registry names, if it names one.
pub(super) fn said(answer: &Answer) -> Result<Option<Digest>> {
    answer.header(&CONTENT_DIGEST).map(str::parse).transpose()
}

/// What registries answer for a missing image differs; a HEAD says nothing at all.
pub(super) fn not_found(error: Error, reference: &Reference) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    let message = format!("no such image at {}", reference.repository().domain());
    Error::new(ErrorKind::NotFound, message).source(error)
}

fn read(bytes: Bytes, digest: Digest) -> Result<Manifest> {
    let content = Content::read(&bytes, None)?;
    Ok(Manifest { bytes, digest, content })
}

/// Whether a method is not offered, so that another is to be tried.
pub(super) fn is_not_offered(status: StatusCode) -> bool {
    status == StatusCode::METHOD_NOT_ALLOWED || status == StatusCode::NOT_IMPLEMENTED
}

/// Whether it lists manifests, as an index or one of Docker's lists does.
pub(super) fn is_index(content: &Content) -> bool {
    !content.manifests.is_empty()
        || content.media_type == crate::content::OCI_INDEX
        || content.media_type.contains(".manifest.list.")
}
