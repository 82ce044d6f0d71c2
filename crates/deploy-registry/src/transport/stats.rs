//! What was asked, counted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::auth::locked;

/// What was asked until now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests sent, each redirect, try and request for a token counted.
    pub requests: u64,
    /// Tokens asked for; each took a request or, where the token service could not answer, more.
    pub tokens: u64,
    /// Requests that were sent again since the registry could not answer.
    pub retries: u64,
    /// How long it was waited for registries that could not answer.
    pub waited: Duration,
    /// Requests by `host` or `host:port`.
    pub by_host: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(super) struct Counts(Mutex<Stats>);

impl Counts {
    pub(super) fn told(&self) -> Stats {
        locked(&self.0).clone()
    }

    pub(super) fn request(&self, host: &str) {
        let mut stats = locked(&self.0);
        stats.requests += 1;
        *stats.by_host.entry(host.to_owned()).or_default() += 1;
    }

    pub(super) fn token(&self) {
        locked(&self.0).tokens += 1;
    }

    pub(super) fn retry(&self, waited: Duration) {
        let mut stats = locked(&self.0);
        stats.retries += 1;
        stats.waited += waited;
    }
}
