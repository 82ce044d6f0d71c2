//! Retries, timeouts and rate limits around any adapter.
//!
//! A layer is a [`Layered`] adapter: the same trait, with a [`Policy`] between caller and adapter. One implementation for each trait
//! serves every policy, so that a policy of your own (metrics, say) works for all of them, too. Layers stack; the usual order, from
//! the outside in, is retry, rate limit, timeout: each try gets its own timeout and its own place in the queue.
//!
//! ```
//! use deploy_core::clock::SystemClock;
//! use deploy_core::config::{ConfigStore, Edit, Note};
//! use deploy_core::error::ErrorKind;
//! use deploy_core::layer::{Backoff, Retry, Timeout};
//! use deploy_core::memory::{Faults, Faulty, MemoryConfigStore};
//! use std::{sync::Arc, time::Duration};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let (clock, faults) = (Arc::new(SystemClock::new()), Faults::new());
//! let store = Arc::new(Faulty::new(Arc::new(MemoryConfigStore::new()), faults.clone()));
//! let store = Arc::new(Timeout::new(store, clock.clone(), Duration::from_secs(30)));
//! let store = Retry::new(store, clock, Backoff::default());
//!
//! faults.fail_at(0, ErrorKind::Unavailable); // the first request
//! faults.fail_at(2, ErrorKind::OutcomeUnknown); // the second one's answer
//! store.set(&[Edit::put("api/tag", "v1")], &Note::default()).await?;
//! assert_eq!(store.history("api/tag", 10).await?.len(), 1);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod backoff;
mod forward;
mod rate_limit;
mod retry;
mod timeout;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::error::Result;

pub use backoff::Backoff;
pub use rate_limit::{Limiting, Pace, RateLimit};
pub use retry::{Retry, Retrying};
pub use timeout::{Limited, Timeout};

/// An adapter behind a policy. It implements every trait of this crate that its adapter implements and that a policy makes sense for:
/// all but [`RolloutTarget`](crate::target::RolloutTarget), whose steps are many requests each.
pub struct Layered<T: ?Sized, P> {
    inner: Arc<T>,
    policy: P,
}

impl<T: ?Sized, P: Policy> Layered<T, P> {
    /// `inner` behind `policy`.
    pub fn with_policy(inner: Arc<T>, policy: P) -> Self {
        Self { inner, policy }
    }
}

impl<T: ?Sized, P: Clone> Clone for Layered<T, P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), policy: self.policy.clone() }
    }
}

impl<T: ?Sized, P: fmt::Debug> fmt::Debug for Layered<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What is done around a call. Clones share their state.
pub trait Policy: Clone + Send + Sync + 'static {
    /// Makes a call that may be repeated: it has no effect, or looks for its own before it has one.
    ///
    /// # Errors
    /// The call's, or the policy's own.
    fn read<'a, R: Send + 'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<R>> + Send + Sync + 'a,
    ) -> impl Future<Output = Result<R>> + Send + 'a;

    /// Makes a call with an effect. `stands` looks up whether the effect is there already, and fails where that cannot be told.
    ///
    /// # Errors
    /// The call's, or the policy's own; [`OutcomeUnknown`](crate::error::ErrorKind::OutcomeUnknown) if it may have had its effect.
    fn write<'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<()>> + Send + Sync + 'a,
        stands: impl Fn() -> BoxFuture<'a, Result<bool>> + Send + Sync + 'a,
    ) -> impl Future<Output = Result<()>> + Send + 'a;

    /// Opens a listing of different items; an error is its last item.
    fn list<R: Clone + Ord + Send + Sync + 'static>(
        &self,
        open: impl Fn() -> BoxStream<'static, Result<R>> + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<R>>;
}
