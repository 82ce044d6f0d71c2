//! Helm and kubectl: of a version that is known to work, and what they say of a failure, without the values they were given.

mod mask;
mod said;

use std::ffi::{OsStr, OsString};
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_program::{Program, Ran, Tool, Version};

pub(crate) use mask::Mask;
pub(crate) use said::{one_line, said};

/// A program that renders manifests.
#[derive(Clone)]
pub(crate) struct Renderer {
    pub(crate) tool: &'static Tool,
    /// The arguments that make it print its version.
    pub(crate) version: &'static [&'static str],
    pub(crate) program: Program,
    pub(crate) mask: Mask,
}

impl Renderer {
    /// Runs it to its end, which may be a failure. Dropped, it is killed.
    pub(crate) async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ran> {
        let mut ran = self.program.run(arguments).await?;
        ran.told = self.mask.apply(&ran.told);
        Ok(ran)
    }

    /// Runs it, and gives what it printed; its failure is an error about `object`, in its own words.
    pub(crate) async fn print(&self, verb: &str, object: &Path, arguments: &[OsString]) -> Result<Vec<u8>> {
        let ran = self.run(arguments).await?;
        if ran.success() {
            return Ok(ran.out);
        }
        let message = said(&ran.told).unwrap_or_else(|| "it failed and did not say why".to_owned());
        Err(Error::invalid(message).during(format!("{} {verb}", self.tool.name)).on(object.display()))
    }

    /// Refuses a version that is not known to work.
    pub(crate) async fn check_version(&self) -> Result<Version> {
        let ran = self.run(self.version).await?;
        let shown = String::from_utf8_lossy(&ran.out);
        let Some(found) = Version::find(&shown) else {
            let said = said(&ran.told).unwrap_or_else(|| one_line(shown.lines()));
            let message = format!("its version cannot be told, {} answered: {said}", self.version.join(" "));
            return Err(self.program.error(ErrorKind::InvalidInput, self.mask.apply(&message)));
        };
        self.tool.check(&self.program, found)?;
        Ok(found)
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
