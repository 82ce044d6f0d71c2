//! How long one operation may wait for a registry that cannot answer now: a pure decision.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deploy_core::error::{Error, Retry};
use deploy_core::layer::Backoff;

/// What is left of the time that one operation, of any number of requests, may spend waiting.
#[derive(Debug)]
pub(crate) struct Budget {
    backoff: Backoff,
    left: Mutex<Duration>,
}

impl Budget {
    pub(crate) fn new(backoff: Backoff, patience: Duration) -> Self {
        Self { backoff, left: Mutex::new(patience) }
    }

    /// Takes the time that went by without an answer.
    pub(super) fn charge(&self, time: Duration) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(time);
    }

    /// How long to wait before a request that failed `failures` times in a row is sent again, and for what; the error to return if it is not
    /// to be.
    pub(super) fn spend(&self, failures: u32, error: Error, chance: f64) -> Result<(Duration, Error), Error> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Retry::Later { after: asked } = error.retry() else { return Err(error) };
        // The far side's own wait is held to what is left, not to the longest wait of our own.
        let backoff = self.backoff.longest(self.backoff.longest.max(*left));
        match backoff
            .decide(failures, &error, chance)
            .map(|wait| wait.min(self.backoff.longest.max(asked.unwrap_or_default())))
        {
            Some(wait) if wait <= *left => {
                *left -= wait;
                Ok((wait, error))
            }
            // When to come again is worth more to the caller than that it was tried often.
            _ if asked.is_some() => Err(error),
            _ if failures > 1 => Err(error.with_retry(Retry::Exhausted)),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::error::ErrorKind;

    fn busy(after: Option<u64>) -> Error {
        let after = after.map(Duration::from_secs);
        Error::new(ErrorKind::Unavailable, "busy").with_retry(Retry::Later { after })
    }

    #[test]
    fn waits_no_longer_in_all_than_it_may() {
        let budget = Budget::new(Backoff::default().longest(Duration::from_secs(5)), Duration::from_secs(60));
        let check = |failures, after, expect: Result<u128, Retry>| {
            let spent = budget.spend(failures, busy(after), 1.0);
            let spent = spent.map(|(wait, _)| wait.as_millis()).map_err(|error| error.retry());
            assert_eq!(spent, expect, "after {failures} failures, asked {after:?}");
        };
        let later = |seconds| Retry::Later { after: Some(Duration::from_secs(seconds)) };
        check(1, None, Ok(200));
        check(2, None, Ok(400));
        check(1, Some(61), Err(later(61)));
        check(1, Some(40), Ok(40_000));
        check(1, Some(40), Err(later(40)));
        check(5, None, Err(Retry::Exhausted));
        check(4, Some(0), Ok(1600));
    }

    #[test]
    fn what_cannot_pass_is_not_tried_again() {
        let budget = Budget::new(Backoff::default(), Duration::from_secs(60));
        for error in [Error::invalid("no"), Error::new(ErrorKind::OutcomeUnknown, "lost")] {
            let retry = error.retry();
            assert_eq!(budget.spend(1, error, 0.5).unwrap_err().retry(), retry);
        }
    }
}
