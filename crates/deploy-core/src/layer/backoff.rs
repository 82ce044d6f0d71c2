//! When to try again.

use std::time::Duration;

use crate::error::{self, Error};

/// How often to try, and how long to wait in between: a pure decision.
///
/// ```
/// use deploy_core::error::{Error, ErrorKind};
/// use deploy_core::layer::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::default().attempts(3).first(Duration::from_secs(1));
/// let error = Error::new(ErrorKind::Unavailable, "connection refused");
/// assert_eq!(backoff.decide(1, &error, 1.0), Some(Duration::from_secs(1)));
/// assert_eq!(backoff.decide(2, &error, 1.0), Some(Duration::from_secs(2)));
/// assert_eq!(backoff.decide(3, &error, 1.0), None);
/// assert_eq!(backoff.decide(1, &Error::invalid("no"), 1.0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Backoff {
    /// How often a call is tried, the first time included. Default 5.
    pub attempts: u32,
    /// The wait after the first failure, at most. Default 200 ms.
    pub first: Duration,
    /// No wait is longer, and a far side that asks for more gets no further try. Default 30 s.
    pub longest: Duration,
    /// What each further wait is multiplied by. Default 2.
    pub factor: f64,
    /// How much of a wait is left to chance, from 0 (nothing) to 1 (all of it), so that many callers do not come again together. Default 0.5.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(200),
            longest: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.5,
        }
    }
}

impl Backoff {
    /// Sets [`Backoff::attempts`].
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`Backoff::first`].
    #[must_use]
    pub fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets [`Backoff::longest`].
    #[must_use]
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Sets [`Backoff::factor`].
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets [`Backoff::jitter`].
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long to wait before a call that has failed `failures` times is tried again; `None` if it is not to be.
    ///
    /// `chance` is between 0 and 1; the higher, the longer the wait.
    pub fn decide(&self, failures: u32, error: &Error, chance: f64) -> Option<Duration> {
        match error.retry() {
            error::Retry::Later { after } => self.wait(failures, after, chance),
            error::Retry::Never | error::Retry::Exhausted | error::Retry::LookUpFirst => None,
        }
    }

    /// The wait after `failures` failures, not shorter than the far side asked for.
    pub(super) fn wait(&self, failures: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if failures >= self.attempts || asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let grown = self.first.as_secs_f64() * self.factor.powf(f64::from(failures.saturating_sub(1)));
        let spread = 1.0 - self.jitter.clamp(0.0, 1.0) * (1.0 - chance.clamp(0.0, 1.0));
        let wait = Duration::try_from_secs_f64(grown * spread).unwrap_or(self.longest).min(self.longest);
        Some(wait.max(asked.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(failures: u32, asked: Option<u64>, chance: f64, expect: Option<u64>) {
        let backoff = Backoff::default().attempts(6).first(SECOND).longest(SECOND * 10);
        let error = Error::new(ErrorKind::Unavailable, "busy");
        let error = error.with_retry(error::Retry::Later { after: asked.map(Duration::from_millis) });
        assert_eq!(
            backoff.decide(failures, &error, chance),
            expect.map(Duration::from_millis),
            "after {failures}, asked {asked:?}"
        );
    }

    #[test]
    fn grows_to_a_bound_and_ends() {
        check(1, None, 1.0, Some(1000));
        check(2, None, 1.0, Some(2000));
        check(4, None, 1.0, Some(8000));
        check(5, None, 1.0, Some(10_000));
        check(6, None, 1.0, None);
    }

    #[test]
    fn chance_shortens_it_by_half_at_most() {
        check(1, None, 0.0, Some(500));
        check(1, None, 0.5, Some(750));
    }

    #[test]
    fn the_far_side_is_not_asked_before_it_wants_to_be() {
        check(1, Some(4000), 0.0, Some(4000));
        check(4, Some(1000), 1.0, Some(8000));
        check(1, Some(10_000), 0.0, Some(10_000));
        check(1, Some(10_001), 0.0, None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let tried = |kind| Backoff::default().decide(1, &Error::new(kind, "x"), 0.5).is_some();
        assert!(tried(ErrorKind::Unavailable) && tried(ErrorKind::Timeout));
        for kind in [
            ErrorKind::OutcomeUnknown,
            ErrorKind::Conflict,
            ErrorKind::Locked,
            ErrorKind::Forbidden,
            ErrorKind::Cancelled,
        ] {
            assert!(!tried(kind), "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn stays_in_its_bounds(failures in 0_u32.., factor in -10.0..10.0_f64, jitter in -1.0..2.0_f64, chance in -1.0..2.0_f64) {
            let backoff = Backoff::default().attempts(u32::MAX).factor(factor).jitter(jitter);
            let wait = backoff.wait(failures, None, chance);
            prop_assert!(wait.is_none_or(|wait| wait <= backoff.longest));
        }
    }
}
