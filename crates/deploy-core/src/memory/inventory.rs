//! What runs, said beforehand.

use async_trait::async_trait;

use crate::error::Result;
use crate::inventory::{Inventory, RunningImage};

/// What runs, said beforehand.
#[derive(Clone, Debug, Default)]
pub struct MemoryInventory(Vec<RunningImage>);

impl MemoryInventory {
    /// These images run.
    pub fn new(images: impl IntoIterator<Item = RunningImage>) -> Self {
        let mut images: Vec<_> = images.into_iter().collect();
        images.sort_by(|a, b| (&a.workload, &a.container).cmp(&(&b.workload, &b.container)));
        Self(images)
    }
}

#[async_trait]
impl Inventory for MemoryInventory {
    async fn running(&self, namespace: &str) -> Result<Vec<RunningImage>> {
        let here = self.0.iter().filter(|image| image.workload.namespace.as_deref() == Some(namespace));
        Ok(here.cloned().collect())
    }
}
