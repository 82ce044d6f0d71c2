//! What the stores over files share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deploy_core::config::{ConfigCapabilities, Edit, Entry, Note, PastEntry};
use deploy_core::error::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::form::Form;
use super::{replace, text};

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
        Ok(self.get_all(&[key.to_owned()]).await?.pop().flatten())
    }

    pub(super) async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let keys = keys.to_vec();
        self.blocking("read", move |path, form| text::get(form, replace::read(path)?, &keys, "")).await
    }

    pub(super) async fn set(&self, edits: &[Edit], _note: &Note) -> Result<()> {
        text::check(edits)?;
        if edits.is_empty() {
            return Ok(());
        }
        let edits = edits.to_vec();
        self.blocking("edit", move |path, form| {
            replace::edit(path, |bytes| text::edit(form, bytes, &edits, ""))
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
