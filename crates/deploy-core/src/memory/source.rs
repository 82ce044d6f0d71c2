//! Manifests from texts.

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::manifest::{Object, read};
use crate::source::Source;

/// Manifests from texts with names.
#[derive(Clone, Debug)]
pub struct MemorySource(Vec<(String, String)>);

impl MemorySource {
    /// A text, `name` being what errors call it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self(vec![(name.into(), text.into())])
    }

    /// The same, with a text more.
    #[must_use]
    pub fn and(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.0.push((name.into(), text.into()));
        self
    }
}

#[async_trait]
impl Source for MemorySource {
    fn describe(&self) -> String {
        self.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    async fn load(&self) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        for (name, text) in &self.0 {
            objects.append(&mut read(name, text.as_bytes())?);
        }
        if objects.is_empty() {
            return Err(Error::invalid("no manifests").during("read").on(self.describe()));
        }
        Ok(objects)
    }
}
