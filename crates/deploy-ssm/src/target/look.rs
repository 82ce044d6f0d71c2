//! What a look at a command means, and what follows from it. Pure.

use deploy_core::error::Error;

use crate::command::{Ended, Invocation, State};
use crate::node::{Report, parse_answer};

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
    /// The script ended by itself.
    Silent,
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
        // Another script's words, or an output that was cut before its first line ended, say nothing.
        Err(_) => Look::Mute(Mute { how, error: invocation.mute(ended, instance) }),
    }
}

#[cfg(test)]
mod tests {
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
