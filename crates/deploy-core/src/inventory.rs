//! What runs: workload, container, image, digest, commit.
//!
//! ```
//! use deploy_core::inventory::{Inventory, RunningImage};
//! use deploy_core::{manifest::ObjectId, memory::MemoryInventory};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let api = ObjectId::new("apps", "Deployment", Some("shop"), "api");
//! let inventory = MemoryInventory::new([RunningImage::new(api, "api", "registry.example/api:v1")]);
//! assert_eq!(inventory.running("shop").await?[0].image, "registry.example/api:v1");
//! assert!(inventory.running("other").await?.is_empty());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::manifest::ObjectId;

/// A container image that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunningImage {
    /// The workload.
    pub workload: ObjectId,
    /// The container.
    pub container: String,
    /// The image as the workload asks for it.
    pub image: String,
    /// The digests that its pods report to run; more than one while a rollout goes on.
    pub digests: Vec<String>,
    /// The git revision annotated on the workload.
    pub git_revision: Option<String>,
    /// The run annotated on the workload.
    pub deployment: Option<String>,
    /// When the image was put there last, as far as is recorded.
    pub deployed: Option<Timestamp>,
    /// By which revision, as in `release api revision 7` or `revision 3`.
    pub revision: Option<String>,
}

impl RunningImage {
    /// An image of which no pod reports a digest yet.
    pub fn new(workload: ObjectId, container: impl Into<String>, image: impl Into<String>) -> Self {
        let (container, image) = (container.into(), image.into());
        Self {
            workload,
            container,
            image,
            digests: Vec::new(),
            git_revision: None,
            deployment: None,
            deployed: None,
            revision: None,
        }
    }
}

/// What runs.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Inventory: Send + Sync {
    /// The images that run in `namespace`, by workload and container.
    ///
    /// # Errors
    /// What the adapter meets; never a part of the truth.
    async fn running(&self, namespace: &str) -> Result<Vec<RunningImage>>;

    /// The images that a way back in `namespace` would need: those of the revisions that are recorded there, as references, sorted, each
    /// once. What runs may be among them.
    ///
    /// # Errors
    /// As for [`Inventory::running`]: whoever deletes images relies on it.
    async fn kept(&self, namespace: &str) -> Result<Vec<String>>;
}
