//! What runs, said beforehand.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::error::Result;
use crate::inventory::{Inventory, RunningImage};

/// What runs, said beforehand.
#[derive(Clone, Debug, Default)]
pub struct MemoryInventory {
    running: Vec<RunningImage>,
    kept: BTreeMap<String, BTreeSet<String>>,
}

impl MemoryInventory {
    /// These images run.
    pub fn new(images: impl IntoIterator<Item = RunningImage>) -> Self {
        let mut images: Vec<_> = images.into_iter().collect();
        images.sort_by(|a, b| (&a.workload, &a.container).cmp(&(&b.workload, &b.container)));
        Self { running: images, kept: BTreeMap::new() }
    }

    /// A way back in `namespace` would need this image, too.
    #[must_use]
    pub fn keeping(mut self, namespace: impl Into<String>, image: impl Into<String>) -> Self {
        self.kept.entry(namespace.into()).or_default().insert(image.into());
        self
    }
}

#[async_trait]
impl Inventory for MemoryInventory {
    async fn running(&self, namespace: &str) -> Result<Vec<RunningImage>> {
        let here = self.running.iter().filter(|image| image.workload.namespace.as_deref() == Some(namespace));
        Ok(here.cloned().collect())
    }

    async fn kept(&self, namespace: &str) -> Result<Vec<String>> {
        Ok(self.kept.get(namespace).into_iter().flatten().cloned().collect())
    }
}
