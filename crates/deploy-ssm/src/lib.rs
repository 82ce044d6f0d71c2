//! Deployments to a K3s node that nobody can reach, through S3 and SSM Run Command.

#[doc(hidden)]
pub mod node;
