//! Programs that others wrote: looked up, of a version that is known to work, bounded in time and in what they print.
//!
//! There is no shell: an argument is what it is. Standard input is empty. A program ends when what waits for it is dropped.

mod mask;
mod said;
mod version;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

pub(crate) use mask::Mask;
pub(crate) use said::{one_line, said};
pub(crate) use version::Version;

/// The most bytes that a program may write to its standard output.
pub const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// How much of the end of what it writes to its standard error is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// A program as it is known here.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// The arguments that make it print its version.
    pub(crate) version: &'static [&'static str],
    pub(crate) oldest: Version,
    /// The newest major version that is known to work.
    pub(crate) newest: u64,
    /// Where to get it.
    pub(crate) home: &'static str,
    /// Variables of its environment that would make its output depend on more than the input.
    pub(crate) hidden: &'static [&'static str],
}

/// A program to be run.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) tool: &'static Tool,
    pub(crate) path: PathBuf,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    pub(crate) mask: Mask,
}

/// What it came to.
pub(crate) struct Ran {
    pub(crate) success: bool,
    pub(crate) out: Vec<u8>,
    /// The end of what it wrote to its standard error.
    pub(crate) told: String,
}

impl Program {
    /// Runs it to its end, which may be a failure. Dropped, it is killed.
    pub(crate) async fn run(&self, arguments: &[OsString]) -> Result<Ran> {
        let mut command = Command::new(&self.path);
        self.tool.hidden.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        let mut child = command
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(self.error(ErrorKind::Internal, "it was started without its output"));
        };
        let (out, told) = tokio::try_join!(self.output(&mut stdout), async {
            end_of(&mut stderr).await.map_err(|error| self.unreadable(error))
        })?;
        let status = child.wait().await.map_err(|error| self.unreadable(error))?;
        self.not_killed(status)?;
        let told = self.mask.apply(&String::from_utf8_lossy(&told));
        Ok(Ran { success: status.success(), out, told })
    }

    /// Runs it, and gives what it printed; its failure is an error about `object`, in its own words.
    pub(crate) async fn print(&self, verb: &str, object: &Path, arguments: &[OsString]) -> Result<Vec<u8>> {
        let ran = self.run(arguments).await?;
        if ran.success {
            return Ok(ran.out);
        }
        let message = said(&ran.told).unwrap_or_else(|| "it failed and did not say why".to_owned());
        Err(Error::invalid(message).during(format!("{} {verb}", self.tool.name)).on(object.display()))
    }

    /// Refuses a version that is not known to work.
    pub(crate) async fn check_version(&self) -> Result<Version> {
        let Tool { name, version, oldest, newest, home, .. } = self.tool;
        let arguments: Vec<OsString> = version.iter().map(OsString::from).collect();
        let ran = self.run(&arguments).await?;
        let shown = String::from_utf8_lossy(&ran.out);
        let Some(found) = Version::find(&shown) else {
            let said = said(&ran.told).unwrap_or_else(|| one_line(shown.lines()));
            return Err(self.error(
                ErrorKind::InvalidInput,
                &format!("its version cannot be told, {} answered: {said}", version.join(" ")),
            ));
        };
        if found < *oldest || found.major > *newest {
            let why = if found < *oldest { "too old" } else { "newer than what is known to work" };
            return Err(self
                .error(ErrorKind::InvalidInput, &format!("version {found} is {why}"))
                .help(format!("install {name} {oldest} or later, at most {newest}.x: {home}")));
        }
        Ok(found)
    }

    async fn output(&self, stdout: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let most = MAX_OUTPUT as u64 + 1;
        stdout.take(most).read_to_end(&mut out).await.map_err(|error| self.unreadable(error))?;
        if out.len() > MAX_OUTPUT {
            let limit = MAX_OUTPUT / 1024 / 1024;
            return Err(self.error(ErrorKind::InvalidInput, &format!("it printed more than {limit} MiB")));
        }
        Ok(out)
    }

    fn not_started(&self, error: &io::Error) -> Error {
        let Tool { name, oldest, home, .. } = self.tool;
        // Looked up where it is a name alone, as a shell does.
        let looked_up = self.path.components().count() == 1;
        match error.kind() {
            io::ErrorKind::NotFound if looked_up => {
                self.error(ErrorKind::NotFound, "it is not installed, or not in PATH")
            }
            kind => {
                let kind = match kind {
                    io::ErrorKind::NotFound => ErrorKind::NotFound,
                    _ => ErrorKind::InvalidInput,
                };
                self.error(kind, &format!("it cannot be started: {error}"))
            }
        }
        .help(format!("install {name} {oldest} or later: {home}"))
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
            return Err(self.error(kind, &why));
        }
        // Elsewhere there are no signals.
        let _ = status;
        Ok(())
    }

    fn unreadable(&self, error: io::Error) -> Error {
        self.error(ErrorKind::Internal, "what it prints cannot be read").source(error)
    }

    fn error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, self.mask.apply(message)).on(self.path.display())
    }
}

/// Gives `work` up, and what it runs, when `timeout` has passed on tokio's clock.
pub(crate) async fn within<T>(
    timeout: Duration,
    object: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        let message = format!("it is not done after {} s", timeout.as_secs_f32());
        Err(Error::new(ErrorKind::Timeout, message).on(object))
    })
}

/// Does what reads and writes files on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let kind = if error.is_cancelled() { ErrorKind::Cancelled } else { ErrorKind::Internal };
        Err(Error::new(kind, "the thread that reads the files did not end well").source(error))
    })
}

/// `--name=value`: a value that begins with a dash is no flag.
pub(crate) fn flag(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value);
    flag
}

/// The path from the root: it begins with no dash, and is no URL.
pub(crate) fn from_root(path: &Path) -> Result<PathBuf> {
    path::absolute(path).map_err(|error| crate::walk::unreadable(&path.display().to_string(), &error))
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
