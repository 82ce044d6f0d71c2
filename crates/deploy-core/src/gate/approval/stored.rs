//! Where approvals are kept.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::record::check_name;
use super::{Approval, ApprovalSource};
use crate::clock::Timestamp;
use crate::config::{ConfigStore, Edit, Expect, Note, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::Subject;

/// The most bytes that are read of a stored list.
const MAX_BYTES: usize = 1024 * 1024;

/// The most approvals that are kept; the oldest make room.
const MAX_STORED: usize = 1000;

/// The approvals under one key of a [`ConfigStore`], as a JSON list, the oldest first.
///
/// A record is added on the condition of what was read: of two at once one is told, and nothing is overwritten.
#[derive(Clone)]
pub struct Approvals {
    store: Arc<dyn ConfigStore>,
    key: String,
}

impl Approvals {
    /// Those under `key`, whose form is the store's.
    pub fn new(store: Arc<dyn ConfigStore>, key: impl Into<String>) -> Self {
        Self { store, key: key.into() }
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// What the store meets. [`InvalidInput`](ErrorKind::InvalidInput) if what is stored is no list of approvals.
    pub async fn all(&self) -> Result<Vec<Approval>> {
        Ok(self.read().await?.0)
    }

    /// Records an approval.
    ///
    /// # Errors
    /// As for [`Approvals::all`]. [`Conflict`](ErrorKind::Conflict) if somebody else added one meanwhile: nothing was written, try again.
    pub async fn add(&self, approval: Approval) -> Result<()> {
        check_name(&approval.by)?;
        let (mut approvals, version) = self.read().await?;
        let note = Note::new(format!("{} approves of {}", approval.by, approval.subject));
        approvals.push(approval);
        let excess = approvals.len().saturating_sub(MAX_STORED);
        approvals.drain(..excess);
        let text = serde_json::to_string(&approvals).map_err(|source| {
            Error::new(ErrorKind::Internal, "approvals cannot be written as JSON").source(source)
        })?;
        if text.len() > MAX_BYTES {
            let what = format!("the approvals would be {} bytes, over {MAX_BYTES}", text.len());
            return Err(Error::invalid(what).during("approve").help("give a shorter note"));
        }
        let expect = version.map_or(Expect::Absent, Expect::Version);
        self.store.set(&[Edit::put(&self.key, text).expecting(expect)], &note).await
    }

    async fn read(&self) -> Result<(Vec<Approval>, Option<Version>)> {
        let Some(entry) = self.store.get(&self.key).await? else { return Ok((Vec::new(), None)) };
        let wrong =
            |what: String| Error::invalid(what).during("read approvals").on(format!("key \"{}\"", self.key));
        if entry.value.len() > MAX_BYTES {
            return Err(wrong(format!("{} bytes are stored there, over {MAX_BYTES}", entry.value.len())));
        }
        let approvals = serde_json::from_str(&entry.value)
            .map_err(|source| wrong("what is stored there is no list of approvals".into()).source(source))?;
        Ok((approvals, Some(entry.version)))
    }
}

#[async_trait]
impl ApprovalSource for Approvals {
    fn describe(&self) -> String {
        format!("\"{}\" in {}", self.key, self.store.describe())
    }

    async fn approvals(&self, _subject: &Subject, _now: Timestamp) -> Result<Vec<Approval>> {
        self.all().await
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "approvals under {}", ApprovalSource::describe(self))
    }
}
