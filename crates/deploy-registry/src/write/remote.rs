//! One repository at a registry, and the requests that writing takes.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::image::{Digest, Repository};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method, StatusCode};

use super::location;
use crate::content::{Content, Descriptor, MAX_MANIFEST};
use crate::read;
use crate::registry::OciRegistry;
use crate::transport::{Answer, Budget, Payload, Read, Request};
use crate::verified::verified;

const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// How often one blob is begun.
const MAX_ATTEMPTS: u32 = 4;

/// A repository within one operation. Clones share what the operation may spend.
#[derive(Clone)]
pub(super) struct Remote {
    registry: OciRegistry,
    budget: Arc<Budget>,
    pub(super) repository: Repository,
    /// What a token must allow, for whatever is asked: one token for all of it.
    actions: &'static str,
}

/// What became of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It was there.
    Present,
    /// The registry took it over from another of its repositories.
    Mounted,
    Uploaded,
}

/// A manifest as it is at a registry.
#[derive(Clone)]
pub(super) struct Manifest {
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Bytes,
    pub(super) content: Content,
}

/// Opens the bytes of a blob, each time that they are sent.
pub(super) type Open = Arc<dyn Fn() -> BoxStream<'static, Result<Bytes>> + Send + Sync>;

impl Remote {
    /// To be read.
    pub(super) fn source(registry: &OciRegistry, repository: &Repository) -> Self {
        let budget = Arc::new(registry.transport().budget());
        Self { registry: registry.clone(), budget, repository: repository.clone(), actions: "pull" }
    }

    /// To be written.
    pub(super) fn target(registry: &OciRegistry, repository: &Repository) -> Self {
        Self { actions: "pull,push", ..Self::source(registry, repository) }
    }

    /// Another repository, to be written in the same operation.
    pub(super) fn target_beside(&self, repository: &Repository) -> Self {
        Self { repository: repository.clone(), actions: "pull,push", ..self.clone() }
    }

    pub(super) fn same_registry(&self, other: &Self) -> bool {
        self.repository.domain() == other.repository.domain()
    }

    /// The digest that a tag or a digest stands for; none if there is none.
    pub(super) async fn digest(&self, reference: &str) -> Result<Option<Digest>> {
        let request = self.manifest_request(Method::HEAD, reference, self.actions)?.accept(MANIFESTS);
        let answer = self.send(&request).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => {
                let answer = answer.success()?;
                match content_digest(&answer)? {
                    Some(digest) => Ok(Some(digest)),
                    // The specification wants the header; without it the content tells.
                    None => Ok(self.find_manifest(reference).await?.map(|found| found.descriptor.digest)),
                }
            }
        }
    }

    /// The manifest that a tag or a digest stands for.
    pub(super) async fn manifest(&self, reference: &str) -> Result<Manifest> {
        self.find_manifest(reference).await?.ok_or_else(|| {
            let place = self.repository.domain();
            Error::new(ErrorKind::NotFound, format!("{place} has no such manifest")).on(self.shown(reference))
        })
    }

    /// The same; none if there is none.
    pub(super) async fn find_manifest(&self, reference: &str) -> Result<Option<Manifest>> {
        let request = self.manifest_request(Method::GET, reference, self.actions)?.accept(MANIFESTS);
        let answer = self.send(&request.read(Read::Whole(MAX_MANIFEST))).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = answer.success()?;
        let media_type =
            answer.header(&CONTENT_TYPE).map(|text| text.split(';').next().unwrap_or(text).trim());
        let media_type = media_type.filter(|text| *text != "application/json").map(str::to_owned);
        let bytes = answer.into_bytes();
        let on = |error: Error| error.on(self.shown(reference));
        let content = Content::read(&bytes, media_type.as_deref()).map_err(on)?;
        let descriptor = Descriptor {
            artifact_type: content.artifact_type.clone(),
            ..Descriptor::new(content.media_type.clone(), &bytes)
        };
        if reference.contains(':') && reference != descriptor.digest.as_str() {
            let message = format!("{} answered with another manifest", self.repository.domain());
            return Err(on(Error::new(ErrorKind::Internal, message)));
        }
        Ok(Some(Manifest { descriptor, bytes, content }))
    }

    /// Writes a manifest under a tag, or under its own digest. Whether the registry says that it keeps what refers to what.
    pub(super) async fn put_manifest(&self, reference: &str, manifest: &Manifest) -> Result<bool> {
        let media_type = HeaderValue::from_str(&manifest.descriptor.media_type).map_err(|_| {
            Error::invalid("its media type cannot be a header").on(&manifest.descriptor.digest)
        })?;
        let request = self
            .manifest_request(Method::PUT, reference, self.actions)?
            .header(CONTENT_TYPE, media_type)
            .payload(Payload::Bytes(manifest.bytes.clone()))
            // The second time it says the same.
            .replayable();
        let on = |error: Error| error.on(self.shown(reference));
        let answer = self.send(&request).await?.success().map_err(on)?;
        let expected = &manifest.descriptor.digest;
        let found = match content_digest(&answer)? {
            Some(found) => Some(found),
            None => self.digest(reference).await?,
        };
        if found.as_ref() != Some(expected) {
            let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
            let message = format!("{} has {found} after {expected} was written", self.repository.domain());
            return Err(on(
                Error::new(ErrorKind::Internal, message).help("did something else write this tag just now?")
            ));
        }
        Ok(answer.headers.contains_key(&OCI_SUBJECT))
    }

    /// Deletes what a tag or a digest stands for. A second time it may be gone.
    pub(super) async fn delete_manifest(&self, reference: &str) -> Result<Answer> {
        let request = self.manifest_request(Method::DELETE, reference, "delete")?.replayable();
        self.send(&request).await
    }

    /// The bytes of a blob, which are its digest's.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> BoxStream<'static, Result<Bytes>> {
        let (remote, digest) = (self.clone(), descriptor.digest.clone());
        let opened = async move {
            let read = read::stream(&remote.registry, &remote.budget, &remote.repository, &digest).await;
            Ok::<_, Error>(read.map_err(|error| error.on(remote.shown(digest.as_str())))?.1)
        };
        verified(stream::once(opened).try_flatten().boxed(), descriptor.digest.clone(), descriptor.size)
    }

    /// Brings a blob here, unless it is here; from `beside`, another repository of this registry, without moving its bytes.
    ///
    /// An upload that fails is begun anew, after a look whether it had come to its end: nothing is there twice.
    pub(super) async fn put_blob(
        &self,
        blob: &Descriptor,
        beside: Option<&Repository>,
        open: Open,
    ) -> Result<Moved> {
        let mut failures = 0;
        loop {
            if self.has_blob(&blob.digest).await? {
                return Ok(if failures == 0 { Moved::Present } else { Moved::Uploaded });
            }
            match self.upload(blob, beside, &open).await {
                Ok(moved) => return Ok(moved),
                Err(error) => {
                    failures += 1;
                    let error = error.on(self.shown(blob.digest.as_str()));
                    if failures >= MAX_ATTEMPTS && error.retry() != Retry::Never {
                        return Err(error.with_retry(Retry::Exhausted));
                    }
                    self.registry.transport().again(&self.budget, failures, error).await?;
                }
            }
        }
    }

    async fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let answer =
            self.send(&self.request(Method::HEAD, &format!("/blobs/{digest}"), self.actions)?).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            _ => answer.success().map(|_| true).map_err(|error| error.on(self.shown(digest.as_str()))),
        }
    }

    async fn upload(&self, blob: &Descriptor, beside: Option<&Repository>, open: &Open) -> Result<Moved> {
        let begun = match beside {
            Some(from) => self.mount(blob, from).await?,
            None => None,
        };
        let begun = match begun {
            Some(answer) if answer.status == StatusCode::CREATED => return Ok(Moved::Mounted),
            // The registry does not mount, and has begun an upload instead.
            Some(answer) if answer.status == StatusCode::ACCEPTED => answer,
            _ => {
                // An upload that nobody goes on with is thrown away by the registry.
                let request = self.request(Method::POST, "/blobs/uploads/", self.actions)?.replayable();
                self.send(&request).await?.success()?
            }
        };
        let url = location::of_upload(&begun, &blob.digest, self.registry.transport().hosts())?;
        // What goes wrong at the origin is told as it is, and not as a broken connection to here.
        let origin: Arc<Mutex<Option<Error>>> = Arc::default();
        let (seen, open) = (Arc::clone(&origin), Arc::clone(open));
        let open = move || {
            let seen = Arc::clone(&seen);
            let note = move |error: Error| {
                let told = Error::new(error.kind(), error.message()).with_retry(error.retry());
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                told
            };
            open().map_err(note).boxed()
        };
        let request = Request::new(Method::PUT, self.repository.domain(), url)
            .scope(self.repository.path(), self.actions)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .payload(Payload::Stream { length: blob.size, open: Arc::new(open) });
        let sent = self.send(&request).await;
        if let Some(error) = origin.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let answer = sent?;
        // The upload is gone, or the registry has a part of an earlier try: another one may pass.
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE) {
            return Err(answer.refusal().with_retry(Retry::Later { after: None }));
        }
        answer.success()?;
        Ok(Moved::Uploaded)
    }

    /// Asks the registry to take a blob over. Whatever it refuses with, uploading is the other way.
    async fn mount(&self, blob: &Descriptor, from: &Repository) -> Result<Option<Answer>> {
        let path = format!("/blobs/uploads/?mount={}&from={}", blob.digest, from.path());
        let request =
            self.request(Method::POST, &path, self.actions)?.scope(from.path(), "pull").replayable();
        let answer = self.send(&request).await?;
        Ok(answer.is_success().then_some(answer))
    }

    fn manifest_request(&self, method: Method, reference: &str, actions: &str) -> Result<Request> {
        self.request(method, &format!("/manifests/{reference}"), actions)
    }

    fn request(&self, method: Method, path: &str, actions: &str) -> Result<Request> {
        let (domain, repository) = (self.repository.domain(), self.repository.path());
        let url = self.registry.transport().url(domain, &format!("/v2/{repository}{path}"))?;
        Ok(Request::new(method, domain, url).scope(repository, actions))
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        self.registry.transport().send(&self.budget, request).await
    }

    /// A reference for people.
    pub(super) fn shown(&self, reference: &str) -> String {
        let joint = if reference.contains(':') { '@' } else { ':' };
        format!("{}{joint}{reference}", self.repository)
    }
}

/// The digest in an answer's header.
fn content_digest(answer: &Answer) -> Result<Option<Digest>> {
    let Some(text) = answer.header(&DOCKER_CONTENT_DIGEST) else { return Ok(None) };
    text.parse().map(Some).map_err(|source| {
        Error::new(ErrorKind::Internal, "the registry answered with a digest that is none").source(source)
    })
}
