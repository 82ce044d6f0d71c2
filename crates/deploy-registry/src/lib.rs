//! Images for the `deploy-core` engine: what an OCI registry holds, and how it gets there.
//!
//! ```
//! use std::time::Duration;
//! use deploy_core::registry::Registry;
//! use deploy_registry::credentials::EnvironmentCredentials;
//! use deploy_registry::{Cache, OciRegistry};
//!
//! # fn main() -> deploy_core::error::Result<()> {
//! let registry = OciRegistry::builder()
//!     .plain_http("registry.lan:5000")
//!     .request_timeout(Duration::from_secs(10))
//!     .cache(Cache::memory())
//!     .build()?;
//! assert_eq!(registry.describe(), "OCI registries");
//! assert_eq!(registry.stats().requests, 0);
//! # Ok(())
//! # }
//! ```
//!
//! [`OciRegistry`] implements [`deploy_core::registry::Registry`]: what selects tags, pins images and reads signatures takes it as it takes
//! any other. It holds for all of them that every answer is whole, or an error.
//!
//! | to | look in |
//! | --- | --- |
//! | set up the client | [`OciRegistry::builder`] |
//! | show credentials | [`credentials`] |
//! | ask for the same only once | [`Cache`] |
//! | see what was asked | [`OciRegistry::stats`] |
//! | read images from a folder or an archive | [`layout`] |
//! | push them | [`OciRegistry::push`] |
//! | build images and push them, several side by side | [`build`] |
//! | copy an image to another repository or registry | [`OciRegistry::promote`] |
//! | attach reports and signatures | [`OciRegistry::push_artifact`] |
//! | move and delete tags | [`OciRegistry::retag`], [`OciRegistry::delete_tag`] |
//!
//! | inside | is |
//! | --- | --- |
//! | `transport/` | how every request is sent: tokens, retries, redirects, caps, words for what failed |
//! | `list/` | what comes in pages: tags, referrers |
//! | `read/` | one image: its digest, its manifest, what it says of itself, its content |
//! | `write/` | what goes to registries: `transfer.rs` the way of an image, `remote.rs` the requests |
//! | `build/` | programs that write layouts, and all images of a build together |
//! | `cache/` | what need not be asked again |
//! | `content.rs`, `verified.rs` | manifests as data; bytes that are what their digest says |
//!
//! | feature | adds |
//! | --- | --- |
//! | `ecr` | `credentials::EcrCredentials`: tokens of Amazon ECR, by a client of `aws-sdk-ecr` |
//!
//! There is no dependency on a registry client: those that there are hand on neither `Link` nor `Retry-After`, and cannot be handed an HTTP
//! client; of their types five small structs are needed here, in `content.rs`.

pub mod build;
mod cache;
mod content;
pub mod credentials;
#[cfg(test)]
#[path = "../tests/double/mod.rs"]
mod double;
pub mod layout;
mod list;
mod quoted;
mod read;
mod registry;
mod transport;
mod verified;
mod write;

pub use cache::Cache;
pub use registry::{OciRegistry, OciRegistryBuilder};
pub use transport::{Stats, Waiting};
pub use write::{NewArtifact, PromoteOptions, PushOptions, Pushed, Transferred};

/// For `fuzz/`, which the archive's index is not open to otherwise.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn fuzz_layout(archive: &[u8]) {
    layout::fuzz(archive);
}
