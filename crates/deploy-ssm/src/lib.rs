//! Deployments to a K3s node that nobody can reach, through S3 and SSM Run Command.

pub mod aws;
pub use aws::Aws;

pub mod iam;

pub mod instance;
pub use instance::{Fleet, Instance, Instances};

pub mod lock;
pub use lock::S3Lock;

pub mod node;

pub mod parameters;
pub use parameters::ParameterStore;

#[cfg(feature = "sim")]
pub mod sim;

mod bundle;
mod command;
mod target;

pub use bundle::Package;
pub use target::{Orphan, SsmK3s, SsmK3sBuilder, Swept};
