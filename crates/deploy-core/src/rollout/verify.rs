//! The checks, once all is healthy (stage *verify*).

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::guard::{Answer, Check, Subject};
use crate::outcome::Cause;
use crate::run::Run;

/// Asks all checks in their order, until the run's deadline; why it is not verified, if it is not.
pub(crate) async fn verify(checks: &[Arc<dyn Check>], subject: &Subject, run: &Run) -> Option<Cause> {
    for check in checks {
        let answer = tokio::select! {
            answer = check.check(subject) => answer,
            () = run.cancel().cancelled() => return Some(Cause::Cancelled),
            () = run.clock().sleep_until(run.deadline()) => {
                Err(Error::new(ErrorKind::Timeout, "no answer within the run's timeout"))
            }
        };
        return Some(match answer {
            Ok(Answer::Yes { .. }) => continue,
            Ok(Answer::No { why }) => Cause::Refuted { check: check.describe(), why },
            Err(error) => Cause::Error { error: error.during("check").on(check.describe()) },
        });
    }
    None
}
