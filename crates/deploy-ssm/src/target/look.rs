//! What a look at a command means, and what follows from it. Pure.

use deploy_core::error::Error;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::command::{Ended, Invocation, State};
use crate::node::{Cause, Report, RunStatus, parse_answer};

/// What a look at a command shows.
#[derive(Debug)]
pub(super) enum Look {
    /// It goes on.
    GoesOn {
        /// Whether the node has begun with it.
        begun: bool,
    },
    /// The node's report, and the log or as much of it as SSM kept.
    Told(Box<Report>, String),
    /// It ended, and its output holds no report.
    Mute(Mute),
}

/// A command that ended without a report.
#[derive(Debug)]
pub(super) struct Mute {
    pub(super) how: How,
    /// Why, in words.
    pub(super) error: Error,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The node never began: nothing will come of it.
    NotDelivered,
    /// It was stopped; what it began on the node goes on.
    Stopped,
    /// The node said why it cannot even begin.
    Refused,
    /// The script ended, and said nothing: nobody knows what goes on.
    Silent,
}

impl How {
    /// The same of a command that only asks for the deployment, which goes on however that ends.
    pub(super) fn of_one_that_asks(self) -> Self {
        match self {
            Self::NotDelivered | Self::Refused | Self::Stopped => Self::Stopped,
            Self::Silent => Self::Silent,
        }
    }

    /// Whether nothing of the deployment goes on then.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::NotDelivered | Self::Refused)
    }
}

/// How far asking the node to stop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nobody has asked.
    No,
    /// The command that asks goes on; it waits for the result, too.
    Waiting,
    /// That command ended without the result: maybe since the node knows of `no_such` deployment, for which it came too early.
    Over { no_such: bool },
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Look again.
    Wait,
    /// Ask the node to stop once more.
    AskAgain,
    /// Ask the node for the result.
    Attach,
    /// It was cancelled before it began: the node does not know of it, and never will.
    Cancelled,
    /// Nobody will tell more.
    End,
}

/// What follows from how the deployment's command ended, if it did; from whether the node had begun with it; and from asking it to stop.
pub(super) fn next(ended: Option<How>, begun: bool, asked: Asked) -> Next {
    match (ended, asked) {
        (None, Asked::Over { no_such: true }) if !begun => Next::Wait,
        (None, Asked::Over { .. }) => Next::AskAgain,
        (None, _) | (Some(_), Asked::Waiting) => Next::Wait,
        (Some(How::NotDelivered | How::Stopped), Asked::Over { no_such: true }) => Next::Cancelled,
        (Some(How::Stopped), _) => Next::Attach,
        (Some(_), _) => Next::End,
    }
}

/// Whether this is a node's answer about a deployment that it does not know.
pub(super) fn is_no_such(report: &Report) -> bool {
    let not_found = matches!(&report.cause, Some(Cause::Error(error)) if error.kind == "notFound");
    report.status == RunStatus::Refused && report.number.is_none() && not_found
}

/// What `invocation` on `instance` means.
pub(super) fn look(invocation: &Invocation, instance: &str) -> Look {
    let ended = match &invocation.state {
        State::Unseen | State::Waiting => return Look::GoesOn { begun: false },
        State::Running => return Look::GoesOn { begun: true },
        State::Ended(ended) => ended,
    };
    let how = match ended {
        Ended::NotDelivered(_) => How::NotDelivered,
        Ended::Stopped(_) => How::Stopped,
        Ended::Script(_) => How::Silent,
    };
    match parse_answer::<Report>(&invocation.stdout) {
        Ok((report, log)) => {
            let cut = if invocation.is_cut() { "\n(SSM cut the output here)\n" } else { "" };
            Look::Told(Box::new(report), format!("{log}{cut}"))
        }
        Err(error) if refuses(&invocation.stdout) => {
            Look::Mute(Mute { how: How::Refused, error: error.on(instance) })
        }
        // Another script's words, or an output that was cut before its first line ended, say nothing.
        Err(_) => Look::Mute(Mute { how, error: invocation.mute(ended, instance) }),
    }
}

/// Whether the node itself says why it cannot even begin: in another form than a report, as its scripts are not there yet.
fn refuses(stdout: &str) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "error")]
        _error: IgnoredAny,
    }
    let line = stdout.lines().next().unwrap_or_default();
    line.find('{').and_then(|at| serde_json::from_str::<Refusal>(line.get(at..)?).ok()).is_some()
}

#[cfg(test)]
mod tests {
    use deploy_core::error::ErrorKind;

    use super::*;

    fn ended(how: Ended, stdout: &str) -> Invocation {
        Invocation { state: State::Ended(how), stdout: stdout.to_owned(), stderr: String::new() }
    }

    #[test]
    fn what_ends_without_a_report_says_why() {
        let check = |ended: Invocation, how: How, says: &str| match look(&ended, "i-1") {
            Look::Mute(mute) => {
                assert_eq!(mute.how, how, "{says}");
                let told = mute.error.to_string();
                assert!(told.contains(says) && told.contains("i-1"), "{says}: {told}");
            }
            other => panic!("{says}: {other:?}"),
        };
        let not = |word: &str| Ended::NotDelivered(word.to_owned());
        for word in ["DeliveryTimedOut", "Undeliverable"] {
            check(ended(not(word), ""), How::NotDelivered, word);
        }
        check(ended(not("Terminated"), ""), How::NotDelivered, "too many others failed");
        check(ended(Ended::Stopped("Cancelled".into()), ""), How::Stopped, "Cancelled");
        check(ended(Ended::Script(127), "sh: nonsense"), How::Silent, "exit code 127");
        check(ended(Ended::Script(0), ""), How::Silent, "exit code 0");
    }

    #[test]
    fn the_nodes_own_error_is_told() {
        let said = "deploy-ssm/1 {\"error\":{\"kind\":\"unavailable\",\"message\":\"tar is not on the node\",\"help\":null}}\n";
        let Look::Mute(mute) = look(&ended(Ended::Script(1), said), "i-1") else { panic!() };
        assert_eq!((mute.how, mute.error.kind()), (How::Refused, ErrorKind::Unavailable));
        assert_eq!(mute.error.to_string(), "i-1: tar is not on the node");
        for unreadable in ["deploy-ssm/1 {\"error\":", "deploy-ssm/1 {\"errors\":1}\n", "error {", "{}"] {
            let Look::Mute(mute) = look(&ended(Ended::Script(1), unreadable), "i-1") else { panic!() };
            assert!(mute.error.to_string().contains("exit code 1"), "{}", mute.error);
        }
    }

    #[test]
    fn what_follows() {
        let check = |ended: Option<How>, begun: bool, asked: Asked, expect: Next| {
            assert_eq!(next(ended, begun, asked), expect, "{ended:?} {begun} {asked:?}");
        };
        let (early, unheard) = (Asked::Over { no_such: true }, Asked::Over { no_such: false });
        for begun in [false, true] {
            check(None, begun, Asked::No, Next::Wait);
            check(None, begun, Asked::Waiting, Next::Wait);
            check(None, begun, unheard, Next::AskAgain);
            for how in [How::NotDelivered, How::Stopped, How::Refused, How::Silent] {
                check(Some(how), begun, Asked::Waiting, Next::Wait);
            }
            for asked in [Asked::No, unheard] {
                check(Some(How::NotDelivered), begun, asked, Next::End);
                check(Some(How::Stopped), begun, asked, Next::Attach);
                check(Some(How::Refused), begun, asked, Next::End);
                check(Some(How::Silent), begun, asked, Next::End);
            }
            check(Some(How::NotDelivered), begun, early, Next::Cancelled);
            check(Some(How::Stopped), begun, early, Next::Cancelled);
            check(Some(How::Silent), begun, early, Next::End);
        }
        // A command that only asks says nothing about what goes on, if it is not delivered.
        for how in [How::NotDelivered, How::Refused, How::Stopped] {
            check(Some(how.of_one_that_asks()), true, Asked::No, Next::Attach);
            assert!(!how.of_one_that_asks().is_over());
        }
        // It was there before the deployment: what has not begun by now is not asked for yet.
        check(None, false, early, Next::Wait);
        check(None, true, early, Next::AskAgain);
    }

    #[test]
    fn what_goes_on_and_whether_it_has_begun() {
        let check = |state: State, expect: bool| {
            let invocation = Invocation { state, ..Invocation::unseen() };
            assert!(matches!(look(&invocation, "i-1"), Look::GoesOn { begun } if begun == expect));
        };
        check(State::Unseen, false);
        check(State::Waiting, false);
        check(State::Running, true);
    }
}
