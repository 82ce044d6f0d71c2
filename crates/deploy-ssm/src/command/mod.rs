//! SSM's Run Command: one command sent once, and what became of it.

mod invocation;
mod poll;

use std::time::Duration;

use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationError;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey, CommandStatus};
use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};

pub(crate) use self::invocation::{Ended, Invocation, State};
pub(crate) use self::poll::Pace;
use crate::aws::operation::command as operation;
use crate::aws::{Aws, failed};
use crate::instance::Fleet;

/// How long a node may take to begin with a command that is sent to it; SSM's least is 30 s.
pub(crate) const START_WITHIN: Duration = Duration::from_secs(60);
/// The most characters of a command's comment.
const MAX_COMMENT: usize = 100;
/// How often a command is sent anew whose answer was lost and which SSM does not list.
const TRIES: u32 = 3;
/// How often, and how long apart, it is looked for in between: SSM lists what it took after a moment.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// The most pages of commands that are looked through, of 50 each.
const MAX_PAGES: usize = 20;

/// A command to be sent.
pub(crate) struct Command<'a> {
    /// The document, `AWS-RunShellScript`.
    pub(crate) document: &'a str,
    /// The instances; one, but for a fleet.
    pub(crate) instances: &'a [String],
    pub(crate) fleet: Option<&'a Fleet>,
    /// What it is found by.
    pub(crate) comment: String,
    pub(crate) lines: Vec<String>,
    /// How long a node may take to begin.
    pub(crate) start_within: Duration,
    /// How long it may run.
    pub(crate) run_within: Duration,
}

/// A command that SSM remembers.
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) comment: String,
    /// When it was asked for, by SSM's clock.
    pub(crate) at: Option<Timestamp>,
    pub(crate) ended: bool,
}

/// What a command is found by: which deployment of which application it is for.
pub(crate) fn comment(app: &str, id: &str, verb: &str) -> String {
    let mut comment = format!("deploy-ssm {app} {id} {verb}");
    comment.truncate(MAX_COMMENT);
    comment
}

/// The commands of one account and region.
#[derive(Clone, Copy)]
pub(crate) struct Commands<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) clock: &'a dyn Clock,
}

impl Commands<'_> {
    /// Sends a command, and returns its id. Where the answer is lost, it is looked up by its comment before it is sent again: the node does
    /// the same work once, however often it is asked.
    ///
    /// # Errors
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) where the answer is lost and no list shows it, or none can be had; what AWS refuses.
    pub(crate) async fn send(&self, command: &Command<'_>) -> Result<String> {
        let since = self.clock.now();
        let mut lost = None;
        for _ in 0..TRIES {
            let error = match self.send_once(command).await {
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => error,
                answered => return answered,
            };
            for look in 0..LOOKS {
                if look > 0 {
                    self.clock.sleep(BETWEEN_LOOKS).await;
                }
                // A minute, should the clocks differ.
                match self
                    .find(std::slice::from_ref(&command.comment), Some(since - Duration::from_secs(60)))
                    .await
                {
                    Ok(Some(id)) => return Ok(id),
                    Ok(None) => {}
                    // That it cannot be looked up does not mean that it was not sent.
                    Err(unseen) => return Err(error.source(unseen)),
                }
            }
            lost = Some(error);
        }
        Err(lost.unwrap_or_else(|| Error::new(ErrorKind::Internal, "nothing was sent")))
    }

    async fn send_once(&self, command: &Command<'_>) -> Result<String> {
        let seconds = |duration: Duration| duration.as_secs().clamp(30, 172_800);
        let mut request = self
            .aws
            .ssm_once()
            .send_command()
            .document_name(command.document)
            .set_instance_ids(Some(command.instances.to_vec()))
            .comment(&command.comment)
            .timeout_seconds(i32::try_from(seconds(command.start_within)).unwrap_or(60))
            .parameters("commands", command.lines.clone())
            .parameters("executionTimeout", vec![seconds(command.run_within).to_string()]);
        if let Some(fleet) = command.fleet {
            request = request
                .max_concurrency(fleet.concurrency().to_string())
                .max_errors(fleet.errors().to_string());
        }
        let object = command.instances.join(", ");
        let answer = request
            .send()
            .await
            .map_err(|error| failed(error, &operation::SEND, &object).inside(command.document))?;
        answer.command.and_then(|command| command.command_id).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "SSM took a command and gave it no id").during("send").on(object)
        })
    }

    /// The newest command with one of these comments, of those sent `after`.
    pub(crate) async fn find(&self, comments: &[String], after: Option<Timestamp>) -> Result<Option<String>> {
        let mut found: Option<Listed> = None;
        self.each(after, |listed| {
            if comments.contains(&listed.comment) && found.as_ref().is_none_or(|newest| listed.at > newest.at)
            {
                found = Some(listed);
            }
        })
        .await?;
        Ok(found.map(|listed| listed.id))
    }

    /// Goes through the commands that SSM remembers.
    pub(crate) async fn each(&self, after: Option<Timestamp>, mut seen: impl FnMut(Listed)) -> Result<()> {
        let after = after
            .map(|after| {
                // SSM takes whole seconds.
                let seconds: String = after.to_string().chars().take(19).collect();
                CommandFilter::builder()
                    .key(CommandFilterKey::InvokedAfter)
                    .value(format!("{seconds}Z"))
                    .build()
            })
            .transpose()
            .map_err(|_| Error::new(ErrorKind::Internal, "a filter of commands could not be made"))?;
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let request = self
                .aws
                .ssm()
                .list_commands()
                .set_filters(after.clone().map(|after| vec![after]))
                .max_results(50);
            let page = request.set_next_token(token).send().await;
            let page = page.map_err(|error| failed(error, &operation::LIST, "commands"))?;
            for command in page.commands.unwrap_or_default() {
                if let (Some(id), Some(comment)) = (command.command_id, command.comment) {
                    let at = command.requested_date_time.map(|at| Timestamp::from_unix_seconds(at.secs()));
                    let going = matches!(
                        command.status,
                        Some(CommandStatus::Pending | CommandStatus::InProgress | CommandStatus::Cancelling)
                    );
                    seen(Listed { id, comment, at, ended: !going });
                }
            }
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// How the command goes on one instance.
    pub(crate) async fn look(&self, id: &str, instance: &str) -> Result<Invocation> {
        let answer =
            self.aws.ssm().get_command_invocation().command_id(id).instance_id(instance).send().await;
        match answer {
            Ok(answer) => Ok(Invocation::from(answer)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetCommandInvocationError::is_invocation_does_not_exist) =>
            {
                // SSM shows it after some seconds.
                Ok(Invocation::unseen())
            }
            Err(error) => Err(failed(error, &operation::GET_INVOCATION, instance)),
        }
    }

    /// Asks the agent of one instance, or all of them, to stop the command; where it has not arrived it never does. What a node does for it in
    /// a unit of its own goes on.
    pub(crate) async fn cancel(&self, id: &str, instance: Option<&str>) -> Result<()> {
        let request = self.aws.ssm().cancel_command().command_id(id);
        let only = instance.map(|instance| vec![instance.to_owned()]);
        let cancelled = request.set_instance_ids(only).send().await;
        cancelled.map(drop).map_err(|error| failed(error, &operation::CANCEL, id))
    }
}
