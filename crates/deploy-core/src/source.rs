//! Where manifests come from.
//!
//! ```
//! use deploy_core::{memory::MemorySource, source::Source};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let source = MemorySource::new("app.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}");
//! assert_eq!(source.load().await?[0].name(), "app");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;

use crate::error::Result;
use crate::manifest::{Bundle, Object};

/// Yields the manifests that are wanted.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Source: Send + Sync {
    /// What it is, for a person: the paths, or the command.
    fn describe(&self) -> String;

    /// Reads the manifests; the same input yields the same objects in the same order. Cancel safe.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) with file, line and column for what is not a manifest, and for
    /// a source without any; [`NotFound`](crate::error::ErrorKind::NotFound) for a missing one.
    async fn load(&self) -> Result<Vec<Object>>;
}

/// Makes a bundle from what stands in the target, as `set image`, `restart` and `undo` do.
///
/// The driver asks for it once nobody else writes: under the lock, and after what an interrupted run left was undone
/// ([`Rollout::run_derived`](crate::rollout::Rollout::run_derived)).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Derive: Send + Sync {
    /// Makes the bundle. Writes nothing. Cancel safe.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) if what it is made from does not exist; what the adapter meets.
    async fn derive(&self) -> Result<Bundle>;
}
