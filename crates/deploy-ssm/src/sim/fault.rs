//! What goes wrong with a call, and with which one.

use std::time::Duration;

use tokio::sync::watch;

use super::wire::Refusal;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before the call takes effect.
    DropBefore,
    /// The call takes effect, then the connection breaks: the answer is lost.
    DropAfter,
    /// `ThrottlingException: Rate exceeded`.
    Throttled,
    /// 500, `InternalServerError`.
    InternalError,
    /// 503, without a word of SSM's.
    Unavailable,
    /// `ExpiredTokenException`.
    ExpiredToken,
    /// `AccessDeniedException`, in AWS's words.
    AccessDenied,
}

impl Fault {
    /// The answer instead; `None` where there is none, since the connection breaks.
    pub(super) fn refusal(self, operation: &str, region: &str) -> Option<Refusal> {
        Some(match self {
            Self::DropBefore | Self::DropAfter => return None,
            Self::Throttled => Refusal::new("ThrottlingException", "Rate exceeded"),
            Self::InternalError => {
                Refusal::new("InternalServerError", "An error occurred on the server side.").status(500)
            }
            Self::Unavailable => Refusal::new("ServiceUnavailable", "Service is unavailable").status(503),
            Self::ExpiredToken => {
                Refusal::new("ExpiredTokenException", "The security token included in the request is expired")
            }
            Self::AccessDenied => Refusal::new(
                "AccessDeniedException",
                format!(
                    "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: \
                     ssm:{operation} on resource: arn:aws:ssm:{region}:123456789012:* because no identity-based \
                     policy allows the ssm:{operation} action"
                ),
            ),
        })
    }
}

/// On which side of its effect a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has arrived and done nothing.
    Before,
    /// It has taken effect and is not answered.
    After,
}

/// A call that will be held when it comes; see [`Simulator::hold_call`](super::Simulator::hold_call).
#[derive(Clone, Debug)]
pub struct Held(pub(super) watch::Receiver<bool>);

impl Held {
    /// Returns when the call is held; never if it does not come. Cancel safe.
    pub async fn reached(&self) {
        if self.0.clone().wait_for(|reached| *reached).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the call has come.
    pub fn is_reached(&self) -> bool {
        *self.0.borrow()
    }
}

/// Which calls go wrong.
#[derive(Debug)]
pub(super) enum When {
    /// The call of this number, counted from 1.
    Call(usize),
    /// This one and all that follow.
    From(usize),
    /// Each whose number is a multiple.
    Every(usize),
    /// This many calls of one operation, after so many that go well.
    Operation { name: String, after: usize, count: usize },
}

/// What is to go wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<(When, Fault)>,
    holds: Vec<(usize, Moment, watch::Sender<bool>)>,
    pub(super) latency: Duration,
}

impl Faults {
    pub(super) fn add(&mut self, when: When, fault: Fault) {
        self.rules.push((when, fault));
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn hold(&mut self, call: usize, moment: Moment) -> Held {
        let (tell, told) = watch::channel(false);
        self.holds.push((call, moment, tell));
        Held(told)
    }

    /// What happens to the call of this number: the fault that was asked for first.
    pub(super) fn of(&mut self, call: usize, operation: &str) -> Option<Fault> {
        let mut found = None;
        for (when, fault) in &mut self.rules {
            let strikes = match when {
                When::Call(number) => *number == call,
                When::From(number) => *number <= call,
                When::Every(step) => call.is_multiple_of(*step),
                When::Operation { name, .. } if name != operation => false,
                When::Operation { after, .. } if *after > 0 => {
                    *after -= 1;
                    false
                }
                When::Operation { count, .. } => {
                    let strikes = *count > 0;
                    *count = count.saturating_sub(1);
                    strikes
                }
            };
            if strikes && found.is_none() {
                found = Some(*fault);
            }
        }
        found
    }

    /// No call is held any more; those that are held stay so.
    pub(super) fn release(&mut self) {
        self.holds.clear();
    }

    /// Says that the call is held, if it is to be.
    pub(super) fn holds(&self, call: usize, moment: Moment) -> bool {
        let mut hold =
            self.holds.iter().filter(|(number, at, _)| *number == call && *at == moment).peekable();
        let is_held = hold.peek().is_some();
        for (_, _, tell) in hold {
            tell.send_replace(true);
        }
        is_held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_calls_it_was_told() {
        let check = |when: When, expected: &[usize]| {
            let mut faults = Faults::default();
            faults.add(when, Fault::Throttled);
            let of = |call: &usize| {
                faults.of(*call, if call.is_multiple_of(2) { "Even" } else { "Odd" }).is_some()
            };
            let struck: Vec<usize> = (1..=8).filter(of).collect();
            assert_eq!(struck, expected);
        };
        check(When::Call(3), &[3]);
        check(When::From(6), &[6, 7, 8]);
        check(When::Every(4), &[4, 8]);
        check(When::Operation { name: "Even".into(), after: 1, count: 2 }, &[4, 6]);
    }
}
