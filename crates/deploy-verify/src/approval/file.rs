//! A file of approvals.

use std::io::{ErrorKind as Io, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::gate::approval::{Approval, ApprovalSource};
use deploy_core::guard::Subject;

/// The most bytes that are read of a file: 1 MiB.
pub const MAX_APPROVALS_BYTES: u64 = 1024 * 1024;

/// A file of approvals, a JSON object a line: `{"by":"ann","subject":"sha256:…","at":"2026-11-21T08:00:00Z"}`.
///
/// Whoever may write to it can approve in every name: that is for the file's permissions, or its review in Git, to decide. A file that is not
/// there holds no approval; one with a line that is no approval is an error.
#[derive(Clone, Debug)]
pub struct ApprovalFile {
    path: PathBuf,
}

impl ApprovalFile {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Adds a line, and creates the file where there is none. Dropped, the future may have added it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn add(&self, approval: &Approval) -> Result<()> {
        let mut line = serde_json::to_vec(approval).map_err(|source| {
            Error::new(ErrorKind::Internal, "the approval cannot be written as JSON").source(source)
        })?;
        line.push(b'\n');
        let path = self.path.clone();
        // In one write at the end: of two at once neither is lost.
        self.run("approve", move || {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path)?;
            file.write_all(&line)?;
            file.sync_all()
        })
        .await
    }

    /// All of them, in the order of the file.
    ///
    /// # Errors
    /// If it cannot be read, is larger than [`MAX_APPROVALS_BYTES`], or has a line that is no approval.
    pub async fn all(&self) -> Result<Vec<Approval>> {
        let path = self.path.clone();
        let bytes = self.run("read approvals", move || read(&path)).await?;
        if bytes.len() as u64 > MAX_APPROVALS_BYTES {
            let what = format!("it has more than {MAX_APPROVALS_BYTES} bytes");
            return Err(Error::invalid(what).during("read approvals").on(self.path.display()));
        }
        let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
        let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
        let read = lines.map(|(line, number)| {
            serde_json::from_slice(line).map_err(|source| {
                Error::invalid("the line is no approval")
                    .during("read approvals")
                    .on(format!("{}:{number}", self.path.display()))
                    .source(source)
            })
        });
        read.collect()
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: &str,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.map_err(|source| Error::new(ErrorKind::Internal, "it broke off").source(source))?;
        done.map_err(|source| {
            let kind = if source.kind() == Io::PermissionDenied {
                ErrorKind::Forbidden
            } else {
                ErrorKind::InvalidInput
            };
            Error::new(kind, source.to_string()).during(operation).on(self.path.display()).source(source)
        })
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(MAX_APPROVALS_BYTES + 1).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == Io::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

#[async_trait]
impl ApprovalSource for ApprovalFile {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    async fn approvals(&self, _subject: &Subject, _now: Timestamp) -> Result<Vec<Approval>> {
        self.all().await
    }
}
