//! Images for the `deploy-core` engine: what an OCI registry holds, and how it gets there.

pub mod credentials;
mod transport;

pub use transport::Stats;
