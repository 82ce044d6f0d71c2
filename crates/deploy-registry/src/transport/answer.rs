//! What a registry answered.

use std::time::Duration;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, StatusCode};
use reqwest::Url;
use serde::de::DeserializeOwned;

use super::hosts::{authority, name, shown};
use super::{failure, refusal};

/// An answer that is final: it is not worth asking again.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Whole(Bytes),
    Open { response: reqwest::Response, patience: Duration },
}

impl Answer {
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The answer, or what its status says as an error.
    pub(crate) fn success(self) -> Result<Self> {
        if self.is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    /// What an answer that is not a success says, for people.
    pub(crate) fn refusal(&self) -> Error {
        refusal::error(self.status, &self.headers, self.known(), &name(&self.url))
    }

    /// The body of an answer that was asked for whole; empty for a stream.
    pub(crate) fn known(&self) -> &[u8] {
        match &self.body {
            Body::Whole(bytes) => bytes,
            Body::Open { .. } => &[],
        }
    }

    /// The body of an answer that was asked for whole.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self.body {
            Body::Whole(bytes) => bytes,
            Body::Open { .. } => Bytes::new(),
        }
    }

    /// The answer that this one (304) says is still the one.
    pub(crate) fn replaced(self, headers: HeaderMap, body: Bytes) -> Self {
        Self { status: StatusCode::OK, headers, url: self.url, body: Body::Whole(body) }
    }

    /// The body of an answer that was asked for whole, as JSON: of `what`.
    pub(crate) fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        self.object(what)?;
        serde_json::from_slice(self.known()).map_err(|source| {
            let message = format!("{} answered with what is not {what}: {source}", shown(&self.url));
            Error::new(ErrorKind::Internal, message).source(source)
        })
    }

    /// Refuses what cannot be a JSON object: a page for people, or a list, which serde would take for a struct's fields in a row.
    pub(crate) fn object(&self, what: &str) -> Result<()> {
        if self.known().iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            return Ok(());
        }
        let media_type = refusal::cut(self.header(&CONTENT_TYPE).unwrap_or("no media type"));
        let place = shown(&self.url);
        let message = format!("{place} answered with {media_type} where {what} was due: is it a registry?");
        Err(Error::new(ErrorKind::Internal, message))
    }

    /// The body as it comes, each part within the time for one request. It takes no turn: a copy within one registry must not wait for itself.
    pub(crate) fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        let host = authority(&self.url);
        match self.body {
            Body::Whole(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Body::Open { response, patience } => {
                stream::unfold((Some(response), host), move |(response, host)| async move {
                    let mut response = response?;
                    match failure::within(patience, &host, response.chunk()).await {
                        Ok(Some(chunk)) => Some((Ok(chunk), (Some(response), host))),
                        Ok(None) => None,
                        Err(error) => Some((Err(error), (None, host))),
                    }
                })
                .boxed()
            }
        }
    }
}

/// Reads a body whole. `None` if it has more than `at_most` bytes; what was read until then is thrown away.
pub(super) async fn read(
    mut response: reqwest::Response,
    at_most: u64,
    patience: Duration,
    host: &str,
) -> Result<Option<Bytes>> {
    if response.content_length().is_some_and(|length| length > at_most) {
        return Ok(None);
    }
    // A body that drips is not waited for without end.
    let whole = patience + Duration::from_secs(at_most >> 16);
    let reading = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = failure::within(patience, host, response.chunk()).await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > at_most {
                return Ok(None);
            }
        }
        Ok(Some(Bytes::from(bytes)))
    };
    match tokio::time::timeout(whole, reading).await {
        Ok(read) => read,
        Err(_) => Err(failure::timeout(host, whole)),
    }
}
