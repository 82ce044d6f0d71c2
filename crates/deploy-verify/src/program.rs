//! A program that others wrote: run without a shell, bounded in time and in what it prints.
//!
//! Standard input is empty. It is killed when what waits for it is dropped.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// How much of the end of what it writes to its standard error is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// A program to be run.
pub(crate) struct Program<'a> {
    /// A name that is looked up in `PATH`, or a path from the root.
    pub(crate) path: &'a Path,
    /// The folder that it runs in.
    pub(crate) folder: &'a Path,
    /// Variables of its environment that it must not see.
    pub(crate) hidden: &'a [&'a str],
    /// How to get it.
    pub(crate) install: &'a str,
}

/// What it came to.
pub(crate) struct Ran {
    /// The code that it ended with.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    /// The end of what it wrote to its standard error.
    pub(crate) told: String,
}

impl Program<'_> {
    /// Runs it to its end, which may be a failure, within `timeout` on tokio's clock. More than `most` bytes of output are an error.
    pub(crate) async fn run<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        most: usize,
        timeout: Duration,
    ) -> Result<Ran> {
        tokio::time::timeout(timeout, self.run_to_end(arguments, most)).await.unwrap_or_else(|_| {
            let message = format!("it is not done after {} s", timeout.as_secs_f32());
            Err(self.error(ErrorKind::Timeout, message))
        })
    }

    async fn run_to_end<S: AsRef<OsStr>>(&self, arguments: &[S], most: usize) -> Result<Ran> {
        let mut command = Command::new(self.path);
        self.hidden.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        let mut child = command
            .args(arguments)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(self.error(ErrorKind::Internal, "it was started without its output"));
        };
        let (out, told) = tokio::try_join!(self.output(&mut stdout, most), async {
            end_of(&mut stderr).await.map_err(|error| self.unreadable(error))
        })?;
        let status = child.wait().await.map_err(|error| self.unreadable(error))?;
        self.not_killed(status)?;
        Ok(Ran { code: status.code(), out, told: String::from_utf8_lossy(&told).into_owned() })
    }

    async fn output(&self, stdout: &mut (impl AsyncRead + Unpin), most: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        stdout.take(most as u64 + 1).read_to_end(&mut out).await.map_err(|error| self.unreadable(error))?;
        if out.len() > most {
            let limit = most / 1024 / 1024;
            return Err(self.error(ErrorKind::InvalidInput, format!("it printed more than {limit} MiB")));
        }
        Ok(out)
    }

    fn not_started(&self, error: &io::Error) -> Error {
        let looked_up = self.path.components().count() == 1;
        let (kind, message) = match error.kind() {
            io::ErrorKind::NotFound if looked_up => {
                (ErrorKind::NotFound, "it is not installed, or not in PATH".to_owned())
            }
            io::ErrorKind::NotFound => (ErrorKind::NotFound, format!("it cannot be started: {error}")),
            _ => (ErrorKind::InvalidInput, format!("it cannot be started: {error}")),
        };
        self.error(kind, message).help(self.install)
    }

    /// A program that a signal ended failed for no reason of its own.
    fn not_killed(&self, status: ExitStatus) -> Result<()> {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            // Ctrl-C reaches every program of a terminal.
            let (kind, why) = match signal {
                2 => (ErrorKind::Cancelled, "it was interrupted".to_owned()),
                _ => (ErrorKind::Unavailable, format!("it was killed by signal {signal}")),
            };
            return Err(self.error(kind, why));
        }
        // Elsewhere there are no signals.
        let _ = status;
        Ok(())
    }

    fn unreadable(&self, error: io::Error) -> Error {
        self.error(ErrorKind::Internal, "what it prints cannot be read").source(error)
    }

    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, message).on(self.path.display())
    }
}

async fn end_of(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    loop {
        if stream.read_buf(&mut end).await? == 0 {
            end.drain(..end.len().saturating_sub(KEPT));
            return Ok(end);
        }
        if end.len() > 2 * KEPT {
            end.drain(..end.len() - KEPT);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sees_no_variable_that_is_hidden() {
        // Cargo sets both for a test.
        let program = Program {
            path: Path::new("env"),
            folder: Path::new("/"),
            hidden: &["CARGO_MANIFEST_DIR"],
            install: "",
        };
        let ran = program.run::<&str>(&[], 1024 * 1024, Duration::from_secs(60)).await.unwrap();
        let out = String::from_utf8_lossy(&ran.out);
        assert!(out.contains("CARGO_PKG_NAME=") && !out.contains("CARGO_MANIFEST_DIR="), "{out}");
    }
}
