//! The record of who did what, in a file of lines that hang together.
//!
//! ```
//! use deploy_config::audit::AuditFile;
//! use deploy_core::audit::{AuditRecord, AuditSink, action, fact};
//! use deploy_core::clock::Timestamp;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("audit.jsonl");
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let audit = AuditFile::new(&path);
//! let record = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", action::PROMOTE, "shop").fact(fact::RUN, "6b1d");
//! audit.record(&record).await?;
//! audit.record(&record).await?; // The run was killed before it knew, and was taken up.
//! assert_eq!(audit.read().await?, [record]);
//!
//! let head = audit.verify(None).await?.head.expect("it has a line");
//! std::fs::write(&path, "").unwrap();
//! let error = audit.verify(Some(head)).await.unwrap_err();
//! assert!(error.to_string().contains("the end was cut off"));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod append;
mod lines;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::audit::chain::{Head, Verified, Verifier};
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::error::{Error, ErrorKind, Result};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// A record in a file: JSON lines, each with the digest of the one before ([`deploy_core::audit::chain`] says what that protects against).
///
/// - **Durable.** A line that was recorded is on the disk. The file is only ever added to, and is made by the first record: on Unix only its
///   owner can read it (mode 0600); another mode that it is given stays. Its folder must be there. Of a symbolic link the target is used.
/// - **One chain.** Writers in this process and in others take turns by a lock on the file; it is waited for.
/// - **A crash** in the middle of a line leaves a part of it, of which nobody was told that it is kept. The next record removes that part, or
///   completes the line if only its break is missing. No earlier line is touched. Where the last whole line was changed, nothing is added.
/// - **Once.** What a run recorded already is not recorded again: a run that was killed before it knew records again when it is taken up. That
///   is a record with the same run, action, subject and environment ([`AuditRecord::repeats`]), among the lines of the last 256 KiB.
/// - **Bounds.** A line has at most [`MAX_LINE_BYTES`](deploy_core::audit::chain::MAX_LINE_BYTES), the file
///   [`MAX_BYTES`](deploy_core::audit::chain::MAX_BYTES). Then, or to rotate, move it away with its head kept: the next record begins a new chain.
///
/// A call that is dropped may still do what it was to do, before any later call on this value.
#[derive(Clone, Debug)]
pub struct AuditFile {
    path: Arc<Path>,
    /// Keeps calls in their order, also where one was dropped and its thread goes on.
    turn: Arc<Mutex<()>>,
}

impl AuditFile {
    /// A record in the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into(), turn: Arc::default() }
    }

    /// All records, oldest first; none without the file. The part of a line that a crash left is no record.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) naming the first line that is not as it was written.
    pub async fn read(&self) -> Result<Vec<AuditRecord>> {
        self.blocking("read", |path| {
            let mut records = Vec::new();
            match lines::follow(path, Verifier::new(), |record| records.push(record))? {
                lines::End::Whole(verifier) => {
                    verifier.finish().map_err(|broken| broken.error())?;
                }
                lines::End::Torn(_) => {}
            }
            Ok(records)
        })
        .await
    }

    /// That all lines are as they were written; with a head that was kept elsewhere, that they hold its line. No file is no line.
    ///
    /// Keep the head that is returned for the next time.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) naming the first line that is not, a torn one at the end among them.
    pub async fn verify(&self, anchor: Option<Head>) -> Result<Verified> {
        self.blocking("verify", |path| {
            let verifier = match anchor {
                Some(head) => Verifier::new().anchored(head),
                None => Verifier::new(),
            };
            match lines::follow(path, verifier, drop)? {
                lines::End::Whole(verifier) => verifier.finish().map_err(|broken| broken.error()),
                lines::End::Torn(broken) => Err(broken.error()),
            }
        })
        .await
    }

    /// Does `work` on a thread that may wait for the disk.
    async fn blocking<R: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Path) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let path = self.path.clone();
        let turn = self.turn.clone().lock_owned().await;
        let done = spawn_blocking(move || {
            let result = work(&path);
            drop(turn);
            result
        });
        let result = match done.await {
            Ok(result) => result,
            Err(stopped) => Err(Error::new(ErrorKind::Internal, "the thread was stopped").source(stopped)),
        };
        result.map_err(|error| error.during(operation).on(self.path.display()))
    }
}

#[async_trait]
impl AuditSink for AuditFile {
    /// Adds a line, unless the run recorded it already.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a file that does not end with a line of a record, or has no room for it.
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if it is not sure that the line is on the disk: recording it again is safe for a record
    /// with a run.
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        let record = record.clone();
        self.blocking("record", move |path| append::append(path, &record)).await
    }
}
