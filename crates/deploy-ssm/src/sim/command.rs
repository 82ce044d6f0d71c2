//! A command and what became of it on each node.

use std::collections::BTreeMap;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::process::Output;
use super::wire::{iso, seconds};

/// Characters of standard output that SSM keeps, and of standard error.
pub(super) const STDOUT: usize = 24_000;
pub(super) const STDERR: usize = 8_000;
/// Of both together in `ListCommandInvocations`.
const DETAILS: usize = 2_500;
const CUT: &str = "--output truncated--";

/// What became of a command on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    InProgress,
    Cancelling,
    Success,
    Failed,
    Cancelled,
    ExecutionTimedOut,
    DeliveryTimedOut,
    Undeliverable,
    Terminated,
    InvalidPlatform,
}

impl Status {
    /// What the agent makes of an exit code.
    pub(super) fn of(code: i32) -> Self {
        match code {
            0 => Self::Success,
            137 => Self::ExecutionTimedOut,
            _ => Self::Failed,
        }
    }

    pub(super) fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress | Self::Cancelling)
    }

    /// Whether it counts towards `MaxErrors`.
    pub(super) fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::ExecutionTimedOut | Self::InvalidPlatform)
    }

    /// `Status`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Cancelling => "Cancelling",
            Self::Success => "Success",
            Self::Failed | Self::Undeliverable | Self::InvalidPlatform => "Failed",
            Self::Cancelled | Self::Terminated => "Cancelled",
            Self::ExecutionTimedOut | Self::DeliveryTimedOut => "TimedOut",
        }
    }

    /// `StatusDetails`, in words with spaces where that was asked for.
    pub(super) fn details(self, spaced: bool) -> String {
        let name = match self {
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::Undeliverable => "Undeliverable",
            Self::Terminated => "Terminated",
            Self::InvalidPlatform => "InvalidPlatform",
            other => other.name(),
        };
        let mut text = String::new();
        for (place, letter) in name.char_indices() {
            if spaced && place > 0 && letter.is_uppercase() {
                text.push(' ');
            }
            text.push(letter);
        }
        text
    }
}

/// A command on one node.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) status: Status,
    pub(super) code: i32,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// Set when it is to be cancelled.
    pub(super) cancel: watch::Sender<bool>,
}

impl Invocation {
    pub(super) fn new() -> Self {
        Self {
            status: Status::Pending,
            code: -1,
            started: None,
            ended: None,
            stdout: String::new(),
            stderr: String::new(),
            cancel: watch::Sender::new(false),
        }
    }

    pub(super) fn tell(&mut self, output: &Output) {
        self.stdout = cut(&output.stdout, STDOUT);
        self.stderr = cut(&output.stderr, STDERR);
    }

    pub(super) fn end(&mut self, status: Status, code: i32, now: Timestamp) {
        self.status = status;
        self.code = code;
        self.ended = Some(now);
    }

    pub(super) fn cancel(&mut self, now: Timestamp) {
        match self.status {
            Status::Pending => self.end(Status::Cancelled, -1, now),
            Status::InProgress => self.status = Status::Cancelling,
            _ => return,
        }
        self.cancel.send_replace(true);
    }
}

/// What was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) requested: Timestamp,
    pub(super) comment: String,
    pub(super) parameters: Value,
    pub(super) instance_ids: Vec<String>,
    pub(super) targets: Value,
    pub(super) timeout: Duration,
    pub(super) max_concurrency: String,
    pub(super) max_errors: String,
    pub(super) invocations: BTreeMap<String, Invocation>,
    /// Reads of its invocations that see nothing yet, and lists of commands.
    pub(super) invisible: u32,
    pub(super) unlisted: u32,
}

impl Sent {
    /// The status of the whole: `Success` also with nodes that it could not be delivered to.
    pub(super) fn status(&self) -> (&'static str, &'static str) {
        let has = |status| self.invocations.values().any(|one| one.status == status);
        let all_ended = self.invocations.values().all(|one| one.status.has_ended());
        match () {
            () if self.invocations.is_empty() => ("Success", "NoInstancesInTag"),
            () if has(Status::Cancelling) => ("Cancelling", "Cancelling"),
            () if !all_ended && self.invocations.values().all(|one| one.status == Status::Pending) => {
                ("Pending", "Pending")
            }
            () if !all_ended => ("InProgress", "InProgress"),
            () if self.invocations.values().any(|one| one.status.is_error()) => ("Failed", "Failed"),
            () if has(Status::Cancelled) => ("Cancelled", "Cancelled"),
            () if has(Status::DeliveryTimedOut) => ("TimedOut", "DeliveryTimedOut"),
            () => ("Success", "Success"),
        }
    }

    /// As `SendCommand` and `ListCommands` tell it.
    pub(super) fn to_json(&self) -> Value {
        let count = |is: fn(Status) -> bool| self.invocations.values().filter(|one| is(one.status)).count();
        let (status, details) = self.status();
        json!({
            "CommandId": self.id,
            "DocumentName": "AWS-RunShellScript",
            "DocumentVersion": "$DEFAULT",
            "Comment": self.comment,
            "ExpiresAfter": seconds(self.requested + self.timeout),
            "Parameters": self.parameters,
            "InstanceIds": self.instance_ids,
            "Targets": self.targets,
            "RequestedDateTime": seconds(self.requested),
            "Status": status,
            "StatusDetails": details,
            "OutputS3BucketName": "",
            "OutputS3KeyPrefix": "",
            "MaxConcurrency": self.max_concurrency,
            "MaxErrors": self.max_errors,
            "TargetCount": self.invocations.len(),
            "CompletedCount": count(Status::has_ended),
            "ErrorCount": count(Status::is_error),
            "DeliveryTimedOutCount": count(|status| status == Status::DeliveryTimedOut),
            "TimeoutSeconds": self.timeout.as_secs(),
        })
    }

    /// As `GetCommandInvocation` tells it.
    pub(super) fn invocation(&self, instance: &str, one: &Invocation, spaced: bool) -> Value {
        let elapsed = one.ended.zip(one.started).map_or_else(String::new, |(ended, started)| {
            format!("PT{}S", ended.since(started).as_secs_f64())
        });
        json!({
            "CommandId": self.id,
            "InstanceId": instance,
            "Comment": self.comment,
            "DocumentName": "AWS-RunShellScript",
            "DocumentVersion": "$DEFAULT",
            "PluginName": "aws:runShellScript",
            "ResponseCode": one.code,
            "ExecutionStartDateTime": iso(one.started),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": iso(one.ended),
            "Status": one.status.name(),
            "StatusDetails": one.status.details(spaced),
            "StandardOutputContent": one.stdout,
            "StandardOutputUrl": "",
            "StandardErrorContent": one.stderr,
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false},
        })
    }

    /// As `ListCommandInvocations` tells it; `details` adds the output.
    pub(super) fn listed(&self, instance: &str, name: &str, spaced: bool, details: bool) -> Option<Value> {
        let one = self.invocations.get(instance)?;
        let (status, status_details) = (one.status.name(), one.status.details(spaced));
        let mut plugin = json!({
            "Name": "aws:runShellScript",
            "Status": status,
            "StatusDetails": status_details,
            "ResponseCode": one.code,
            "Output": both(&one.stdout, &one.stderr),
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
        });
        for (member, time) in [("ResponseStartDateTime", one.started), ("ResponseFinishDateTime", one.ended)]
        {
            if let Some(time) = time {
                plugin[member] = seconds(time);
            }
        }
        Some(json!({
            "CommandId": self.id,
            "InstanceId": instance,
            "InstanceName": name,
            "Comment": self.comment,
            "DocumentName": "AWS-RunShellScript",
            "DocumentVersion": "$DEFAULT",
            "RequestedDateTime": seconds(self.requested),
            "Status": status,
            "StatusDetails": status_details,
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
            "CommandPlugins": if details { json!([plugin]) } else { json!([]) },
        }))
    }
}

/// Both outputs as one.
fn both(stdout: &str, stderr: &str) -> String {
    let mut all = stdout.to_owned();
    if !stderr.is_empty() {
        all.push_str("\n----------ERROR-------\n");
        all.push_str(stderr);
    }
    cut(all.as_bytes(), DETAILS)
}

/// At most so many bytes, with the suffix where it was cut. The agent cuts bytes: half a character becomes U+FFFD.
fn cut(bytes: &[u8], most: usize) -> String {
    if bytes.len() < most {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::from_utf8_lossy(&bytes[..most - CUT.len()]).into_owned();
    text.push_str(CUT);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_become_what_the_agent_makes_of_them() {
        let check = |code, status, details: &str| {
            assert_eq!((Status::of(code).name(), &*Status::of(code).details(true)), (status, details));
        };
        check(0, "Success", "Success");
        check(1, "Failed", "Failed");
        check(-1, "Failed", "Failed");
        check(137, "TimedOut", "Execution Timed Out");
    }

    #[test]
    fn output_is_cut_to_what_ssm_keeps() {
        let check = |length: usize, expected: usize, is_cut: bool| {
            let text = cut(&vec![b'x'; length], STDOUT);
            assert_eq!((text.len(), text.ends_with(CUT)), (expected, is_cut), "{length}");
        };
        check(0, 0, false);
        check(STDOUT - 1, STDOUT - 1, false);
        check(STDOUT, STDOUT, true);
        check(STDOUT * 2, STDOUT, true);
    }
}
