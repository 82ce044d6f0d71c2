//! Where a bundle is rolled out to: a cluster, a release in it, a node that nobody can reach.
//!
//! The [driver](crate::rollout) composes the steps; a caller may also take them one by one.
//!
//! ```
//! use deploy_core::{manifest::{Bundle, read}, memory::MemoryTarget, run::Run, target::{Observation, RolloutTarget}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let target = MemoryTarget::new();
//! let run = Run::new();
//! let bundle = Bundle::builder().objects(read("app.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}")?).build()?;
//! let plan = target.plan(&bundle, &run).await?;
//! let applied = target.apply(&plan, &run).await?;
//! assert!(matches!(target.observe(&applied, &run).await?, Observation::Healthy));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::evidence::Evidence;
use crate::health::Failure;
use crate::manifest::{Bundle, ObjectId};
use crate::outcome::{Cause, RollbackReport};
use crate::plan::{Action, Depth, Plan, Snapshot};
use crate::run::{DeploymentId, Run};

/// What a target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TargetCapabilities {
    /// How much its plans know.
    pub depth: Depth,
    /// Who takes the steps after `apply`.
    pub drives: Drives,
    /// Whether it can go back to what a plan saw ([`RolloutTarget::rollback`]).
    pub snapshots: bool,
    /// Whether it records revisions ([`RolloutTarget::history`], [`RolloutTarget::plan_revision`]).
    pub revisions: bool,
}

impl TargetCapabilities {
    /// A target driven by its caller that goes back to snapshots and records no revisions.
    pub fn caller_driven(depth: Depth) -> Self {
        Self { depth, drives: Drives::Caller, snapshots: true, revisions: false }
    }

    /// A target driven by its caller whose way back stands in the revisions it records.
    pub fn recording(depth: Depth) -> Self {
        Self { depth, drives: Drives::Caller, snapshots: false, revisions: true }
    }

    /// A target driven by its caller from which there is no way back by itself.
    pub fn one_way(depth: Depth) -> Self {
        Self { depth, drives: Drives::Caller, snapshots: false, revisions: false }
    }

    /// Whether the way back is a recorded revision, so that nothing need be journaled.
    pub fn goes_back_by_revision(self) -> bool {
        self.revisions && !self.snapshots && self.drives == Drives::Caller
    }
}

/// Who observes, decides and undoes once `apply` has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Drives {
    /// The caller does, step by step.
    Caller,
    /// The far side does, by the run's [`Policy`](crate::run::Policy), because the caller may die or lose it;
    /// `observe` follows its result and the caller never undoes what it undid.
    Remote,
}

/// What `apply` wrote, or handed to the far side ([`Drives::Remote`]).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Applied {
    /// Every object of the plan, in the order in which it was applied.
    pub objects: Vec<AppliedObject>,
    /// Set when a gate between two stages did not become healthy: why the rest was not written.
    pub halted: Option<Observation>,
}

/// One object after it was applied.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedObject {
    /// The object.
    pub id: ObjectId,
    /// The version of the API it was written in, as in `apps/v1`.
    pub api_version: String,
    /// What was done.
    pub action: Action,
    /// Its `metadata.generation` after the write: a status about an older one does not count.
    pub generation: Option<i64>,
    /// Whether it was healthy as written (a ConfigMap is), so that nothing is left to observe.
    pub healthy: bool,
}

impl AppliedObject {
    /// An object that was deleted, to be followed until it is gone.
    pub fn deleted(id: ObjectId, api_version: impl Into<String>) -> Self {
        Self { id, api_version: api_version.into(), action: Action::Delete, generation: None, healthy: false }
    }
}

/// How what was applied came out.
#[derive(Debug, Serialize)]
#[serde(tag = "observation", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Observation {
    /// All is healthy, and stays.
    Healthy,
    /// It is hopeless.
    Failed {
        /// Why; at least one.
        failures: Vec<Failure>,
    },
    /// Time ran out with no certain sign.
    TimedOut {
        /// What was waited for.
        waiting: Vec<Waiting>,
    },
    /// The run was cancelled.
    Cancelled,
    /// The far side did not come to a good end, and undid it ([`Drives::Remote`]).
    Undone {
        /// Why: as it would be the cause of the outcome.
        cause: Box<Cause>,
        /// What the way back came to.
        back: RollbackReport,
    },
}

impl Observation {
    /// What is known to be wrong: why it failed, or what most likely kept it waiting.
    pub fn failures(&self) -> Vec<&Failure> {
        match self {
            Self::Failed { failures } => failures.iter().collect(),
            Self::TimedOut { waiting } => suspects(waiting),
            Self::Undone { cause, .. } => match &**cause {
                Cause::Failed { failures } => failures.iter().collect(),
                Cause::TimedOut { waiting } => suspects(waiting),
                _ => Vec::new(),
            },
            Self::Healthy | Self::Cancelled => Vec::new(),
        }
    }
}

fn suspects(waiting: &[Waiting]) -> Vec<&Failure> {
    waiting.iter().filter_map(|each| each.suspect.as_ref()).collect()
}

/// An object that was not healthy when time ran out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The object.
    pub object: ObjectId,
    /// How far it had come, as in `1 of 2 updated replicas are available`.
    pub progress: String,
    /// The likely cause, where there is a sign of one.
    pub suspect: Option<Failure>,
}

/// What a rollback did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Restored {
    /// The objects that stand as before, to be observed like any others.
    pub applied: Applied,
    /// What could not be brought back, and why. Empty when all is back.
    pub left: Vec<Left>,
    /// What a person should know: fields that somebody else changed in between and that were left theirs.
    pub notes: Vec<String>,
}

/// An object that a rollback could not bring back.
#[derive(Debug, Serialize)]
pub struct Left {
    /// The object.
    pub object: ObjectId,
    /// Why.
    pub error: Error,
}

/// A recorded revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Revision {
    /// Its number, from 1.
    pub number: u64,
    /// When it was deployed.
    pub deployed: Option<Timestamp>,
    /// Its state in the target's own word, as in `deployed` or `superseded`.
    pub status: String,
    /// Why it is as it is.
    pub description: String,
    /// The images it runs.
    pub images: Vec<String>,
    /// The git revision it was built from.
    pub git_revision: Option<String>,
}

impl Revision {
    /// A revision of which only the number and the state are known.
    pub fn new(number: u64, status: impl Into<String>) -> Self {
        let (status, description) = (status.into(), String::new());
        Self { number, deployed: None, status, description, images: Vec::new(), git_revision: None }
    }
}

/// A place to roll out to.
///
/// Every step may be called again: `plan` writes nothing, `apply` and `rollback` are idempotent. A step stops between two requests
/// when the run is cancelled. A step that is dropped leaves what it has written; the snapshot of its plan is the way back.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RolloutTarget: Send + Sync {
    /// What it is, for a person: `cluster kind-dev as ci`.
    fn describe(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> TargetCapabilities;

    /// Computes what would change. Writes nothing.
    ///
    /// # Errors
    /// Whatever would make `apply` fail and can be known before: bad input, missing rights, a missing namespace or kind.
    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan>;

    /// Computes what would bring a recorded revision back; `None` is the newest good one before the present, or nothing at all where
    /// there is none. Writes nothing. What it plans takes the same steps as any other plan, and is recorded like one.
    ///
    /// The default is for targets that record no revisions.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for a revision that is not recorded;
    /// [`Unsupported`](crate::error::ErrorKind::Unsupported) without [`TargetCapabilities::revisions`]; as [`plan`](Self::plan).
    async fn plan_revision(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        let _ = (revision, run);
        Err(no_revisions())
    }

    /// Records what is about to be applied, before the first write, where the target keeps records. It may be called again.
    ///
    /// The default does nothing.
    ///
    /// # Errors
    /// [`Locked`](crate::error::ErrorKind::Locked) or [`Stale`](crate::error::ErrorKind::Stale) if somebody else recorded something
    /// meanwhile. After an error nothing is applied.
    async fn begin(&self, plan: &Plan, run: &Run) -> Result<()> {
        let _ = (plan, run);
        Ok(())
    }

    /// Writes what `plan` says, stage by stage. Where the far side drives ([`Drives::Remote`]), hands it over: what stands is known once
    /// [`observe`](Self::observe) returned, which tells of each write as well.
    ///
    /// # Errors
    /// [`Stale`](crate::error::ErrorKind::Stale) if an object is no longer what the plan saw;
    /// [`Cancelled`](crate::error::ErrorKind::Cancelled); what the adapter meets. Objects before the failing one are written.
    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied>;

    /// Follows what was applied until it is healthy, hopeless, or the run's [`deadline`](Run::deadline) passes. Cancel safe.
    ///
    /// Where the far side drives, it knows the deadline since `apply`, and is followed until it has ended one way or the other; cancelling the
    /// run asks it to go back, which may come too late.
    ///
    /// # Errors
    /// If the far side cannot be observed at all; a dropped connection is taken up again.
    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation>;

    /// Completes what was applied, once it is healthy and verified: deletes what the plan deletes and waits until it is gone, or the run's
    /// [`deadline`](Run::deadline) passes; records the success where the target keeps records. There is no way back from here. It may be
    /// called again.
    ///
    /// The default does nothing, for targets whose plans delete nothing.
    ///
    /// # Errors
    /// What the adapter meets; what is not deleted then is for the next run to delete.
    async fn finish(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        let _ = (plan, run);
        Ok(Observation::Healthy)
    }

    /// Records that what was applied failed, and why, before anything of it is undone, where the target keeps records; and stops what
    /// would still run for it. It may be called again, and after a [`finish`](Self::finish) that did not come to its end.
    ///
    /// The default does nothing.
    ///
    /// # Errors
    /// [`Stale`](crate::error::ErrorKind::Stale) if somebody else went on from what was applied: then nothing is undone. What the adapter
    /// meets.
    async fn fail(&self, plan: &Plan, why: &str, run: &Run) -> Result<()> {
        let _ = (plan, why, run);
        Ok(())
    }

    /// Brings back what a plan saw, `before` its objects were written by `written_by`: only what those runs wrote last, deleting what
    /// they created. Goes on over single failures, which [`Restored::left`] lists.
    ///
    /// The default is for targets that do not.
    ///
    /// # Errors
    /// [`Unsupported`](crate::error::ErrorKind::Unsupported) without [`TargetCapabilities::snapshots`]; if nothing could be tried at all.
    async fn rollback(&self, before: &Snapshot, written_by: &[DeploymentId], run: &Run) -> Result<Restored> {
        let _ = (before, written_by, run);
        Err(Error::new(ErrorKind::Unsupported, "what stood before a plan is not brought back here"))
    }

    /// The recorded revisions, newest first.
    ///
    /// The default is for targets that record none.
    ///
    /// # Errors
    /// [`Unsupported`](crate::error::ErrorKind::Unsupported) without [`TargetCapabilities::revisions`].
    async fn history(&self) -> Result<Vec<Revision>> {
        Err(no_revisions())
    }

    /// Gathers what explains a failure: states, logs, Events. What cannot be read is named in the evidence, not an error.
    ///
    /// # Errors
    /// Only if nothing at all could be read.
    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence>;
}

fn no_revisions() -> Error {
    Error::new(ErrorKind::Unsupported, "no revisions are recorded here")
}
