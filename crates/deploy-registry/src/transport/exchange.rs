//! One request as it goes over the wire, and where it is redirected to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{HeaderValue, StatusCode};
use reqwest::Url;
use tokio::sync::Semaphore;

use super::answer::{self, Answer, Body};
use super::auth::{Shown, locked};
use super::hosts::{self, authority, same_origin};
use super::request::{Access, Payload, Read, Request};
use super::{Transport, failure};

/// The largest body of a refusal that is read; what is beyond is not.
const MAX_REFUSAL: u64 = 64 << 10;
const MAX_REDIRECTS: usize = 5;

/// A request without an answer.
pub(super) struct Failed {
    pub(super) error: Error,
    /// The registry may have acted upon it, and nobody knows.
    pub(super) lost: bool,
}

impl Failed {
    fn known(error: Error) -> Self {
        Self { error, lost: false }
    }

    fn lost(error: Error) -> Self {
        Self { error, lost: true }
    }
}

impl Transport {
    /// Sends it once, and again to where it is redirected.
    pub(super) async fn follow(&self, request: &Request, shown: &Shown) -> Result<Answer, Failed> {
        let mut url = request.url.clone();
        let registry = self.url(&request.registry, "/").map_err(Failed::known)?;
        for _ in 0..=MAX_REDIRECTS {
            // A token service's URL is its own; a registry's secrets go to the registry alone.
            let own = match request.access {
                Access::Shown(_) => same_origin(&url, &request.url),
                Access::Scopes(_) => same_origin(&url, &registry),
            };
            let shown = shown.header.as_ref().filter(|_| own);
            let answer = self.exchange(request, &url, shown).await?;
            if !request.follows() || !is_redirect(answer.status) {
                return Ok(answer);
            }
            url = self.target(&answer, &url).map_err(Failed::known)?;
        }
        let message = format!("{} redirects more than {MAX_REDIRECTS} times", request.registry);
        Err(Failed::known(Error::new(ErrorKind::Internal, message)))
    }

    fn target(&self, answer: &Answer, from: &Url) -> Result<Url> {
        let broken =
            |what: &str| Error::new(ErrorKind::Internal, format!("{} redirects {what}", authority(from)));
        let location = answer.header(&LOCATION).ok_or_else(|| broken("to nowhere"))?;
        let url = from.join(location).map_err(|_| broken("to what is not a URL"))?;
        if self.hosts().may_go(&url, from) {
            Ok(url)
        } else {
            Err(broken(&format!("to {}, which is not encrypted: refused", authority(&url))))
        }
    }

    /// One request, one answer.
    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
        shown: Option<&HeaderValue>,
    ) -> Result<Answer, Failed> {
        let host = authority(url);
        let turns = Arc::clone(
            locked(&self.0.turns)
                .entry(host.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(self.0.settings.requests_per_host.max(1)))),
        );
        let closed = |_| Failed::known(Error::new(ErrorKind::Internal, "no more turns"));
        let turn = turns.acquire_owned().await.map_err(closed)?;
        self.0.counts.request(&host);
        let loopback = hosts::is_loopback(&host);
        let client = if loopback { &self.0.clients.loopback } else { &self.0.clients.outside };
        let mut sending =
            client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(shown) = shown {
            sending = sending.header(AUTHORIZATION, shown.clone());
        }
        sending = match &request.payload {
            Payload::Empty if request.follows() => sending,
            Payload::Empty => sending.header(CONTENT_LENGTH, 0),
            Payload::Bytes(bytes) => sending.body(bytes.clone()),
            Payload::Stream { length, open } => {
                sending.header(CONTENT_LENGTH, *length).body(reqwest::Body::wrap_stream(open()))
            }
        };
        let patience = self.0.settings.request_timeout;
        // A second for each 64 KiB that go out.
        let head = patience + Duration::from_secs(request.payload.length() >> 16);
        let response = match tokio::time::timeout(head, sending.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(source)) => {
                let lost = !(source.is_connect() || source.is_builder() || failure::is_own(&source));
                return Err(Failed { error: failure::explain(source, &host), lost });
            }
            Err(_) => return Err(Failed::lost(failure::timeout(&host, head))),
        };
        tracing::debug!(method = %request.method, url = hosts::shown(url), status = response.status().as_u16(), "asked a registry");
        let status = response.status();
        let headers = response.headers().clone();
        let body = match request.read {
            Read::Stream if status.is_success() => Body::Open { response, patience },
            Read::Whole(at_most) if status.is_success() => {
                let read = answer::read(response, at_most, patience, &host).await.map_err(Failed::lost)?;
                Body::Whole(read.ok_or_else(|| Failed::known(too_large(&host, at_most)))?)
            }
            // What a refusal says is worth having, but nothing depends on it.
            _ => {
                let read = answer::read(response, MAX_REFUSAL, patience, &host).await.ok().flatten();
                Body::Whole(masked(read.unwrap_or_else(Bytes::new), shown))
            }
        };
        drop(turn);
        Ok(Answer { status, headers, url: url.clone(), body })
    }
}

/// A refusal without what it was shown, should it repeat that.
fn masked(body: Bytes, shown: Option<&HeaderValue>) -> Bytes {
    let secret = shown.and_then(|shown| shown.to_str().ok()?.split_once(' '));
    match (secret, std::str::from_utf8(&body)) {
        (Some((_, secret)), Ok(text)) if text.contains(secret) => text.replace(secret, "***").into(),
        _ => body,
    }
}

fn too_large(host: &str, at_most: u64) -> Error {
    Error::invalid(format!("{host} answered with more than the {at_most} bytes that are allowed"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
