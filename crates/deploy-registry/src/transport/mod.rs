//! How requests reach a registry: the one way for reading and writing.
//!
//! ```rust,ignore
//! let budget = transport.budget();                                   // one for each operation
//! let url = transport.url(repository.domain(), "/v2/shop/api/tags/list?n=1000")?;
//! let request = Request::new(Method::GET, repository.domain(), url).scope("shop/api", "pull");
//! let answer = transport.send(&budget, &request).await?.success()?;
//! let page: Page = answer.json("a page of tags")?;
//! ```
//!
//! [`Transport::send`] does for every request, in this order:
//!
//! 1. It waits for a turn: so many requests at once to a host, not more. A stream that is being read holds none.
//! 2. It shows what the registry wants shown (`auth.rs`): nothing at first, then what its challenge asks for. A 401, or a 403 after
//!    credentials were shown, has new ones asked for, once. `docker.io` and the like are the names that credentials are found under.
//! 3. It follows redirects of what reads, without the credentials where they lead to another host.
//! 4. It reads the body, within its cap, as [`Read`] has it. A refusal's body is always read.
//! 5. Connections that fail and 408, 429, 502, 503 and 504 are tried again with growing waits, within the [`Budget`]. A request that is not
//!    [`Request::replayable`] is only sent again where it certainly was not acted upon: no connection, 401, 403, 429. A lost answer to such
//!    a one is [`ErrorKind::OutcomeUnknown`].
//!
//! What comes back is an [`Answer`] with a status that is final, be it a refusal: [`Answer::success`] makes an error of that, [`Answer::refusal`]
//! words it. What no answer at all came to, and what may pass later, is the error.

mod again;
mod answer;
mod auth;
mod budget;
mod challenge;
mod failure;
mod hosts;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
mod tls;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::layer::Backoff;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{HeaderValue, StatusCode};
use reqwest::Url;
use tokio::sync::Semaphore;

pub(crate) use answer::Answer;
pub(crate) use budget::Budget;
pub(crate) use hosts::{Hosts, authority, same_origin};
pub(crate) use request::{MAX_SMALL, Payload, Read, Request};

use crate::credentials::Credentials;
use answer::Body;
use auth::{Auth, Rounds, Shown, locked};
use tls::Clients;

/// The largest body of a refusal that is read; what is beyond is not.
const MAX_REFUSAL: u64 = 64 << 10;
const MAX_REDIRECTS: usize = 5;

/// How a [`Transport`] behaves.
pub(crate) struct Settings {
    pub(crate) credentials: Option<Arc<dyn Credentials>>,
    pub(crate) hosts: Hosts,
    /// PEM files' contents.
    pub(crate) authorities: Vec<Vec<u8>>,
    /// For one answer's head, and for each part of its body.
    pub(crate) request_timeout: Duration,
    /// At once, to one host.
    pub(crate) requests_per_host: usize,
    pub(crate) backoff: Backoff,
    /// What one operation may wait in all.
    pub(crate) patience: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) user_agent: String,
}

/// Sends requests. Clones share everything.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    clients: Clients,
    auth: Auth,
    settings: Settings,
    turns: Mutex<HashMap<String, Arc<Semaphore>>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    tokens: AtomicU64,
    retries: AtomicU64,
    waited: AtomicU64,
    by_host: Mutex<BTreeMap<String, u64>>,
}

/// What was asked until now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests sent, each redirect, try and request for a token counted.
    pub requests: u64,
    /// Of those, how many asked for a token.
    pub tokens: u64,
    /// Of those, how many were sent again since the registry could not answer.
    pub retries: u64,
    /// How long it was waited for registries that could not answer.
    pub waited: Duration,
    /// Requests by `host` or `host:port`.
    pub by_host: BTreeMap<String, u64>,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let clients = tls::clients(&settings.authorities, &settings.user_agent)?;
        let auth = Auth::new(settings.credentials.clone());
        Ok(Self(Arc::new(Inner {
            clients,
            auth,
            settings,
            turns: Mutex::default(),
            counts: Counts::default(),
        })))
    }

    /// What one operation may spend waiting: one for all of its requests.
    pub(crate) fn budget(&self) -> Budget {
        Budget::new(self.0.settings.backoff, self.0.settings.patience)
    }

    /// The URL of `path_and_query` (it starts with `/v2/`) at a registry as references name it.
    pub(crate) fn url(&self, registry: &str, path_and_query: &str) -> Result<Url> {
        self.hosts().url(registry, path_and_query)
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.0.settings.hosts
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.settings.clock.now()
    }

    pub(crate) fn stats(&self) -> Stats {
        let counts = &self.0.counts;
        Stats {
            requests: counts.requests.load(Ordering::Relaxed),
            tokens: counts.tokens.load(Ordering::Relaxed),
            retries: counts.retries.load(Ordering::Relaxed),
            waited: Duration::from_millis(counts.waited.load(Ordering::Relaxed)),
            by_host: locked(&counts.by_host).clone(),
        }
    }

    fn count_token(&self) {
        self.0.counts.tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a request until there is an answer that is final. See the [module](self).
    ///
    /// Dropping the future stops it; what was sent may take effect.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] and [`ErrorKind::Timeout`] once the budget is spent, with the registry's own `Retry-After`;
    /// [`ErrorKind::OutcomeUnknown`]; [`ErrorKind::InvalidInput`] for a body over its cap; what credentials and token services meet.
    pub(crate) async fn send(&self, budget: &Budget, request: &Request) -> Result<Answer> {
        let mut rounds = Rounds::default();
        let mut failures = 0;
        loop {
            let shown = self.0.auth.show(self, budget, request).await?;
            let error = match self.follow(request, &shown).await {
                Ok(answer) if self.0.auth.again(&answer, request, &shown, &mut rounds).await => continue,
                Ok(answer) if refusal::is_passing(answer.status) => {
                    let error = refusal::with_wait(answer.refusal(), &answer.headers, self.now());
                    let refused = answer.status == StatusCode::TOO_MANY_REQUESTS;
                    if refused || request.replayable { error } else { unknown(&error) }
                }
                Ok(answer) => return Ok(answer),
                Err(Failed { error, lost: true }) if !request.replayable => unknown(&error).source(error),
                Err(Failed { error, .. }) => error,
            };
            failures += 1;
            let wait = budget.spend(failures, error, fastrand::f64())?;
            tracing::debug!(?request, ?wait, "the registry cannot answer: asking again");
            self.0.counts.retries.fetch_add(1, Ordering::Relaxed);
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.0.counts.waited.fetch_add(millis, Ordering::Relaxed);
            self.0.settings.clock.sleep(wait).await;
        }
    }

    /// Sends it once, and again to where it is redirected.
    async fn follow(&self, request: &Request, shown: &Shown) -> Result<Answer, Failed> {
        let mut url = request.url.clone();
        let registry = self.url(&request.registry, "/").map_err(Failed::known)?;
        for _ in 0..=MAX_REDIRECTS {
            // A token service's URL is its own; a registry's secrets go to the registry alone.
            let own = match request.access {
                request::Access::Shown(_) => same_origin(&url, &request.url),
                request::Access::Scopes(_) => same_origin(&url, &registry),
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
        self.0.counts.requests.fetch_add(1, Ordering::Relaxed);
        *locked(&self.0.counts.by_host).entry(host.clone()).or_default() += 1;
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
            _ => Body::Whole(
                answer::read(response, MAX_REFUSAL, patience, &host)
                    .await
                    .ok()
                    .flatten()
                    .unwrap_or_else(Bytes::new),
            ),
        };
        drop(turn);
        Ok(Answer { status, headers, url: url.clone(), body })
    }
}

/// A request without an answer.
struct Failed {
    error: Error,
    /// The registry may have acted upon it, and nobody knows.
    lost: bool,
}

impl Failed {
    fn known(error: Error) -> Self {
        Self { error, lost: false }
    }

    fn lost(error: Error) -> Self {
        Self { error, lost: true }
    }
}

fn unknown(error: &Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, error.message()).with_retry(Retry::LookUpFirst)
}

fn too_large(host: &str, at_most: u64) -> Error {
    Error::invalid(format!("{host} answered with more than the {at_most} bytes that are allowed"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
