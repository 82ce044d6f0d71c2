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
mod exchange;
mod failure;
mod hosts;
mod login;
mod refusal;
mod request;
mod stats;
#[cfg(test)]
mod tests;
mod tls;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::layer::Backoff;
use http::StatusCode;
use reqwest::Url;
use tokio::sync::Semaphore;

pub(crate) use answer::Answer;
pub(crate) use budget::Budget;
pub(crate) use hosts::{Hosts, authority};
pub(crate) use request::{MAX_SMALL, Payload, Read, Request};
pub use stats::Stats;

use crate::credentials::Credentials;
use auth::{Auth, Rounds};
use exchange::Failed;
use stats::Counts;
use tls::Clients;

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
    pub(crate) on_wait: Option<Arc<OnWait>>,
}

/// A wait for a registry that cannot answer now.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waiting<'a> {
    /// Why: what would be the error if it were not asked again. It names the host.
    pub why: &'a Error,
    /// How long, until it is asked again.
    pub wait: Duration,
}

/// Told before each wait.
pub(crate) type OnWait = dyn Fn(&Waiting<'_>) + Send + Sync;

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
        self.0.counts.told()
    }

    fn count_token(&self) {
        self.0.counts.token();
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
            if error.kind() == ErrorKind::Timeout {
                budget.charge(self.0.settings.request_timeout);
            }
            let wait = self.wait(budget, failures, error).await?;
            tracing::debug!(?request, ?wait, "the registry could not answer: asking again");
            self.0.counts.retry(wait);
        }
    }

    /// Waits until what failed `failures` times may be tried again, and says how long that was.
    async fn wait(&self, budget: &Budget, failures: u32, error: Error) -> Result<Duration> {
        let (wait, error) = budget.spend(failures, error, fastrand::f64())?;
        if let Some(on_wait) = &self.0.settings.on_wait {
            on_wait(&Waiting { why: &error, wait });
        }
        self.0.settings.clock.sleep(wait).await;
        Ok(wait)
    }
}

fn unknown(error: &Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, error.message()).with_retry(Retry::LookUpFirst)
}
