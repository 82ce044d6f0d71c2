//! Secrets in memory.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::secret::{SecretSource, SecretText, none_such};

/// Secrets in memory. `Debug` shows their names only.
#[derive(Clone, Default)]
pub struct MemorySecrets(BTreeMap<String, SecretText>);

impl MemorySecrets {
    /// Secrets by name.
    pub fn new<N: Into<String>, T: Into<String>>(secrets: impl IntoIterator<Item = (N, T)>) -> Self {
        Self(secrets.into_iter().map(|(name, text)| (name.into(), SecretText::new(text))).collect())
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[async_trait]
impl SecretSource for MemorySecrets {
    fn describe(&self) -> String {
        "secrets in memory".to_owned()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        self.0.get(name).cloned().ok_or_else(|| none_such(name, "no such secret"))
    }
}
