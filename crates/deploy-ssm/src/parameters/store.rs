//! [`ParameterStore`] as the traits have it.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::secret::{SecretSource, SecretText};

use super::edits::{self, Stored, on};
use super::{mark, names};
use crate::aws::Aws;

/// Values in the parameters under one path.
///
/// - **Versions** are AWS's, with the time of the write: a parameter that was deleted and made anew begins at 1 again. AWS keeps the
///   last 100.
/// - **A write on a condition** is one that AWS does not have, but for "there is none" ([`Expect::Absent`](deploy_core::config::Expect)).
///   So each write says in its description over which version it was meant, and AWS answers which version it became. One that was not written
///   over what it was meant for came too late: what stood is put back as a newer version, and the error is a
///   [`Conflict`](ErrorKind::Conflict). Of several writers at once exactly one wins, and all of them read the same winner from the
///   history. In between, for two or three requests, a late value can be read; a run that dies there leaves it standing. Who
///   writes by other tools is never called late. A removal has no such protection: it is checked before, and then made.
///   Nor is it seen where somebody deletes the parameter in between and makes it anew with as many versions as it had.
/// - **All or nothing** as far as can be: everything is read and checked first, what cannot be taken back (removals) comes last, and where a
///   write fails, those before it are taken back. Where that fails too, the error says which are left. Others can read the set half made.
/// - **A lost answer** is looked up in the history, where the write is found by its mark.
/// - **Descriptions** of parameters that are written here are the [`Note`], with the mark. [`ConfigStore::history`] has the note again.
/// - **Types** stay what they are. New parameters are `String`, or `SecureString` if the store is [`secure`](Self::secure). Secure ones keep
///   their key.
///
/// A key `api/tag` is the parameter `PREFIX/api/tag`. Values have 1 byte to 4 KB, 8 KB in the advanced tier; AWS has no empty ones:
/// see [`empty_as`](Self::empty_as).
///
/// Needs `ssm:GetParameters`, `ssm:PutParameter`, `ssm:GetParameterHistory` and `ssm:DeleteParameter` (see [`iam`](crate::iam)).
#[derive(Clone)]
pub struct ParameterStore {
    pub(super) aws: Aws,
    pub(super) prefix: String,
    pub(super) secure: bool,
    pub(super) key: Option<String>,
    pub(super) advanced: bool,
    empty: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
}

impl ParameterStore {
    /// The parameters under `path`, which begins with a slash.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what cannot be a path.
    pub fn new(aws: &Aws, path: &str) -> Result<Self> {
        Ok(Self {
            aws: aws.clone(),
            prefix: names::prefix(path)?,
            secure: false,
            key: None,
            advanced: false,
            empty: None,
            clock: Arc::new(SystemClock::new()),
        })
    }

    /// New parameters are encrypted (`SecureString`) by the key of this id, ARN or alias, or by the account's own one for SSM.
    #[must_use]
    pub fn secure(mut self, key: Option<&str>) -> Self {
        self.secure = true;
        self.key = key.map(str::to_owned);
        self
    }

    /// Writes go to the advanced tier: up to 8 KB, and AWS charges for it.
    #[must_use]
    pub fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// A text that stands for the empty one, which AWS does not keep: it is written for it, and read as it. Default: none, and an empty value
    /// is refused.
    #[must_use]
    pub fn empty_as(mut self, text: impl Into<String>) -> Self {
        self.empty = Some(text.into()).filter(|text| !text.is_empty());
        self
    }

    /// Waits on `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn names<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>> {
        keys.into_iter().map(|key| names::name(&self.prefix, key)).collect()
    }

    /// As a caller sees the text that AWS keeps.
    fn seen(&self, kept: String) -> String {
        if self.empty.as_ref() == Some(&kept) { String::new() } else { kept }
    }

    /// As AWS keeps the text that a caller gave.
    fn kept(&self, given: &str) -> String {
        self.empty.as_deref().filter(|_| given.is_empty()).unwrap_or(given).to_owned()
    }

    fn entry(&self, Stored { value, number, at, .. }: Stored) -> Entry {
        Entry { value: self.seen(value), version: edits::version(number, at) }
    }

    async fn make(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let names = self.names(edits.iter().map(|edit| edit.key.as_str()))?;
        let found = self.read(&names).await?;
        let inner = |edit: &Edit| {
            let mut edit = edit.clone();
            edit.value = edit.value.map(|value| self.kept(&value));
            if let deploy_core::config::Expect::Value(value) = &mut edit.expect {
                *value = self.kept(value);
            }
            edit
        };
        let edits: Vec<_> = edits.iter().map(inner).collect();
        self.write_all(edits::steps(&edits, &names, &found)?, &mark::words(note)).await
    }
}

impl std::fmt::Debug for ParameterStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParameterStore")
            .field("prefix", &self.prefix)
            .field("secure", &self.secure)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ConfigStore for ParameterStore {
    fn describe(&self) -> String {
        format!("parameters {}/… in {}", self.prefix, self.aws.region())
    }

    fn capabilities(&self) -> ConfigCapabilities {
        ConfigCapabilities::full()
    }

    /// One request. Cancel safe.
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let found = self.read(&self.names([key])?).await?;
        Ok(found.into_iter().next().flatten().map(|stored| self.entry(stored)))
    }

    /// One request for ten keys: not one state of them all. Cancel safe.
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let found = self.read(&self.names(keys.iter().map(String::as_str))?).await?;
        Ok(found.into_iter().map(|stored| stored.map(|stored| self.entry(stored))).collect())
    }

    /// One request for ten keys, and one for each key that changes. Dropped, some of the edits may be made.
    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.make(edits, note).await.map_err(|error| error.during("edit"))
    }

    /// Of a parameter that is there; that of one before it, which was deleted, is gone. Cancel safe.
    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        let name = names::name(&self.prefix, key)?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let log = self.log(&name).await?.unwrap_or_default();
        let one = |past: super::log::Past| {
            let mut entry = PastEntry::new(Some(self.seen(past.value)), edits::version(past.number, past.at));
            entry.at = Some(Timestamp::from_unix_seconds(past.at));
            entry.note = past.description.as_deref().and_then(mark::note);
            entry
        };
        Ok(log.into_iter().rev().take(limit).map(one).collect())
    }
}

#[async_trait]
impl SecretSource for ParameterStore {
    fn describe(&self) -> String {
        ConfigStore::describe(self)
    }

    /// One request. Cancel safe.
    async fn get(&self, name: &str) -> Result<SecretText> {
        let secret = format!("secret \"{}\"", name.escape_default());
        let about = |error: Error| error.during("get").inside(&secret);
        let path = names::name(&self.prefix, name).map_err(about)?;
        let found = self.read(std::slice::from_ref(&path)).await.map_err(about)?;
        let stored = found.into_iter().next().flatten();
        let absent = || {
            Error::new(ErrorKind::NotFound, format!("there is no parameter {path} in {}", self.aws.region()))
                .help("create it, or see the path and the region")
        };
        let stored = stored.ok_or_else(|| about(absent()))?;
        Ok(SecretText::new(self.seen(stored.value)))
    }
}

/// Names the parameter where no request did.
pub(super) fn named(error: Error, name: &str) -> Error {
    if error.object().is_some() { error } else { on(error, name) }
}
