//! Questions to the node, answered through the command's output.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::{Observation, Revision};
use serde::de::DeserializeOwned;

use super::SsmK3s;
use super::deployments::{Deployment, Sent};
use super::hand_over::once;
use super::kept::revisions;
use super::plan::cancelled;
use super::staging::Staging;
use crate::command::{Command, Pace, START_WITHIN, State, comment};
use crate::node::{Diagnosis, Health, History, NodeStatus, Request, RunStatus, Verb, parse_answer};

/// How long the node may take for an answer, once it has begun.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

impl SsmK3s {
    /// Whether the node's API server is ready, and how long it took to say so. Cancel safe.
    ///
    /// # Errors
    /// If the node cannot be asked; that it is not ready is an answer.
    pub async fn health(&self, run: &Run) -> Result<Health> {
        self.ask(Verb::Health, Ok, run).await
    }

    /// How the node is: disks, memory, load, nodes, pods that are not ready, Warning Events. Cancel safe.
    ///
    /// # Errors
    /// If the node cannot be asked; what it could not find out is in the answer.
    pub async fn diagnosis(&self, run: &Run) -> Result<Diagnosis> {
        self.ask(Verb::Diagnose, Ok, run).await
    }

    /// What runs on the node now, or how the deployment `id` goes. Cancel safe.
    ///
    /// # Errors
    /// If the node cannot be asked.
    pub async fn status(&self, id: Option<&DeploymentId>, run: &Run) -> Result<NodeStatus> {
        let about = |request: Request| match id {
            Some(id) => request.id(id.as_str()),
            None => Ok(request),
        };
        self.ask(Verb::Status, about, run).await
    }

    /// What the node has deployed, and which bundles it keeps to go back to. Cancel safe.
    ///
    /// # Errors
    /// If the node cannot be asked.
    pub async fn kept(&self, run: &Run) -> Result<History> {
        self.ask(Verb::History, Ok, run).await
    }

    /// Follows the deployment that `run` has the id of ([`Run::with_id`]) to its end, whoever began it: a caller that died, another one,
    /// this one. Cancelling the run asks the node to go back.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no such deployment is known; what kept it from beginning.
    pub async fn resume(&self, run: &Run) -> Result<Observation> {
        self.follow(run).await
    }

    /// Asks the node to stop the deployment that `run` has the id of and to go back, and follows it to its end. What has not reached the node
    /// yet never begins there.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub async fn cancel(&self, run: &Run) -> Result<Observation> {
        let run = &self.deployments.present(run);
        if let Some(deployment) = self.deployments.get(run.id()) {
            return self.follow_it(&deployment, true, run).await;
        }
        let deployment = self.take_up(Verb::Cancel, run).await?;
        self.follow_it(&deployment, deployment.own, run).await
    }

    /// The node's log of a deployment that this target followed to its end; cut where only the command's output had it.
    pub fn log(&self, id: &DeploymentId) -> Option<String> {
        self.deployments.log(id)
    }

    pub(super) fn staging(&self, run: &Run) -> Result<Option<Staging>> {
        let staging = Staging::new(&self.options.aws, &self.options.through, self.app(), run.id())?;
        let is_fleet = self.options.instances.as_fleet().is_some();
        Ok(staging.map(|staging| if is_fleet { staging.shared() } else { staging }))
    }

    pub(super) async fn recorded(&self, run: &Run) -> Result<Vec<Revision>> {
        Ok(revisions(&self.kept(run).await?))
    }

    /// Notes on the node that what it had found healthy is not, by a check of the caller's.
    pub(super) async fn record_failure(&self, why: &str, run: &Run) -> Result<()> {
        let run = &self.deployments.present(run);
        let number = self.deployments.get(run.id()).and_then(|deployment| {
            deployment.fail();
            let [(_, report)] = <[_; 1]>::try_from(deployment.reports()?).ok()?;
            let report = report.ok()?;
            (report.status == RunStatus::Healthy).then_some(report.number?)
        });
        let Some(number) = number else { return Ok(()) };
        let why = |request: Request| Ok(request.id(run.id().as_str())?.number(number).why(why));
        self.ask::<serde::de::IgnoredAny>(Verb::Fail, why, run).await.map(drop)
    }

    /// A deployment that another process began: its command is looked up, else the node is asked, by `verb`.
    pub(super) async fn take_up(&self, verb: Verb, run: &Run) -> Result<std::sync::Arc<Deployment>> {
        let instances = self.find(run).await?;
        let comments =
            [Verb::Deploy, Verb::Rollback].map(|verb| comment(self.app(), run.id().as_str(), verb.name()));
        let sent = match (self.commands(run).find(&comments, None).await?, instances.as_slice()) {
            (Some(command), _) => Sent::Own(command),
            (None, [instance]) => Sent::About(self.send_about(verb, instance, run).await?),
            (None, _) => {
                return Err(Error::new(ErrorKind::NotFound, "SSM knows of no command for this deployment")
                    .on(run.id())
                    .help("it remembers commands for 30 days"));
            }
        };
        Ok(self.deployments.begin(run.id(), sent, instances, self.staging(run)?))
    }

    /// Asks the node, `about` what is put into the request, and waits for the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        verb: Verb,
        about: impl FnOnce(Request) -> Result<Request>,
        run: &Run,
    ) -> Result<T> {
        let request = about(self.request(verb, run)?)?;
        let instance = self.only_one(run).await?;
        let command = Command {
            document: &self.options.document,
            instances: std::slice::from_ref(&instance),
            fleet: None,
            comment: comment(self.app(), "-", &once(verb)),
            lines: request.commands()?,
            start_within: START_WITHIN,
            run_within: ANSWER_WITHIN,
        };
        let commands = self.commands(run);
        let id = commands.send(&command).await?;
        let begun = run.now();
        loop {
            let waited = run.now().since(begun);
            if waited > START_WITHIN + ANSWER_WITHIN {
                return Err(Error::new(ErrorKind::Timeout, "the node did not answer in time")
                    .during(verb.name())
                    .on(instance));
            }
            tokio::select! {
                () = run.clock().sleep(Pace::Question.next(waited, fastrand::f64())) => {}
                () = run.cancel().cancelled() => return Err(cancelled()),
            }
            let invocation = commands.look(&id, &instance).await?;
            let State::Ended(ended) = &invocation.state else { continue };
            if invocation.stdout.is_empty() {
                return Err(invocation.mute(ended, &instance).during(verb.name()));
            }
            return match parse_answer(&invocation.stdout) {
                Ok((answer, _)) => Ok(answer),
                Err(error) => Err(error.during(verb.name()).inside(instance)),
            };
        }
    }

    async fn only_one(&self, run: &Run) -> Result<String> {
        let mut instances = self.find(run).await?;
        match (instances.pop(), instances.is_empty()) {
            (Some(instance), true) => Ok(instance),
            _ => Err(Error::invalid("this is asked of one node at a time")
                .help("name one of the fleet's instances")),
        }
    }
}
