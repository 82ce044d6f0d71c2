//! A client whose process dies in the middle of a request.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// When in the request a client dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it has an effect.
    Before,
    /// After it had its effect, before the answer is read.
    After,
}

/// A death that is to come; made by [`SimCluster::mortal_client`](crate::SimCluster::mortal_client).
///
/// The client's requests from the fatal one on are never answered. [`Death::of`] then drops whatever it does, as if its process had been
/// killed.
#[derive(Clone, Debug)]
pub struct Death(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    at: u64,
    moment: Moment,
    requests: AtomicU64,
    died: watch::Sender<bool>,
}

impl Death {
    pub(crate) fn new(at: u64, moment: Moment) -> Self {
        Self(Arc::new(Inner { at, moment, requests: AtomicU64::new(0), died: watch::Sender::new(false) }))
    }

    /// What `run` comes to; `None` if its client dies before it ends.
    pub async fn of<R>(&self, run: impl Future<Output = R>) -> Option<R> {
        let mut died = self.0.died.subscribe();
        tokio::select! {
            biased;
            result = run => Some(result),
            _ = died.wait_for(|died| *died) => None,
        }
    }

    /// How many requests the client has sent, the fatal one included.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// A request begins; its number, from 0.
    pub(crate) fn next(&self) -> u64 {
        self.0.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns if the client still lives at this moment of this request.
    pub(crate) async fn pass(&self, request: u64, moment: Moment) {
        let is_dead = request > self.0.at || (request == self.0.at && moment == self.0.moment);
        if is_dead {
            self.0.died.send_replace(true);
            pending::<()>().await;
        }
    }
}
