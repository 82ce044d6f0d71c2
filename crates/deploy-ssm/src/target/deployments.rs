//! What was handed over by this process, and how it ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deploy_core::error::Result;
use deploy_core::evidence::Evidence;
use deploy_core::run::{DeploymentId, Run};

use super::staging::Staging;
use super::told::Told;
use super::verdict::again;
use crate::node::Report;

/// The most deployments whose ends are remembered: a process that goes on for ever deploys more.
const MOST: usize = 32;

/// The deployments of this process, by their ids.
#[derive(Clone, Default)]
pub(super) struct Deployments(Arc<Mutex<BTreeMap<DeploymentId, Arc<Deployment>>>>);

/// One of them.
pub(super) struct Deployment {
    /// The nodes' ids; one, but for a fleet.
    pub(super) instances: Vec<String>,
    /// The command that does it, or one that asks for it.
    pub(super) command: String,
    /// Whether it is the one that does it: else the node may know of no such deployment.
    pub(super) own: bool,
    /// What lies in S3 for it.
    pub(super) staging: Option<Staging>,
    pub(super) told: tokio::sync::Mutex<Told>,
    /// Whether the caller found it bad: what is handed over for the same run then is the way back.
    failed: AtomicBool,
    ended: Mutex<Option<Ended>>,
}

/// The id of a command of a deployment.
pub(super) enum Sent {
    /// The one that does it.
    Own(String),
    /// One that asks the node for it.
    About(String),
}

/// How it ended.
#[derive(Default)]
pub(super) struct Ended {
    /// By instance.
    pub(super) reports: Vec<(String, Result<Report>)>,
    /// The whole log, or as much of it as the command's output had.
    pub(super) log: Option<String>,
}

impl Deployments {
    pub(super) fn begin(
        &self,
        id: &DeploymentId,
        sent: Sent,
        instances: Vec<String>,
        staging: Option<Staging>,
    ) -> Arc<Deployment> {
        let (command, own) = match sent {
            Sent::Own(command) => (command, true),
            Sent::About(command) => (command, false),
        };
        let deployment = Arc::new(Deployment {
            instances,
            command,
            own,
            staging,
            told: tokio::sync::Mutex::default(),
            failed: AtomicBool::new(false),
            ended: Mutex::default(),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= MOST {
            // Ids sort by time.
            all.pop_first();
        }
        all.insert(id.clone(), Arc::clone(&deployment));
        deployment
    }

    pub(super) fn get(&self, id: &DeploymentId) -> Option<Arc<Deployment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The way back of a run, which the node must not take for the deployment itself: it has an id of its own.
    pub(super) fn back(id: &DeploymentId) -> DeploymentId {
        let begin: String = id.as_str().chars().take(59).collect();
        DeploymentId::from(format!("{begin}-back"))
    }

    /// The run as the node knows it now: by the id of its way back, once that was handed over.
    pub(super) fn present(&self, run: &Run) -> Run {
        let back = Self::back(run.id());
        if self.get(&back).is_some() { run.clone().with_id(back) } else { run.clone() }
    }

    /// What the nodes gathered.
    pub(super) fn evidence(&self, id: &DeploymentId) -> Evidence {
        let mut all = Evidence::default();
        if let Some(deployment) = self.get(id) {
            deployment.with_end(|ended| {
                for report in ended
                    .into_iter()
                    .flat_map(|ended| &ended.reports)
                    .filter_map(|(_, report)| report.as_ref().ok())
                {
                    all.pods.extend(report.evidence.pods.iter().cloned());
                    all.events.extend(report.evidence.events.iter().cloned());
                    all.gaps.extend(report.evidence.gaps.iter().cloned());
                }
            });
        }
        all
    }

    /// The log, once it has ended.
    pub(super) fn log(&self, id: &DeploymentId) -> Option<String> {
        self.get(id)?.with_end(|ended| ended?.log.clone())
    }
}

impl Deployment {
    /// Where the node tells what it does, beside the command's output.
    pub(super) fn telling(&self) -> Option<&Staging> {
        self.staging.as_ref().filter(|staging| staging.tells())
    }

    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self, ended: Ended) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
    }

    pub(super) fn with_end<T>(&self, look: impl FnOnce(Option<&Ended>) -> T) -> T {
        look(self.ended.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    /// The reports, where it has ended.
    pub(super) fn reports(&self) -> Option<Vec<(String, Result<Report>)>> {
        let copy = |(instance, report): &(String, Result<Report>)| {
            (
                instance.clone(),
                match report {
                    Ok(report) => Ok(report.clone()),
                    Err(error) => Err(again(error)),
                },
            )
        };
        self.with_end(|ended| Some(ended?.reports.iter().map(copy).collect()))
    }
}
