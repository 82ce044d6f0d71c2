//! What became of a command on one instance.

use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput;
use deploy_core::error::{Error, ErrorKind};

/// What SSM appends to an output that it has cut.
const CUT: &str = "--output truncated--";

/// A command on one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) state: State,
    /// Its output; empty until it ended.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// SSM does not show it yet.
    Unseen,
    /// The agent has not begun.
    Waiting,
    /// It runs.
    Running,
    /// It ended.
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The script did, with this exit code.
    Script(i32),
    /// The agent never began: in SSM's word.
    NotDelivered(String),
    /// The agent ended it, or SSM says so: what runs in a unit of its own goes on.
    Stopped(String),
}

impl Invocation {
    pub(crate) fn unseen() -> Self {
        Self { state: State::Unseen, stdout: String::new(), stderr: String::new() }
    }

    /// Why nothing came of it, with the last words of its errors.
    pub(crate) fn mute(&self, ended: &Ended, instance: &str) -> Error {
        let words: Vec<&str> =
            self.stderr.lines().rev().filter(|line| !line.trim().is_empty()).take(5).collect();
        let words: String = words.into_iter().rev().collect::<Vec<_>>().join("; ");
        let words: String = words.chars().filter(|c| !c.is_control()).take(1_000).collect();
        let error = ended.error(instance);
        if words.is_empty() { error } else { error.source(words) }
    }

    /// Whether SSM cut the output.
    pub(crate) fn is_cut(&self) -> bool {
        self.stdout.trim_end().ends_with(CUT)
    }
}

impl From<GetCommandInvocationOutput> for Invocation {
    fn from(answer: GetCommandInvocationOutput) -> Self {
        let status = answer.status.as_ref().map_or("", |status| status.as_str());
        // The details say more; documents print them with blanks.
        let details: String = answer.status_details.as_deref().unwrap_or(status).split_whitespace().collect();
        let details = if details.is_empty() { status } else { &details };
        let started = answer.execution_start_date_time.as_deref().is_some_and(|at| !at.is_empty());
        Self {
            state: state(details, answer.response_code, started),
            stdout: answer.standard_output_content.unwrap_or_default(),
            stderr: answer.standard_error_content.unwrap_or_default(),
        }
    }
}

/// By the user guide's "Understanding command statuses", and the agent's own words. A word that is not known is taken for "it goes on" as
/// long as there is no exit code: the caller's own bound ends the wait.
fn state(details: &str, code: i32, started: bool) -> State {
    match details {
        "Pending" | "Delayed" => State::Waiting,
        "InProgress" | "Cancelling" => State::Running,
        "Success" | "Failed" => State::Ended(Ended::Script(code)),
        "Cancelled" if !started => State::Ended(Ended::NotDelivered(details.to_owned())),
        "DeliveryTimedOut" | "Undeliverable" | "InvalidPlatform" | "AccessDenied" | "Terminated" => {
            State::Ended(Ended::NotDelivered(details.to_owned()))
        }
        "ExecutionTimedOut" | "TimedOut" | "Cancelled" => State::Ended(Ended::Stopped(details.to_owned())),
        _ if code >= 0 => State::Ended(Ended::Script(code)),
        _ => State::Running,
    }
}

impl Ended {
    /// Why nothing came of it, where the script did not say.
    pub(crate) fn error(&self, instance: &str) -> Error {
        let error = match self {
            Self::Script(code) => Error::new(
                ErrorKind::Internal,
                format!("the script ended with exit code {code} and said nothing that could be read"),
            ),
            Self::NotDelivered(word) => match word.as_str() {
                "AccessDenied" => Error::new(ErrorKind::Forbidden, "SSM may not run commands on the node")
                    .help("the instance's role needs AmazonSSMManagedInstanceCore"),
                "InvalidPlatform" => Error::invalid("the node does not run Linux"),
                "Cancelled" => Error::new(
                    ErrorKind::Cancelled,
                    "the command was cancelled before the node began with it",
                ),
                "Terminated" => {
                    Error::new(ErrorKind::Unavailable, "SSM did not try the node: too many others failed")
                        .help("raise the number of errors that are allowed, or mend the others first")
                }
                _ => Error::new(
                    ErrorKind::Unavailable,
                    format!("the node's agent did not take the command in time ({word})"),
                )
                .help("is the node running, and does its agent reach SSM? nothing was begun"),
            },
            Self::Stopped(word) => Error::new(
                ErrorKind::OutcomeUnknown,
                format!("the command was stopped ({word}); what it began on the node goes on by itself"),
            )
            .help("resume the deployment by its id"),
        };
        error.on(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_status() {
        let check =
            |word: &str, code: i32, expect: State| assert_eq!(state(word, code, code >= 0), expect, "{word}");
        let ended = State::Ended;
        check("Pending", -1, State::Waiting);
        check("Delayed", -1, State::Waiting);
        check("InProgress", -1, State::Running);
        check("Cancelling", -1, State::Running);
        check("Success", 0, ended(Ended::Script(0)));
        check("Failed", 1, ended(Ended::Script(1)));
        for word in [
            "DeliveryTimedOut",
            "Undeliverable",
            "InvalidPlatform",
            "AccessDenied",
            "Terminated",
            "Cancelled",
        ] {
            check(word, -1, ended(Ended::NotDelivered(word.into())));
        }
        for word in ["ExecutionTimedOut", "TimedOut", "Cancelled"] {
            check(word, 137, ended(Ended::Stopped(word.into())));
        }
        check("SomethingNew", -1, State::Running);
        check("SomethingNew", 3, ended(Ended::Script(3)));
    }

    #[test]
    fn details_are_read_with_and_without_blanks() {
        let answer = |details: &str| {
            Invocation::from(
                GetCommandInvocationOutput::builder().status_details(details).response_code(-1).build(),
            )
        };
        assert_eq!(answer("Delivery Timed Out"), answer("DeliveryTimedOut"));
        assert_eq!(answer("In Progress").state, State::Running);
    }
}
