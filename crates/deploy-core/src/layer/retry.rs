//! Trying again.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};

use super::{Backoff, Layered, Policy};
use crate::clock::Clock;
use crate::error::{self, Error, ErrorKind, Result};

/// An adapter whose calls are tried again where that can help, and never have their effect twice: after a lost answer the effect is
/// looked up before anything is sent again. Any other error of a write says that it had no effect: that is the adapter's promise.
pub type Retry<T> = Layered<T, Retrying>;

impl<T: ?Sized> Retry<T> {
    /// Tries calls to `inner` again as `backoff` says, waiting on `clock`.
    pub fn new(inner: Arc<T>, clock: Arc<dyn Clock>, backoff: Backoff) -> Self {
        Self::with_policy(inner, Retrying { backoff, clock, chance: Arc::new(fastrand::f64) })
    }

    /// Takes chance from here instead of from the thread's random numbers.
    #[must_use]
    pub fn chance(mut self, chance: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.policy.chance = Arc::new(chance);
        self
    }
}

/// The policy of [`Retry`].
#[derive(Clone)]
pub struct Retrying {
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backoff.fmt(f)
    }
}

impl Retrying {
    /// Waits before the next try; gives the error back if there is to be none.
    async fn pause(&self, failures: u32, error: Error) -> Result<()> {
        match self.backoff.decide(failures, &error, (self.chance)()) {
            Some(wait) => {
                self.clock.sleep(wait).await;
                Ok(())
            }
            None if matches!(error.retry(), error::Retry::Later { .. }) => {
                Err(error.with_retry(error::Retry::Exhausted))
            }
            None => Err(error),
        }
    }

    /// Looks up whether a call whose answer was lost had its effect; if that cannot be told, the error stays what it was.
    async fn look_up<'a>(
        &self,
        failures: &mut u32,
        lost: Error,
        stands: impl Fn() -> BoxFuture<'a, Result<bool>> + Send + Sync,
    ) -> Result<bool> {
        loop {
            // The lost request may still be on its way.
            let Some(wait) = self.backoff.wait(*failures, None, (self.chance)()) else { return Err(lost) };
            self.clock.sleep(wait).await;
            match stands().await {
                Ok(stands) => return Ok(stands),
                Err(error) if matches!(error.retry(), error::Retry::Later { .. }) => *failures += 1,
                Err(_) => return Err(lost),
            }
        }
    }
}

impl Policy for Retrying {
    async fn read<'a, R: Send + 'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<R>> + Send + Sync + 'a,
    ) -> Result<R> {
        let mut failures = 0;
        loop {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    failures += 1;
                    self.pause(failures, error).await?;
                }
            }
        }
    }

    async fn write<'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<()>> + Send + Sync + 'a,
        stands: impl Fn() -> BoxFuture<'a, Result<bool>> + Send + Sync + 'a,
    ) -> Result<()> {
        let (mut failures, mut answer_lost) = (0, false);
        loop {
            let Err(error) = call().await else { return Ok(()) };
            failures += 1;
            if error.retry() == error::Retry::LookUpFirst {
                answer_lost = true;
                if self.look_up(&mut failures, error, &stands).await? {
                    return Ok(());
                }
            } else if answer_lost && error.kind() == ErrorKind::Conflict {
                // What it conflicts with may be our own request, come late.
                return if matches!(stands().await, Ok(true)) { Ok(()) } else { Err(error) };
            } else {
                self.pause(failures, error).await?;
            }
        }
    }

    /// Opens the listing anew, and leaves out what it has shown already.
    fn list<R: Clone + Ord + Send + Sync + 'static>(
        &self,
        open: impl Fn() -> BoxStream<'static, Result<R>> + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<R>> {
        let listing =
            Listing { policy: self.clone(), items: open(), open, seen: BTreeSet::new(), failures: 0 };
        stream::unfold(Some(listing), |listing| async {
            let mut listing = listing?;
            match listing.next().await? {
                Ok(item) => Some((Ok(item), Some(listing))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

struct Listing<R, F> {
    policy: Retrying,
    items: BoxStream<'static, Result<R>>,
    open: F,
    seen: BTreeSet<R>,
    failures: u32,
}

impl<R: Clone + Ord, F: Fn() -> BoxStream<'static, Result<R>>> Listing<R, F> {
    async fn next(&mut self) -> Option<Result<R>> {
        loop {
            match self.items.next().await? {
                Ok(item) if self.seen.insert(item.clone()) => return Some(Ok(item)),
                Ok(_) => {}
                Err(error) => {
                    self.failures += 1;
                    if let Err(error) = self.policy.pause(self.failures, error).await {
                        return Some(Err(error));
                    }
                    self.items = (self.open)();
                }
            }
        }
    }
}
