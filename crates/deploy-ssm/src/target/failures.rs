//! Failures that are borne for a while.

use deploy_core::error::{Result, Retry};

/// Looks at one thing that fail one after the other, of which each was tried several times.
const MOST: u32 = 10;

/// How often looking at one thing has failed since it last did not.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

impl Failures {
    /// What was seen; nothing where looking failed for a while only.
    ///
    /// # Errors
    /// A failure that is for good, or one too many.
    pub(super) fn borne<T>(&mut self, looked: Result<T>) -> Result<Option<T>> {
        match looked {
            Ok(seen) => {
                self.0 = 0;
                Ok(Some(seen))
            }
            Err(error) if error.retry() != Retry::Never && self.0 < MOST => {
                self.0 += 1;
                tracing::debug!(%error, "looking at a deployment failed");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use deploy_core::error::{Error, ErrorKind};

    use super::*;

    #[test]
    fn failures_are_borne_ten_times_in_a_row() {
        let away = || Err::<(), _>(Error::new(ErrorKind::Unavailable, "away"));
        let mut failures = Failures::default();
        for _ in 0..2 {
            for _ in 0..MOST {
                assert!(failures.borne(away()).unwrap().is_none());
            }
            assert!(failures.borne(Ok(())).unwrap().is_some());
        }
        for _ in 0..MOST {
            failures.borne(away()).unwrap();
        }
        assert!(failures.borne(away()).is_err());
        let forbidden = Err::<(), _>(Error::new(ErrorKind::Forbidden, "no"));
        assert!(Failures::default().borne(forbidden).is_err());
    }
}
