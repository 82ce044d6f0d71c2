//! Following what was handed over until the node has ended it, one way or the other.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::event::EventKind;
use deploy_core::run::Run;
use deploy_core::target::Observation;
use futures_util::future::join_all;

use super::SsmK3s;
use super::deployments::{Deployment, Ended};
use super::staging::Seen;
use super::verdict;
use crate::command::{Ended as CommandEnded, Invocation, Pace, START_WITHIN, State};
use crate::node::{Report, Verb, parse_answer, parse_report};

/// How often the bucket is looked at.
const BUCKET: Duration = Duration::from_secs(1);
/// How much longer than its own bounds a node may take: it fetches, gathers evidence, sends its result.
const SLACK: Duration = Duration::from_secs(120);
/// How often a command is sent to attach to a deployment whose command was stopped.
const ATTACHMENTS: u32 = 5;
/// Looks that fail one after the other, of which each was tried several times.
const MOST_FAILURES: u32 = 10;

impl SsmK3s {
    pub(super) async fn follow(&self, run: &Run) -> Result<Observation> {
        let run = &self.deployments.present(run);
        let deployment = match self.deployments.get(run.id()) {
            Some(deployment) => deployment,
            None => self.take_up(run).await?,
        };
        if deployment.reports().is_none() {
            self.to_the_end(&deployment, run).await?;
        }
        let reports = deployment.reports().unwrap_or_default();
        match reports.as_slice() {
            [(instance, Ok(report))] => verdict::observation(report, instance),
            [(_, Err(error))] => Err(verdict::again(error)),
            all => verdict::of_all(all),
        }
    }

    async fn to_the_end(&self, deployment: &Deployment, run: &Run) -> Result<()> {
        let followed =
            deployment.instances.iter().map(|instance| self.one_to_its_end(deployment, instance, run));
        let results = join_all(followed).await;
        // A node that cannot be followed any more goes on by itself: the error of the only one is the caller's to see.
        let mut log = None;
        let mut reports = Vec::with_capacity(results.len());
        for (instance, result) in deployment.instances.iter().zip(results) {
            reports.push((
                instance.clone(),
                match result {
                    Ok((report, its_log)) => {
                        log = log.or(its_log);
                        Ok(report)
                    }
                    Err(error) if deployment.instances.len() == 1 => return Err(error),
                    Err(error) => Err(error),
                },
            ));
        }
        for (_, report) in &reports {
            if let Ok(report) = report {
                deployment.told.lock().await.report(report, run);
                for message in &report.notes {
                    run.emit(EventKind::Warning { message: message.clone() });
                }
            }
        }
        if let Some(staging) = &deployment.staging {
            if let Ok(Some(whole)) = staging.log().await {
                log = Some(whole);
            }
            if let Err(error) = staging.clear().await {
                run.emit(EventKind::Warning {
                    message: format!("what lay in S3 is left for a sweep: {error}"),
                });
            }
        }
        deployment.end(Ended { reports, log });
        Ok(())
    }

    /// Follows one node. What only fails for a while is looked at again.
    async fn one_to_its_end(
        &self,
        deployment: &Deployment,
        instance: &str,
        run: &Run,
    ) -> Result<(Report, Option<String>)> {
        let rules = run.rules();
        let begun = run.now();
        let bound = begun + START_WITHIN + rules.timeout + rules.rollback_timeout + SLACK;
        let pace = if deployment.staging.is_some() { Pace::Beside } else { Pace::Only };
        let mut follower = Follower {
            target: self,
            deployment,
            instance,
            run,
            command: deployment.command.clone(),
            seen: Seen::default(),
            attachments: 0,
            failures: 0,
            asked_to_stop: false,
        };
        let mut next_look = begun + pace.next(Duration::ZERO, fastrand::f64());
        loop {
            let cancelled = async {
                if follower.asked_to_stop {
                    std::future::pending::<()>().await;
                }
                run.cancel().cancelled().await;
            };
            let pause = match deployment.staging {
                Some(_) => next_look.min(run.now() + BUCKET),
                None => next_look,
            };
            tokio::select! {
                () = run.clock().sleep_until(pause) => {}
                () = cancelled => {
                    follower.asked_to_stop = true;
                    follower.stop().await;
                }
            }
            let looked = follower.look_at_bucket().await;
            if let Some(ended) = follower.borne(looked)? {
                return Ok(ended);
            }
            if run.now() >= next_look {
                let looked = follower.look_at_command().await;
                if let Some(ended) = follower.borne(looked)? {
                    return Ok(ended);
                }
                next_look = run.now() + pace.next(run.now().since(begun), fastrand::f64());
            }
            if run.now() >= bound {
                return Err(follower.lost(bound, begun));
            }
        }
    }
}

/// One node that is followed.
struct Follower<'a> {
    target: &'a SsmK3s,
    deployment: &'a Deployment,
    instance: &'a str,
    run: &'a Run,
    command: String,
    seen: Seen,
    attachments: u32,
    failures: u32,
    asked_to_stop: bool,
}

type Found = Option<(Report, Option<String>)>;

impl Follower<'_> {
    async fn look_at_bucket(&mut self) -> Result<Found> {
        let Some(staging) = &self.deployment.staging else { return Ok(None) };
        // The result first: what was told before it is there then.
        let result = staging.result().await?;
        if let Some(events) = staging.events(&mut self.seen).await? {
            self.deployment.told.lock().await.events(&events, self.run);
        }
        result.map(|text| Ok((parse_report(text.as_bytes())?, None))).transpose()
    }

    async fn look_at_command(&mut self) -> Result<Found> {
        let commands = self.target.commands(self.run);
        let invocation = commands.look(&self.command, self.instance).await?;
        let ended = match &invocation.state {
            State::Unseen | State::Waiting | State::Running => return Ok(None),
            State::Ended(ended) => ended,
        };
        if let Some(found) = read(&invocation) {
            return Ok(Some(found));
        }
        // It may have put its result into the bucket all the same.
        if let Some(found) = self.look_at_bucket().await? {
            return Ok(Some(found));
        }
        match ended {
            CommandEnded::Stopped(_) if self.attachments < ATTACHMENTS => {
                self.attachments += 1;
                let message = format!(
                    "the command on {} was stopped; the node goes on, and is asked again",
                    self.instance
                );
                self.run.emit(EventKind::Warning { message });
                self.command = self.target.send_about(Verb::Attach, self.instance, self.run).await?;
                Ok(None)
            }
            _ => Err(invocation.mute(ended, self.instance)),
        }
    }

    /// Asks the node to stop and go back. What it answers is its result.
    async fn stop(&mut self) {
        self.run.emit(EventKind::Cancelled);
        // The new command waits for the result, too.
        match self.target.send_about(Verb::Cancel, self.instance, self.run).await {
            Ok(command) => self.command = command,
            Err(error) => {
                let message = format!("the node could not be asked to stop, and goes on: {error}");
                self.run.emit(EventKind::Warning { message });
            }
        }
    }

    /// A look's result, if it is one or its failure is for good.
    fn borne(&mut self, looked: Result<Found>) -> Result<Found> {
        match looked {
            Ok(found) => {
                self.failures = 0;
                Ok(found)
            }
            Err(error) if error.retry() != Retry::Never && self.failures < MOST_FAILURES => {
                self.failures += 1;
                tracing::debug!(%error, "looking at a deployment failed");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn lost(&self, bound: Timestamp, begun: Timestamp) -> Error {
        let seconds = bound.since(begun).as_secs();
        Error::new(
            ErrorKind::OutcomeUnknown,
            format!("the node has told nothing of its result for {seconds} s"),
        )
        .on(self.instance)
        .help(format!("resume the deployment by its id, {}", self.run.id()))
    }
}

/// The report in the output, if there is one.
fn read(invocation: &Invocation) -> Found {
    if invocation.stdout.is_empty() {
        return None;
    }
    match parse_answer::<Report>(&invocation.stdout) {
        Ok((report, log)) => {
            let cut = if invocation.is_cut() { "\n(SSM cut the output here)\n" } else { "" };
            Some((report, Some(format!("{log}{cut}"))))
        }
        // Another script's words, or an output that was cut before its first line ended.
        Err(error) => {
            tracing::debug!(%error, "the command's output is no answer");
            None
        }
    }
}
