//! Which commit came before which: what a tag policy and a gate need of git.
//!
//! ```
//! use deploy_core::{ancestry::Ancestry, memory::MemoryAncestry};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let git = MemoryAncestry::line(["a1", "b2", "c3"]);
//! assert!(git.is_ancestor("a1", "c3").await?);
//! assert!(!git.is_ancestor("c3", "a1").await?);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;

use crate::error::Result;

/// Which commit came before which.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Ancestry: Send + Sync {
    /// Whether `ancestor` is `descendant` or comes before it.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for a commit that is not known here: never "no" instead.
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool>;
}
