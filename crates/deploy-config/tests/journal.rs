//! The journal in files: its contract, its files, and what a killed run leaves.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use deploy_config::FileJournal;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::journal::{Intent, Journal};
use deploy_core::plan::Snapshot;
use deploy_core::run::Run;

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("deploy-config-test-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn journal(&self) -> FileJournal {
        FileJournal::new(self.path())
    }

    fn path(&self) -> PathBuf {
        self.0.join("journal")
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A journal whose folder goes with it.
struct Kept(FileJournal, #[expect(dead_code, reason = "is dropped")] Folder);

#[async_trait]
impl Journal for Kept {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        self.0.load(name).await
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        self.0.save(name, intent).await
    }

    async fn clear(&self, name: &str) -> Result<()> {
        self.0.clear(name).await
    }
}

mod conformance {
    use super::{Folder, Kept};

    deploy_core::journal_conformance! {
        #[tokio::test]
        || async {
            let folder = Folder::new();
            Kept(folder.journal(), folder)
        }
    }
}

fn intent(bundle: &str) -> Intent {
    Intent::new(&Run::new(), bundle.to_owned(), Snapshot::default())
}

async fn bundle(journal: &FileJournal) -> Option<String> {
    journal.load("shop").await.unwrap().map(|intent| intent.bundle)
}

#[tokio::test]
async fn another_process_finds_what_was_saved() {
    let folder = Folder::new();
    folder.journal().save("shop", &intent("one")).await.unwrap();
    assert_eq!(bundle(&folder.journal()).await.as_deref(), Some("one"));
    assert_eq!(folder.files(), ["shop.json"]);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    folder.journal().save("shop", &intent("one")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path()), 0o700);
    assert_eq!(mode(&folder.path().join("shop.json")), 0o600);
}

#[tokio::test]
async fn what_a_killed_run_left_half_written_is_ignored_and_cleaned() {
    let folder = Folder::new();
    let journal = folder.journal();
    journal.save("shop", &intent("one")).await.unwrap();
    let half = folder.path().join(".shop.tmp");

    fs::write(&half, "{\"format\": 1, \"depl").unwrap();
    assert_eq!(bundle(&journal).await.as_deref(), Some("one"));
    journal.save("shop", &intent("two")).await.unwrap();
    assert_eq!(bundle(&journal).await.as_deref(), Some("two"));
    assert_eq!(folder.files(), ["shop.json"]);

    fs::write(&half, "{").unwrap();
    journal.clear("shop").await.unwrap();
    assert!(folder.files().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_the_temporary_file_is_not_written_through() {
    let folder = Folder::new();
    let journal = folder.journal();
    journal.save("shop", &intent("one")).await.unwrap();
    let other = folder.0.join("precious");
    fs::write(&other, "precious").unwrap();
    std::os::unix::fs::symlink(&other, folder.path().join(".shop.tmp")).unwrap();
    journal.save("shop", &intent("two")).await.unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    assert_eq!(bundle(&journal).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_that_names_its_path_and_stays() {
    let folder = Folder::new();
    let journal = folder.journal();
    journal.save("shop", &intent("one")).await.unwrap();
    let path = folder.path().join("shop.json");
    for text in ["", "{}", "{\"format\": 1, \"depl", "{\"format\": 2}", "\0\u{fffd}"] {
        fs::write(&path, text).unwrap();
        let error = journal.load("shop").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_an_error_that_names_its_path() {
    let folder = Folder::new();
    let missing = FileJournal::new(folder.0.join("missing").join("journal"));
    assert!(missing.load("shop").await.unwrap().is_none(), "there is none");
    missing.clear("shop").await.unwrap();
    let error = missing.save("shop", &intent("one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("shop.json"), "{error}");

    fs::write(folder.path(), "a file, not a folder").unwrap();
    let error = folder.journal().save("shop", &intent("one")).await.unwrap_err();
    assert!(error.to_string().contains("shop.json"), "{error}");
}

/// A save that is dropped may still happen, but never after a later call.
#[tokio::test]
async fn calls_keep_their_order_though_one_is_dropped() {
    let folder = Folder::new();
    let journal = folder.journal();
    for _ in 0..50 {
        let late = intent("late");
        let mut save = Box::pin(journal.save("shop", &late));
        // One poll hands the work to its thread.
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(save.as_mut().poll(context).is_pending()))
                .await
        );
        drop(save);
        journal.clear("shop").await.unwrap();
        assert_eq!(bundle(&journal).await, None);
    }
}
