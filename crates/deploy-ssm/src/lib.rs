//! Deployments to a K3s node that nobody can reach, through S3 and SSM Run Command.

pub mod aws;
pub use aws::Aws;

pub mod parameters;
pub use parameters::ParameterStore;

pub mod lock;
pub use lock::S3Lock;

pub mod iam;

#[cfg(feature = "sim")]
pub mod sim;

#[doc(hidden)]
pub mod node;

mod bundle;
mod command;
pub mod instance;
mod target;

pub use bundle::Package;
pub use instance::{Fleet, Instance, Instances};
pub use target::{Orphan, SsmK3s, SsmK3sBuilder, Swept};
