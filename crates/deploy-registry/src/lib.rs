//! Images for the `deploy-core` engine: what an OCI registry holds, and how it gets there.

mod content;
pub mod credentials;
pub mod layout;
mod transport;
mod verified;

pub use transport::Stats;
