//! Which commit came before which: what a tag policy and a gate need of git.
//!
//! ```
//! use deploy_core::{ancestry::Ancestry, memory::MemoryAncestry};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let git = MemoryAncestry::line(["a1", "b2", "c3"]);
//! assert!(git.is_ancestor("a1", "c3").await?);
//! assert!(!git.is_ancestor("c3", "a1").await?);
//! let places = git.order("b2", &["b2".into(), "a1".into(), "c3".into()]).await?;
//! assert_eq!(places, [Some(1), Some(0), None]);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;

use crate::error::Result;

/// Which commit came before which.
///
/// A commit is named by its whole id, or abbreviated to 7 digits or more that only one begins with.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Ancestry: Send + Sync {
    /// Whether `ancestor` is `descendant` or comes before it.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) for a commit that is not known here: never "no" instead.
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for an abbreviation that could be two.
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool>;

    /// For each of `commits` its place on the line of first parents that leads to `head`: the greater, the newer. `None` for one that is
    /// known and not on the line, as what came in by a merge, or after `head`.
    ///
    /// # Errors
    /// As for [`Ancestry::is_ancestor`]. A history that is cut off before all were found (a shallow clone) is an error, never `None`.
    async fn order(&self, head: &str, commits: &[String]) -> Result<Vec<Option<u64>>>;
}
