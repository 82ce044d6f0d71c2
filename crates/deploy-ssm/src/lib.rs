//! Deployments to a K3s node that nobody can reach: no inbound port, no controller; through SSM Run Command, and S3 where there is more to carry.
//!
//! [`SsmK3s`] is a target like any other for a [`Rollout`](deploy_core::rollout::Rollout): the same bundle, the same outcome, the same typed
//! reasons. What differs is who drives: the node applies, judges, and keeps or undoes by itself; the caller follows, and may die at any moment.
//!
//! ```no_run
//! use deploy_core::{manifest::{Bundle, read}, rollout::Rollout, run::Run};
//! use deploy_ssm::{Aws, Instances, SsmK3s};
//! use std::sync::Arc;
//!
//! # async fn deploy() -> deploy_core::error::Result<()> {
//! let aws = Aws::builder().region("eu-central-1").from_environment().await?;
//! let node = Instances::tag("Name", "shop-k3s-master")?;
//! let target = SsmK3s::builder(&aws, "shop", node).bucket("deployments", "prod").build()?;
//! let manifests = std::fs::read("shop.yaml").expect("a file");
//! let bundle = Bundle::builder().objects(read("shop.yaml", &manifests)?).namespace("shop").build()?;
//! let outcome = Rollout::new(Arc::new(target)).run(&bundle, Run::new().named("shop").git_revision("4f1c2d9")).await?;
//! println!("{outcome}");
//! # Ok(())
//! # }
//! ```
//!
//! # What happens
//!
//! | step | where |
//! | --- | --- |
//! | the node is found, and is online | [`instance`] |
//! | the bundle is packed: the same bytes each time | [`Package`] |
//! | one command carries the scripts, and the package where it is small and without Secrets; else it lies in S3 | `command`, `target` |
//! | the node checks it, starts a unit of its own, applies stage by stage, judges each second | [`node`] |
//! | it keeps the bundle, or goes back to the last good one; it writes down how it ended | [`node`] |
//! | the caller reads events and result from S3, or from the command's output | `target` |
//!
//! What a caller that died left is found and removed by [`SsmK3s::sweep`]; a deployment is taken up again by its id ([`SsmK3s::resume`]).
//!
//! # What stays on the node
//!
//! Below `/var/lib/deploy-ssm/APP`, readable by root alone: the last five good bundles with their Secrets, the history, and the logs of the last
//! runs. Nothing runs there between deployments.
//!
//! # Rights
//!
//! The least policies for callers and nodes are in [`iam`].
//!
//! Beside the target: [`ParameterStore`] keeps configuration and secrets, [`S3Lock`] keeps two runs apart. With the feature `sim` there is an
//! emulator of SSM that really runs what is sent, for tests; `ec2` finds nodes by wildcards in their names.

pub mod aws;
mod bundle;
mod command;
pub mod iam;
pub mod instance;
pub mod lock;
pub mod node;
pub mod parameters;
#[cfg(feature = "sim")]
pub mod sim;
mod target;

pub use aws::Aws;
pub use bundle::Package;
pub use instance::{Fleet, Instance, Instances};
pub use lock::S3Lock;
pub use parameters::ParameterStore;
pub use target::{Orphan, SsmK3s, SsmK3sBuilder, Swept};
