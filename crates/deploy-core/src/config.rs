//! Where a team writes down what should run: a stack file, a kustomization, Git, a parameter store.
//!
//! ```
//! use deploy_core::config::{ConfigStore, Edit, Expect, Note};
//! use deploy_core::memory::MemoryConfigStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryConfigStore::new();
//! store.set(&[Edit::put("api/tag", "v1").expecting(Expect::Absent)], &Note::new("first")).await?;
//! let seen = store.get("api/tag").await?.expect("just set");
//! store.set(&[Edit::put("api/tag", "v2").expecting(Expect::Version(seen.version))], &Note::new("second")).await?;
//! assert_eq!(store.get("api/tag").await?.expect("still there").value, "v2");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Result;

/// What a store can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfigCapabilities {
    /// Whether [`ConfigStore::history`] reaches past the present value.
    pub history: bool,
    /// Whether a key can be removed.
    pub removal: bool,
}

impl ConfigCapabilities {
    /// A store that keeps history and can remove keys.
    pub fn full() -> Self {
        Self { history: true, removal: true }
    }
}

/// Which state of a key it is; only equality means anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(String);

impl Version {
    /// A version in the store's own words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key's value, and which state of it that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: String,
    /// Its version.
    pub version: Version,
}

/// A past or present value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastEntry {
    /// The value; `None` where the key was removed.
    pub value: Option<String>,
    /// Its version.
    pub version: Version,
    /// When it was set, where the store knows.
    pub at: Option<Timestamp>,
    /// What was said of it, where the store keeps that.
    pub note: Option<String>,
}

impl PastEntry {
    /// A value of which nothing but its version is known.
    pub fn new(value: Option<String>, version: Version) -> Self {
        Self { value, version, at: None, note: None }
    }
}

/// What must hold of a key for an edit to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// Anything.
    Any,
    /// There is no such key.
    Absent,
    /// It is at this version.
    Version(Version),
    /// It has this value.
    Value(String),
}

/// One key's change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The key; its form is the store's.
    pub key: String,
    /// The value to be; `None` removes the key.
    pub value: Option<String>,
    /// What must hold before.
    pub expect: Expect,
}

impl Edit {
    /// Sets `key` to `value`, whatever it is now.
    pub fn put(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: Some(value.into()), expect: Expect::Any }
    }

    /// Removes `key`, whatever it is now; one that is not there is fine.
    pub fn remove(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: None, expect: Expect::Any }
    }

    /// Makes the edit only if `expect` holds.
    #[must_use]
    pub fn expecting(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }
}

/// What is said of a set of edits: a commit message where the store has commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// Why.
    pub message: String,
    /// Facts as name and value: image, digest, revision.
    pub facts: Vec<(String, String)>,
}

impl Note {
    /// A note with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), facts: Vec::new() }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }
}

/// Keeps values under keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ConfigStore: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// What it can do.
    fn capabilities(&self) -> ConfigCapabilities;

    /// The value of `key`; `None` if there is none.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for a key that cannot be one here; what the adapter meets.
    async fn get(&self, key: &str) -> Result<Option<Entry>>;

    /// The values of `keys`, in their order: read at once where the store can, which is then one state of it. Usually one after the other.
    ///
    /// # Errors
    /// As for [`ConfigStore::get`]; the first that is met.
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            entries.push(self.get(key).await?);
        }
        Ok(entries)
    }

    /// Makes all the edits or none. Setting a key to the value it has is no change and makes no new version.
    ///
    /// # Errors
    /// [`Conflict`](crate::error::ErrorKind::Conflict) naming the key whose expectation does not hold; then nothing is changed.
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for a key named twice.
    /// [`OutcomeUnknown`](crate::error::ErrorKind::OutcomeUnknown) if the answer was lost: read before you set again.
    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()>;

    /// The last `limit` values of `key`, newest first; the present one is the first. Empty for a key that never was.
    ///
    /// # Errors
    /// As for [`ConfigStore::get`].
    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>>;
}
