//! Work of several requests that is begun anew as a whole.

use deploy_core::error::{Error, Result, Retry};

use super::{Budget, Transport};

impl Transport {
    /// Returns when work that failed `failures` times may be begun anew, be it that its answer was lost.
    ///
    /// # Errors
    /// `error`, if it is not to be.
    pub(crate) async fn again(&self, budget: &Budget, failures: u32, error: Error) -> Result<()> {
        let error = match error.retry() {
            Retry::LookUpFirst => error.with_retry(Retry::Later { after: None }),
            _ => error,
        };
        self.wait(budget, failures, error).await.map(drop)
    }
}
