//! placeholder
mod api;
mod connect;
pub use api::Cluster;
pub use connect::ClusterBuilder;
