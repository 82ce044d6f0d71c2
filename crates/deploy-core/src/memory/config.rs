//! Values under keys, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::locked;
use crate::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Expect, Note, PastEntry, Version};
use crate::error::{Error, ErrorKind, Result};

/// Values under keys, in memory, with their whole history. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryConfigStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Newest last; a removed key ends with a `None`.
    keys: BTreeMap<String, Vec<PastEntry>>,
    versions: u64,
}

impl MemoryConfigStore {
    /// A store without keys.
    pub fn new() -> Self {
        Self::default()
    }
}

impl State {
    fn get(&self, key: &str) -> Option<Entry> {
        let last = self.keys.get(key)?.last()?;
        Some(Entry { value: last.value.clone()?, version: last.version.clone() })
    }

    fn expect(&self, edit: &Edit) -> Result<()> {
        let now = self.get(&edit.key);
        let holds = match &edit.expect {
            Expect::Any => true,
            Expect::Absent => now.is_none(),
            Expect::Version(version) => now.as_ref().is_some_and(|now| now.version == *version),
            Expect::Value(value) => now.as_ref().is_some_and(|now| now.value == *value),
        };
        if holds {
            return Ok(());
        }
        let is =
            now.map_or_else(|| "is not there".to_owned(), |now| format!("is at version {}", now.version));
        Err(Error::new(ErrorKind::Conflict, format!("it {is}, which was not expected"))
            .during("set")
            .on(format!("key \"{}\"", edit.key))
            .help("read it again"))
    }

    fn make(&mut self, edit: &Edit, note: &Note) {
        if self.get(&edit.key).map(|now| now.value) == edit.value {
            return;
        }
        self.versions += 1;
        let mut entry = PastEntry::new(edit.value.clone(), Version::new(self.versions.to_string()));
        entry.note = Some(note.message.clone());
        self.keys.entry(edit.key.clone()).or_default().push(entry);
    }
}

impl fmt::Debug for MemoryConfigStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.0).keys.keys()).finish()
    }
}

fn check(key: &str) -> Result<()> {
    if key.is_empty() { Err(Error::invalid("a key is empty")) } else { Ok(()) }
}

#[async_trait]
impl ConfigStore for MemoryConfigStore {
    fn describe(&self) -> String {
        "values in memory".to_owned()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        ConfigCapabilities::full()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        check(key)?;
        Ok(locked(&self.0).get(key))
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let mut keys = BTreeSet::new();
        let mut state = locked(&self.0);
        for edit in edits {
            check(&edit.key)?;
            if !keys.insert(&edit.key) {
                return Err(Error::invalid("it is named twice")
                    .during("set")
                    .on(format!("key \"{}\"", edit.key)));
            }
            state.expect(edit)?;
        }
        for edit in edits {
            state.make(edit, note);
        }
        Ok(())
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        check(key)?;
        Ok(locked(&self.0).keys.get(key).into_iter().flatten().rev().take(limit).cloned().collect())
    }
}
