//! Adapters that need no cluster: what is kept in files, and read from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use deploy_config::FileJournal;
use deploy_core::conformance;
use deploy_core::journal::Journal;
use deploy_core::source::Source;
use deploy_source::FileSource;

use super::bare;

#[tokio::test]
async fn manifests_in_files() {
    sources("source", bare).await;
}

#[tokio::test]
async fn journal_in_files() {
    journals("journal", bare).await;
}

/// The suite over a journal in files behind a layer.
pub(super) async fn journals<J: Journal + 'static>(name: &str, layer: impl Fn(Arc<FileJournal>) -> J) {
    let folder = Folder::new(name);
    conformance::journal::run(async || layer(Arc::new(FileJournal::new(folder.another())))).await;
}

/// The suite over manifests in files behind a layer.
pub(super) async fn sources<S: Source + 'static>(name: &str, layer: fn(Arc<FileSource>) -> S) {
    let folder = Arc::new(Folder::new(name));
    conformance::source::run(async || Manifests { folder: Arc::clone(&folder), layer }).await;
}

struct Manifests<S> {
    folder: Arc<Folder>,
    layer: fn(Arc<FileSource>) -> S,
}

#[async_trait]
impl<S: Source + 'static> conformance::source::Fixture for Manifests<S> {
    async fn source(&self, name: &str, text: &str) -> Box<dyn Source> {
        let path = self.folder.another().join(name);
        std::fs::write(&path, text).expect("written");
        Box::new((self.layer)(Arc::new(FileSource::new([path]))))
    }
}

/// A folder for folders, which goes with all that is in it.
struct Folder {
    path: PathBuf,
    made: AtomicUsize,
}

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deploy-conformance-{name}-{}", std::process::id()));
        Self { path, made: AtomicUsize::new(0) }
    }

    /// A new folder in it.
    fn another(&self) -> PathBuf {
        let path = self.path.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir_all(&path).expect("a folder");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for such files does no harm.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
