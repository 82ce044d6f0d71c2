//! Deployments to a K3s node that nobody can reach, through S3 and SSM Run Command.

mod bundle;
pub mod node;

pub use bundle::{ClusterScoped, Package};
