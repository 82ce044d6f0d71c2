//! `ssm resume` and `ssm cancel`: a deployment that goes on already, followed by whoever has its id.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::manifest::Bundle;
use deploy_core::outcome::{Cause, Outcome, Status};
use deploy_core::plan::{Depth, Plan};
use deploy_core::rollout::Rollout;
use deploy_core::run::{DeploymentId, OnFailure, Run};
use deploy_core::target::{Applied, Drives, Observation, RolloutTarget, TargetCapabilities};
use deploy_ssm::SsmK3s;

use super::args::ResumeArgs;
use super::deploy::keep_all;
use super::{Far, far, followed, run};
use crate::Done;
use crate::images::Desk;
use crate::report::Deed;

pub(super) async fn resume(args: &ResumeArgs, far: &Far, desk: &Desk<'_>) -> Result<Outcome> {
    follow(args, false, far, desk).await
}

/// It is as it should be if the old state is back.
pub(super) async fn cancel(args: &ResumeArgs, far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let outcome = follow(args, true, far, desk).await?;
    let good = outcome.status == Status::RolledBack;
    Ok(Done { good, ..Done::followed(outcome, Deed::Rollout) })
}

async fn follow(args: &ResumeArgs, stop: bool, far: &Far, desk: &Desk<'_>) -> Result<Outcome> {
    let id = DeploymentId::from(args.id.clone());
    far.resume.get_or_init(|| far::resume(id.as_str(), &args.app, &args.follow));
    let run = followed(run(desk), &args.follow, OnFailure::Leave, far).with_id(id.clone());
    let begun = Begun { target: far.target.clone(), stop };
    let mut outcome = Rollout::new(Arc::new(begun)).run(&Bundle::builder().build()?, run).await?;
    // That there is no such deployment is no way for one to end.
    match outcome.cause.take() {
        Some(Cause::Error { error })
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput)
                && outcome.rollback.is_none() =>
        {
            return Err(error);
        }
        cause => outcome.cause = cause,
    }
    keep_all(&outcome, &id, &args.follow, far, desk);
    Ok(outcome)
}

/// What was handed over before: a target where nothing is left to be written.
struct Begun {
    target: SsmK3s,
    /// Whether the node is to stop it and go back.
    stop: bool,
}

#[async_trait]
impl RolloutTarget for Begun {
    fn describe(&self) -> String {
        self.target.describe()
    }

    fn capabilities(&self) -> TargetCapabilities {
        let mut capabilities = TargetCapabilities::recording(Depth::Digest);
        capabilities.drives = Drives::Remote;
        capabilities
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let digest = bundle.digest().to_string();
        Ok(Plan::new(run.id().clone(), digest, Depth::Digest, Vec::new(), Vec::new()))
    }

    async fn apply(&self, _plan: &Plan, _run: &Run) -> Result<Applied> {
        Ok(Applied::default())
    }

    async fn observe(&self, _applied: &Applied, run: &Run) -> Result<Observation> {
        if self.stop { self.target.cancel(run).await } else { self.target.resume(run).await }
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        self.target.diagnose(applied, observation, run).await
    }
}
