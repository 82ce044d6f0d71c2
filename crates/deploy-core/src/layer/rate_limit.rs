//! Not asking too often.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};

use super::{Layered, Policy};
use crate::clock::{Clock, Timestamp};
use crate::error::Result;

/// An adapter that is not called more often than a far side allows; calls wait for their turn.
pub type RateLimit<T> = Layered<T, Limiting>;

impl<T: ?Sized> RateLimit<T> {
    /// At most `calls` calls to `inner` within any `period`, on `clock`. A listing counts as one.
    pub fn new(inner: Arc<T>, clock: Arc<dyn Clock>, calls: usize, period: Duration) -> Self {
        Self::with_policy(inner, Limiting { pace: Arc::new(Mutex::new(Pace::new(calls, period))), clock })
    }
}

/// Who may start when: a pure decision.
///
/// ```
/// use deploy_core::clock::Timestamp;
/// use deploy_core::layer::Pace;
/// use std::time::Duration;
///
/// let (mut pace, start) = (Pace::new(2, Duration::from_secs(1)), Timestamp::UNIX_EPOCH);
/// assert_eq!(pace.turn(start), start);
/// assert_eq!(pace.turn(start), start);
/// assert_eq!(pace.turn(start), start + Duration::from_secs(1));
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    /// The last turns given, oldest first; as many as may fall into a period.
    turns: VecDeque<Timestamp>,
    calls: usize,
    period: Duration,
}

impl Pace {
    /// At most `calls` turns (at least one) within any `period`.
    pub fn new(calls: usize, period: Duration) -> Self {
        Self { turns: VecDeque::new(), calls: calls.max(1), period }
    }

    /// When a call that comes `now` may start. The turn is taken, whether it is used or not.
    pub fn turn(&mut self, now: Timestamp) -> Timestamp {
        let oldest = if self.turns.len() < self.calls { None } else { self.turns.pop_front() };
        let turn = oldest.map_or(now, |oldest| now.max(oldest + self.period));
        self.turns.push_back(turn);
        turn
    }
}

/// The policy of [`RateLimit`].
#[derive(Clone)]
pub struct Limiting {
    pace: Arc<Mutex<Pace>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Limiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).fmt(f)
    }
}

impl Limiting {
    async fn wait(&self) {
        let turn = self.pace.lock().unwrap_or_else(PoisonError::into_inner).turn(self.clock.now());
        self.clock.sleep_until(turn).await;
    }
}

impl Policy for Limiting {
    async fn read<'a, R: Send + 'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<R>> + Send + Sync + 'a,
    ) -> Result<R> {
        self.wait().await;
        call().await
    }

    async fn write<'a>(
        &'a self,
        call: impl Fn() -> BoxFuture<'a, Result<()>> + Send + Sync + 'a,
        _stands: impl Fn() -> BoxFuture<'a, Result<bool>> + Send + Sync + 'a,
    ) -> Result<()> {
        self.wait().await;
        call().await
    }

    fn list<R: Clone + Ord + Send + Sync + 'static>(
        &self,
        open: impl Fn() -> BoxStream<'static, Result<R>> + Send + Sync + 'static,
    ) -> BoxStream<'static, Result<R>> {
        let policy = self.clone();
        let opened = async move {
            policy.wait().await;
            open()
        };
        stream::once(opened).flatten().boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_period_holds_more_than_allowed(calls in 1_usize..5, gaps in proptest::collection::vec(0_u64..400, 1..50)) {
            let period = Duration::from_secs(1);
            let (mut pace, mut now, mut turns) = (Pace::new(calls, period), Timestamp::UNIX_EPOCH, Vec::new());
            for gap in gaps {
                now = now + Duration::from_millis(gap);
                let turn = pace.turn(now);
                prop_assert!(turn >= now);
                turns.push(turn);
            }
            prop_assert!(turns.is_sorted());
            prop_assert!(turns.windows(calls + 1).all(|window| window[calls].since(window[0]) >= period));
        }
    }
}
