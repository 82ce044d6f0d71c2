//! Which request may be sent again, and when.
//!
//! A request that never reached the server, or that the server refused before it did anything (429), may always be sent again. After a lost answer only requests that can be repeated without a second effect are: reads,
//! server-side apply, merge patches and deletes that carry a precondition. Others end as
//! [`OutcomeUnknown`](deploy_core::error::ErrorKind::OutcomeUnknown), and their caller looks up what happened.

use std::time::Duration;

/// How a request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// As often as it takes: it has no effect, or the same one.
    Freely,
    /// Only while it certainly had no effect.
    IfUnsent,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setback {
    /// No connection: the request was not sent.
    NotSent,
    /// The server refused it unread (429), and perhaps said when to come again.
    Refused { after: Option<Duration> },
    /// The server failed (500, 502, 503, 504) while it had the request.
    ServerFailed { after: Option<Duration> },
    /// It was sent; no answer came (reset, or too late).
    AnswerLost,
    /// It cannot be written as a request at all.
    Unsendable,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// A `Retry-After` past this is not waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(30);
/// How long a server that was reached before may be gone: an API server restarts within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one that was never reached is tried.
const FIRST_CONTACT: Duration = Duration::from_secs(2);

/// How long to wait before try number `tries + 1`, or `None` to give up. `chance` in `0.0..1.0` spreads the waits of many clients.
pub(crate) fn wait(
    repeat: Repeat,
    setback: Setback,
    tries: u32,
    spent: Duration,
    reached: bool,
    chance: f64,
) -> Option<Duration> {
    let asked = match (repeat, setback) {
        (_, Setback::NotSent) | (Repeat::Freely, Setback::AnswerLost) => None,
        (_, Setback::Refused { after }) | (Repeat::Freely, Setback::ServerFailed { after }) => after,
        (_, Setback::Unsendable) | (Repeat::IfUnsent, Setback::ServerFailed { .. } | Setback::AnswerLost) => {
            return None;
        }
    };
    let backoff = FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST).mul_f64(0.5 + chance / 2.0);
    let wait = asked.map_or(backoff, |asked| asked.max(backoff));
    let patience = if reached { PATIENCE } else { FIRST_CONTACT };
    (asked.is_none_or(|asked| asked <= LONGEST_ASKED) && spent + wait <= patience).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_repeated_only_where_that_is_harmless() {
        let check = |repeat, setback, again: bool| {
            assert_eq!(
                wait(repeat, setback, 0, Duration::ZERO, true, 0.5).is_some(),
                again,
                "{repeat:?} {setback:?}"
            );
        };
        check(Repeat::Freely, Setback::AnswerLost, true);
        check(Repeat::IfUnsent, Setback::AnswerLost, false);
        check(Repeat::IfUnsent, Setback::ServerFailed { after: None }, false);
        check(Repeat::IfUnsent, Setback::Refused { after: None }, true);
        check(Repeat::IfUnsent, Setback::NotSent, true);
    }

    #[test]
    fn waits_as_asked_but_not_for_ever() {
        let refused = |seconds| Setback::Refused { after: Some(Duration::from_secs(seconds)) };
        assert_eq!(
            wait(Repeat::Freely, refused(2), 0, Duration::ZERO, true, 0.5),
            Some(Duration::from_secs(2))
        );
        assert_eq!(wait(Repeat::Freely, refused(31), 0, Duration::ZERO, true, 0.5), None);
        assert_eq!(wait(Repeat::Freely, Setback::NotSent, 3, PATIENCE, true, 0.5), None);
        assert_eq!(wait(Repeat::Freely, Setback::NotSent, 3, FIRST_CONTACT, false, 0.5), None);
    }

    #[test]
    fn backs_off_with_a_bound() {
        let at = |tries| wait(Repeat::Freely, Setback::NotSent, tries, Duration::ZERO, true, 1.0).unwrap();
        assert!(at(0) < at(1) && at(1) < at(2));
        assert_eq!(at(40), LONGEST);
    }
}
