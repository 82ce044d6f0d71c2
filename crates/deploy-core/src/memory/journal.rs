//! A journal in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::locked;
use crate::error::Result;
use crate::journal::{Intent, Journal};
use crate::lock::check_name;

/// A journal in memory. It keeps records as bytes, like one that outlives its process. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts bytes in the place of the record of `name`, as a damaged store or another version would.
    pub fn put_bytes(&self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        locked(&self.0).insert(name.into(), bytes.into());
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        locked(&self.0).is_empty()
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.0).keys()).finish()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        check_name(name)?;
        let intent = locked(&self.0).get(name).map(|bytes| Intent::from_bytes(bytes));
        intent.transpose().map_err(|error| error.on(format!("record \"{name}\"")))
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        check_name(name)?;
        let bytes = intent.to_bytes()?;
        locked(&self.0).insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn clear(&self, name: &str) -> Result<()> {
        check_name(name)?;
        locked(&self.0).remove(name);
        Ok(())
    }
}
