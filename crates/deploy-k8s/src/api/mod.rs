//! Requests to the API server: their paths, their retries, their errors, their count.
//!
//! kube's client carries them (TLS, credentials, connections). What is ours: which request may be repeated, how long it may take,
//! and what its failure says. kube 5's typed API hides status codes, `Retry-After` and bodies that are no `Status`, and its own
//! retries repeat a POST, so requests are built here and sent raw.

mod answer;
mod capabilities;
mod discovery;
mod forward;
mod items;
mod leave_out;
mod list;
mod logs;
mod read_many;
mod resource;
mod retry;
mod send;
#[cfg(test)]
mod tests;
mod verbs;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock};
use tokio::sync::Semaphore;

pub(crate) use answer::{IMMUTABLE, TWICE, UNDECLARED};
pub use capabilities::Capabilities;
pub(crate) use discovery::Discovery;
pub(crate) use forward::Forward;
pub(crate) use read_many::Read;
pub(crate) use resource::{Place, Resource, escape};
pub(crate) use verbs::{Apply, ApplyOptions};
pub(crate) use watch::{WatchEvent, Watched};

use crate::connect::ClusterBuilder;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_IN_FLIGHT: usize = 16;

/// A cluster to talk to. Clones share connections, limits and counts.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    describe: Arc<str>,
    request_timeout: Duration,
    in_flight: Arc<Semaphore>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Shared {
    requests: AtomicU64,
    /// Whether the API server ever answered: before, it is reported as unreachable at once instead of waited for.
    reached: AtomicBool,
    discovery: Discovery,
}

impl Cluster {
    /// How to connect.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// A cluster behind a client that is there already. Switch its own retries off (`Config::default_retry = false`): they repeat
    /// requests that may not be repeated.
    pub fn from_client(client: kube::Client) -> Self {
        Self {
            client,
            describe: "a cluster".into(),
            request_timeout: REQUEST_TIMEOUT,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            shared: Arc::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// The same cluster under another name for people.
    #[must_use]
    pub fn described(mut self, describe: impl Into<String>) -> Self {
        self.describe = describe.into().into();
        self
    }

    /// The same cluster, talked to by this clock: how long to wait for answers and between tries, and what the times in a Lease are.
    /// Default: the machine's.
    #[must_use]
    pub fn on_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    pub(crate) fn with_max_in_flight(mut self, requests: usize) -> Self {
        self.in_flight = Arc::new(Semaphore::new(requests));
        self
    }

    /// What it is, for a person.
    pub fn describe(&self) -> &str {
        &self.describe
    }

    /// The namespace of the context.
    pub fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// How many requests were sent so far, each try counted, watches too.
    pub fn requests_sent(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({})", self.describe)
    }
}
