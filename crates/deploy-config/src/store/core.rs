//! What the stores over files share: locking, expectations, writing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deploy_core::config::{ConfigCapabilities, Edit, Entry, Expect, Note, PastEntry, Version};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use tokio::task::spawn_blocking;

use super::form::{Form, Wanted};
use super::replace;
use crate::edit::Reading;

/// A file, and what its keys are.
#[derive(Clone, Debug)]
pub(super) struct FileStore {
    path: Arc<Path>,
    form: Arc<dyn Form>,
}

impl FileStore {
    pub(super) fn new(path: impl Into<PathBuf>, form: impl Form + 'static) -> Self {
        Self { path: path.into().into(), form: Arc::new(form) }
    }

    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.form.noun(), self.path.display())
    }

    pub(super) fn capabilities() -> ConfigCapabilities {
        let mut can = ConfigCapabilities::default();
        can.removal = true;
        can
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let key = key.to_owned();
        self.blocking("read", move |path, form| {
            let text = match replace::read(path)? {
                Some(bytes) => text(bytes)?,
                None => form.empty().unwrap_or_default().to_owned(),
            };
            Ok(value(form, &text, &key)?.map(entry))
        })
        .await
    }

    pub(super) async fn set(&self, edits: &[Edit], _note: &Note) -> Result<()> {
        let mut keys = BTreeSet::new();
        if let Some(twice) = edits.iter().find(|edit| !keys.insert(&edit.key)) {
            return Err(on_key(Error::invalid("it is named twice").during("set"), &twice.key));
        }
        if edits.is_empty() {
            return Ok(());
        }
        let edits = edits.to_vec();
        self.blocking("edit", move |path, form| {
            replace::edit(path, |bytes| {
                let old = match (bytes, form.empty()) {
                    (Some(bytes), _) => text(bytes)?,
                    (None, Some(empty)) => empty.to_owned(),
                    (None, None) => {
                        return Err(
                            Error::new(ErrorKind::NotFound, "there is no such file").help("make it first")
                        );
                    }
                };
                let new = edited(form, &old, &edits)?;
                Ok(new.filter(|new| *new != old).map(String::into_bytes))
            })
        })
        .await
    }

    pub(super) async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        let present = self.get(key).await?;
        Ok(present
            .map(|entry| PastEntry::new(Some(entry.value), entry.version))
            .into_iter()
            .take(limit)
            .collect())
    }

    /// Does `work` on a thread that may wait for the disk.
    async fn blocking<R: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Path, &dyn Form) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let (path, form) = (self.path.clone(), self.form.clone());
        let result = match spawn_blocking(move || work(&path, &*form)).await {
            Ok(result) => result,
            Err(stopped) => Err(Error::new(ErrorKind::Internal, "the thread was stopped").source(stopped)),
        };
        result.map_err(|error| error.during(operation).inside(self.path.display()))
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::invalid("it is not UTF-8").help("save it as UTF-8"))
}

fn on_key(error: Error, key: &str) -> Error {
    error.on(format!("key \"{key}\""))
}

fn value(form: &dyn Form, text: &str, key: &str) -> Result<Option<String>> {
    form.value(&form.format().read(text)?, key).map_err(|error| on_key(error, key))
}

fn entry(value: String) -> Entry {
    let version = Version::new(Digest::sha256(value.as_bytes()).as_str());
    Entry { value, version }
}

/// The text after all edits; `None` if there is nothing to change.
fn edited(form: &dyn Form, text: &str, edits: &[Edit]) -> Result<Option<String>> {
    let reading = form.format().read(text)?;
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    for edit in edits {
        let now = form.value(&reading, &edit.key).map_err(|error| on_key(error, &edit.key))?;
        let differs = now != edit.value;
        expect(edit, now).map_err(|error| on_key(error, &edit.key))?;
        if differs {
            wanted.push((&edit.key, edit.value.as_deref()));
        }
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let changes = form.changes(&reading, &wanted)?;
    let (new, tree) = form.format().edit(text, reading, &changes)?;
    let reading = Reading::new(&new, tree);
    for (key, value) in wanted {
        if form.value(&reading, key)?.as_deref() != value {
            return Err(on_key(
                Error::new(
                    ErrorKind::Unsupported,
                    "it would not read back as it was set, so it is not written",
                ),
                key,
            ));
        }
    }
    Ok(Some(new))
}

fn expect(edit: &Edit, now: Option<String>) -> Result<()> {
    let now = now.map(entry);
    let holds = match &edit.expect {
        Expect::Any => true,
        Expect::Absent => now.is_none(),
        Expect::Version(version) => now.as_ref().is_some_and(|now| now.version == *version),
        Expect::Value(value) => now.as_ref().is_some_and(|now| now.value == *value),
        _ => return Err(Error::new(ErrorKind::Unsupported, "this expectation is not known here")),
    };
    if holds {
        return Ok(());
    }
    let is = now.map_or_else(|| "is not there".to_owned(), |now| format!("is at version {}", now.version));
    Err(Error::new(ErrorKind::Conflict, format!("it {is}, which was not expected")).help("read it again"))
}
