//! A journal in a folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::journal::{Intent, Journal};
use deploy_core::lock::check_name;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::file;

/// The largest record that is read or written, in bytes: 256 MiB.
pub const MAX_RECORD_BYTES: u64 = 256 * 1024 * 1024;

/// A journal in a folder of its own, one file for each name: `shop.json` for `shop`.
///
/// A record is written beside the old one, brought to the disk, and renamed over it, so that at any time one of them stands whole. It
/// holds objects as they were, Secrets among them: on Unix only its owner can read it (mode 0600, the folder 0700). Its folder is made
/// when it is first needed; the folder above it must be there. One process at a time writes a name: its lock's holder.
///
/// A call that is dropped may still do what it was to do, before any later call on this journal.
///
/// ```
/// use deploy_config::FileJournal;
/// use deploy_core::{journal::{Intent, Journal}, plan::Snapshot, run::Run};
///
/// # let folder = std::env::temp_dir().join(format!("deploy-config-doc-{}", std::process::id()));
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let journal = FileJournal::new(&folder);
/// journal.save("shop", &Intent::new(&Run::new().named("shop"), "sha256:0".into(), Snapshot::default())).await?;
/// assert!(folder.join("shop.json").exists());
/// assert_eq!(journal.load("shop").await?.expect("just saved").bundle, "sha256:0");
/// journal.clear("shop").await?;
/// assert!(!folder.join("shop.json").exists());
/// # std::fs::remove_dir(&folder).unwrap();
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FileJournal {
    folder: Arc<Path>,
    /// Keeps calls in their order, also where one was dropped and its thread goes on.
    turn: Arc<Mutex<()>>,
}

/// Where the record of a name stands, and where it is written first.
struct Paths {
    folder: Arc<Path>,
    record: PathBuf,
    temporary: PathBuf,
}

impl FileJournal {
    /// A journal in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into(), turn: Arc::default() }
    }

    /// Does `work` on a thread that may wait for the disk.
    async fn blocking<R: Send + 'static>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&Paths) -> Result<R, Failure> + Send + 'static,
    ) -> Result<R> {
        check_name(name)?;
        // No name holds a dot, so that nothing else is called like a temporary file.
        let paths = Paths {
            record: self.folder.join(format!("{name}.json")),
            temporary: self.folder.join(format!(".{name}.tmp")),
            folder: self.folder.clone(),
        };
        let shown = paths.record.display().to_string();
        let turn = self.turn.clone().lock_owned().await;
        let done = spawn_blocking(move || {
            let result = work(&paths);
            drop(turn);
            result
        });
        let result = match done.await {
            Ok(result) => result.map_err(Error::from),
            Err(stopped) => Err(Error::new(ErrorKind::Internal, "the thread was stopped").source(stopped)),
        };
        result.map_err(|error| error.during(operation).on(shown))
    }
}

#[async_trait]
impl Journal for FileJournal {
    /// Reads `name`'s file.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a file that is no record, or over [`MAX_RECORD_BYTES`]; it is left where it is.
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        let read = |paths: &Paths| Ok(file::read(&paths.record, MAX_RECORD_BYTES)?);
        match self.blocking("read", name, read).await? {
            Some(bytes) => Intent::from_bytes(&bytes)
                .map(Some)
                .map_err(|error| error.on(self.folder.join(format!("{name}.json")).display())),
            None => Ok(None),
        }
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        let bytes = intent.to_bytes()?;
        let write = move |paths: &Paths| {
            if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_RECORD_BYTES) {
                return Err(Failure::TooLarge(bytes.len()));
            }
            file::make_folder(&paths.folder)?;
            Ok(file::replace(&paths.folder, &paths.record, &paths.temporary, &bytes)?)
        };
        self.blocking("write", name, write).await
    }

    async fn clear(&self, name: &str) -> Result<()> {
        let remove = |paths: &Paths| Ok(file::remove(&paths.folder, &[&paths.record, &paths.temporary])?);
        self.blocking("remove", name, remove).await
    }
}

/// What can go wrong with a file.
enum Failure {
    Io(io::Error),
    TooLarge(usize),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let source = match failure {
            Failure::TooLarge(length) => {
                return Self::invalid(format!(
                    "the record is {length} bytes, over the limit of {MAX_RECORD_BYTES}"
                ));
            }
            Failure::Io(source) => source,
        };
        let (kind, message, help) = match source.kind() {
            io::ErrorKind::NotFound => {
                (ErrorKind::NotFound, "no such folder", "make the folder above the journal's")
            }
            io::ErrorKind::PermissionDenied => {
                (ErrorKind::Forbidden, "permission denied", "see who owns the file and its folder")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ErrorKind::Unavailable, "the disk is full", "free some space")
            }
            io::ErrorKind::FileTooLarge => {
                (ErrorKind::InvalidInput, "the file is too large to be a record", "see what it is")
            }
            _ => (ErrorKind::Internal, "the file system failed", "see the cause"),
        };
        Self::new(kind, message).help(help).source(source)
    }
}
