//! [`SsmK3s`]: a K3s node, or several, reached through Run Command alone.
//!
//! The node applies, judges by the rules of [`Judge`](deploy_core::health::Judge), keeps or undoes; the caller follows, and may die.
//!
//! ```no_run
//! use deploy_core::{manifest::{Bundle, read}, rollout::Rollout, run::Run};
//! use deploy_ssm::{Aws, Instances, SsmK3s};
//! use std::sync::Arc;
//!
//! # async fn deploy() -> deploy_core::error::Result<()> {
//! let aws = Aws::builder().region("eu-central-1").from_environment().await?;
//! let target = SsmK3s::builder(&aws, "shop", Instances::id("i-0123456789abcdef0")?).bucket("deployments", "prod").build()?;
//! let objects = read("shop.yaml", &std::fs::read("shop.yaml").unwrap())?;
//! let bundle = Bundle::builder().objects(objects).namespace("shop").build()?;
//! let outcome = Rollout::new(Arc::new(target)).run(&bundle, Run::new().named("shop").git_revision("4f1c2d9")).await?;
//! println!("{outcome}");
//! # Ok(())
//! # }
//! ```

mod ask;
mod bounds;
mod builder;
mod deployments;
mod failures;
mod follow;
mod follower;
mod hand_over;
mod kept;
mod look;
mod orphans;
mod plan;
mod staging;
mod told;
mod verdict;

use std::fmt;

use async_trait::async_trait;
use deploy_core::error::Result;
use deploy_core::evidence::Evidence;
use deploy_core::manifest::Bundle;
use deploy_core::plan::{Depth, Plan};
use deploy_core::run::Run;
use deploy_core::target::{Applied, Drives, Observation, Revision, RolloutTarget, TargetCapabilities};

pub use self::builder::SsmK3sBuilder;
use self::deployments::Deployments;
pub use self::orphans::{Orphan, Swept};
#[cfg(test)]
pub(crate) use self::staging::BUCKETS;
use crate::aws::Aws;
use crate::command::Commands;
use crate::instance::Instances;

/// A K3s node, or several, as a target of rollouts. Clones share what they have handed over.
///
/// Its plans know the bundle's digest and nothing of what stands on the node. What stood before comes back from the last good bundle that the
/// node keeps; a first deployment that fails is removed again.
#[derive(Clone)]
pub struct SsmK3s {
    options: SsmK3sBuilder,
    deployments: Deployments,
}

impl SsmK3s {
    /// The application called `app` on the node that `instances` finds. The name is what the node keeps its state under.
    pub fn builder(aws: &Aws, app: impl Into<String>, instances: Instances) -> SsmK3sBuilder {
        SsmK3sBuilder::new(aws, app.into(), instances)
    }

    fn new(options: SsmK3sBuilder) -> Self {
        Self { options, deployments: Deployments::default() }
    }

    /// The application's name.
    pub fn app(&self) -> &str {
        &self.options.app
    }

    fn commands<'a>(&'a self, run: &'a Run) -> Commands<'a> {
        Commands { aws: &self.options.aws, clock: run.clock() }
    }
}

impl fmt::Debug for SsmK3s {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SsmK3s").field("options", &self.options).finish_non_exhaustive()
    }
}

#[async_trait]
impl RolloutTarget for SsmK3s {
    fn describe(&self) -> String {
        format!("{} through SSM in {}", self.options.instances, self.options.aws.region())
    }

    fn capabilities(&self) -> TargetCapabilities {
        let mut capabilities = TargetCapabilities::recording(Depth::Digest);
        capabilities.drives = Drives::Remote;
        capabilities
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        self.plan_bundle(bundle, run).await
    }

    async fn plan_revision(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        self.plan_kept(revision, run).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        self.hand_over(plan, run).await
    }

    async fn observe(&self, _applied: &Applied, run: &Run) -> Result<Observation> {
        self.follow(run).await
    }

    async fn fail(&self, _plan: &Plan, why: &str, run: &Run) -> Result<()> {
        self.record_failure(why, run).await
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        self.recorded(&Run::new()).await
    }

    /// What the node gathered with its result.
    async fn diagnose(&self, _applied: &Applied, _observation: &Observation, run: &Run) -> Result<Evidence> {
        Ok(self.deployments.evidence(run.id()))
    }
}
