//! When a request that must not be made twice may be sent again.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_types::retry::ErrorKind;

/// Lets the SDK try again only where AWS said that it did nothing: it throttles, or is not available (503).
/// A lost answer and any other failure of the far side are the caller's to look up.
#[derive(Debug)]
pub(super) struct OnlyRefused;

impl ClassifyRetry for OnlyRefused {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        self.classify_retry_v2(context, &RetryAction::NoActionIndicated)
    }

    fn classify_retry_v2(&self, context: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        let throttled = *previous == RetryAction::throttling_error()
            || matches!(previous, RetryAction::RetryIndicated(reason) if is_throttling(reason));
        let refused = context.response().is_some_and(|answer| answer.status().as_u16() == 503);
        if throttled || refused { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "only what was refused"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

fn is_throttling(reason: &aws_smithy_runtime_api::client::retries::classifiers::RetryReason) -> bool {
    use aws_smithy_runtime_api::client::retries::classifiers::RetryReason;
    matches!(reason, RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. })
}
