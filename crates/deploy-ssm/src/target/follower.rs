//! One node that is followed until it has told its result, or cannot any more.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::run::Run;

use super::SsmK3s;
use super::deployments::Deployment;
use super::failures::Failures;
use super::look::{Asked, How, Look, Mute, Next, is_no_such, look, next};
use super::staging::Seen;
use super::verdict;
use crate::command::Pace;
use crate::node::{Report, Verb, parse_report};

/// How often the bucket is looked at.
const BUCKET: Duration = Duration::from_secs(1);
/// How often a command is sent to attach to a deployment whose command was stopped.
const ATTACHMENTS: u32 = 5;
/// How often a node is asked to stop that does not answer that.
const ASKS: u32 = 5;

/// A node's report, and its log where the command had it.
type End = (Report, Option<String>);

/// Why a node cannot be followed any more.
pub(super) struct Lost {
    pub(super) error: Error,
    /// Whether nothing of it goes on there that may need what lies in S3.
    pub(super) over: bool,
}

impl From<Error> for Lost {
    /// A node that cannot be asked may go on.
    fn from(error: Error) -> Self {
        Self { error, over: false }
    }
}

/// One node that is followed.
pub(super) struct Follower<'a> {
    target: &'a SsmK3s,
    deployment: &'a Deployment,
    instance: &'a str,
    run: &'a Run,
    since: Timestamp,
    /// The command that does it, or attached to it last.
    command: String,
    /// When the node was first seen to have begun.
    begun: Option<Timestamp>,
    /// How it ended, if it did without the result.
    ended: Option<Mute>,
    /// The command that asks the node to stop.
    cancel: String,
    asked: Asked,
    seen: Seen,
    attachments: u32,
    /// How often it was asked to stop, and whether that has failed.
    asks: u32,
    unheard: bool,
    bucket: Failures,
    looks: Failures,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        target: &'a SsmK3s,
        deployment: &'a Deployment,
        instance: &'a str,
        run: &'a Run,
    ) -> Self {
        Self {
            target,
            deployment,
            instance,
            run,
            since: run.now(),
            command: deployment.command.clone(),
            begun: None,
            ended: None,
            cancel: String::new(),
            asked: Asked::No,
            seen: Seen::default(),
            attachments: 0,
            asks: 0,
            unheard: false,
            bucket: Failures::default(),
            looks: Failures::default(),
        }
    }

    /// Follows it, and has it `stop` before. What only fails for a while is looked at again.
    pub(super) async fn follow(mut self, stop: bool) -> Result<End, Lost> {
        let run = self.run;
        let sent = self.since;
        let bounds = self.target.bounds(&self.deployment.instances, run);
        let pace = if self.deployment.telling().is_some() { Pace::Beside } else { Pace::Only };
        let mut next_look = sent + pace.next(Duration::ZERO, fastrand::f64());
        let mut stopping = stop;
        if stopping {
            self.stop().await;
        }
        loop {
            let pause = match self.deployment.telling() {
                Some(_) => next_look.min(run.now() + BUCKET),
                None => next_look,
            };
            tokio::select! {
                () = run.clock().sleep_until(pause) => {}
                () = run.cancel().cancelled(), if !stopping => {
                    stopping = true;
                    run.emit(EventKind::Cancelled);
                    self.stop().await;
                }
            }
            if let Some(told) = self.look_at_bucket().await? {
                return Ok(told);
            }
            if run.now() >= next_look {
                if let Some(told) = self.look_at_commands().await? {
                    return Ok(told);
                }
                if stopping && self.asked == Asked::No {
                    self.stop().await;
                }
                next_look = run.now() + pace.next(run.now().since(sent), fastrand::f64());
            }
            if run.now() >= bounds.end(sent, self.begun) {
                return Err(self.lost(run.now().since(sent)).into());
            }
        }
    }

    /// The result, if it is in the bucket.
    async fn look_at_bucket(&mut self) -> Result<Option<End>> {
        let looked = self.read_bucket().await;
        Ok(self.bucket.borne(looked)?.flatten())
    }

    async fn read_bucket(&mut self) -> Result<Option<End>> {
        let Some(staging) = self.deployment.telling() else { return Ok(None) };
        // The result first: what was told before it is there then.
        let result = staging.result().await?;
        if let Some(events) = staging.events(&mut self.seen).await? {
            self.deployment.told.lock().await.events(&events, self.run);
            self.begun.get_or_insert(self.run.now());
        }
        result.map(|text| Ok((parse_report(text.as_bytes())?, None))).transpose()
    }

    async fn look_at_commands(&mut self) -> Result<Option<End>, Lost> {
        if self.ended.is_none() {
            match self.look_at(&self.command.clone()).await? {
                Some(Look::GoesOn { begun: true }) => {
                    self.begun.get_or_insert(self.run.now());
                }
                Some(Look::GoesOn { begun: false }) | None => {}
                Some(Look::Told(report, _)) if !self.deployment.own && is_no_such(&report) => {
                    // Its command may be on its way: what lies in S3 for it is not ours to take.
                    verdict::observation(&report, self.instance)?;
                }
                Some(Look::Told(report, log)) => return Ok(Some((*report, Some(log)))),
                Some(Look::Mute(mute)) => self.ended = Some(mute),
            }
        }
        if self.asked == Asked::Waiting {
            match self.look_at(&self.cancel.clone()).await? {
                Some(Look::Told(report, _)) if is_no_such(&report) => {
                    self.asked = Asked::Over { no_such: true };
                }
                Some(Look::Told(report, log)) => return Ok(Some((*report, Some(log)))),
                Some(Look::Mute(mute)) => {
                    tracing::debug!(error = %mute.error, "the node was not reached by the command to stop");
                    self.asked = Asked::Over { no_such: false };
                }
                Some(Look::GoesOn { .. }) | None => {}
            }
        }
        self.go_on().await
    }

    async fn look_at(&mut self, command: &str) -> Result<Option<Look>> {
        let looked = self.target.commands(self.run).look(command, self.instance).await;
        Ok(self.looks.borne(looked)?.map(|invocation| look(&invocation, self.instance)))
    }

    async fn go_on(&mut self) -> Result<Option<End>, Lost> {
        let next = next(self.ended.as_ref().map(|mute| self.how(mute)), self.begun.is_some(), self.asked);
        match next {
            Next::Wait => return Ok(None),
            Next::AskAgain => {
                if self.asks < ASKS {
                    self.asked = Asked::No;
                }
                return Ok(None);
            }
            Next::Cancelled => return Err(Lost { error: cancelled(), over: self.is_own() }),
            Next::Attach | Next::End => {}
        }
        // The node may have put its result into the bucket all the same.
        let looked = self.read_bucket().await;
        match self.bucket.borne(looked)? {
            Some(None) => {}
            Some(told) => return Ok(told),
            // It is looked at again.
            None => return Ok(None),
        }
        if next == Next::Attach && self.attachments < ATTACHMENTS {
            self.attach().await?;
            return Ok(None);
        }
        match self.ended.take() {
            Some(mute) if self.is_own() => Err(Lost { over: mute.how.is_over(), error: mute.error }),
            Some(mute) => Err(self.lost(self.run.now().since(self.since)).source(mute.error).into()),
            None => Ok(None),
        }
    }

    /// Whether the command that is followed is the one that does it: others only ask for it.
    fn is_own(&self) -> bool {
        self.deployment.own && self.attachments == 0
    }

    fn how(&self, mute: &Mute) -> How {
        if self.is_own() { mute.how } else { mute.how.of_one_that_asks() }
    }

    async fn attach(&mut self) -> Result<()> {
        self.attachments += 1;
        let message =
            format!("the command on {} has ended early; the node goes on, and is asked again", self.instance);
        self.run.emit(EventKind::Warning { message });
        let sent = self.target.send_about(Verb::Attach, self.instance, self.run).await;
        if let Some(command) = self.looks.borne(sent)? {
            (self.command, self.ended) = (command, None);
        }
        Ok(())
    }

    /// Asks the node to stop and go back. What it answers is its result.
    async fn stop(&mut self) {
        let commands = self.target.commands(self.run);
        if self.ended.is_none() && self.begun.is_none() {
            // Looked at anew: a command that runs is not to be killed while it hands over to its unit.
            let looked = commands.look(&self.command, self.instance).await;
            let is_waiting = looked.map_or(true, |invocation| {
                matches!(look(&invocation, self.instance), Look::GoesOn { begun: false })
            });
            // What has not reached the node never begins then.
            if is_waiting && let Err(error) = commands.cancel(&self.command, Some(self.instance)).await {
                tracing::debug!(%error, "a command could not be cancelled");
            }
        }
        match self.target.send_about(Verb::Cancel, self.instance, self.run).await {
            Ok(command) => {
                (self.cancel, self.asked) = (command, Asked::Waiting);
                self.asks += 1;
            }
            Err(error) if self.unheard => tracing::debug!(%error, "the node could not be asked to stop"),
            Err(error) => {
                self.unheard = true;
                let message = format!("the node could not be asked to stop, and is asked again: {error}");
                self.run.emit(EventKind::Warning { message });
            }
        }
    }

    fn lost(&self, waited: Duration) -> Error {
        let seconds = waited.as_secs();
        Error::new(
            ErrorKind::OutcomeUnknown,
            format!("the node has told nothing of its result for {seconds} s"),
        )
        .on(self.instance)
        .help(format!("resume the deployment by its id, {}", self.run.id()))
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled before the node had begun")
}
