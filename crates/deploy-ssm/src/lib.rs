//! Deployments to a K3s node that nobody can reach, through S3 and SSM Run Command.

pub mod aws;
pub use aws::Aws;

pub mod instance;
pub use instance::{Instance, Instances};

pub mod parameters;
pub use parameters::ParameterStore;

pub mod lock;
pub use lock::S3Lock;

pub mod iam;

#[cfg(feature = "sim")]
pub mod sim;
