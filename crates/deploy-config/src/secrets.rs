//! [`FileSecrets`]: a folder with a file for each secret.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::check_data_key;
use deploy_core::secret::{SecretSource, SecretText};
use tokio::task::spawn_blocking;

use crate::file;

/// The largest secret that is read, in bytes: no Secret of Kubernetes can hold more.
pub const MAX_SECRET_BYTES: u64 = 1 << 20;

/// Secrets in files of one folder, each called as its secret: what Docker mounts at `/run/secrets`, and Kubernetes as a volume.
///
/// - The text is the file's, in UTF-8, without *one* line end at its end: editors and `echo` put it there. A secret that ends with
///   a line end is written with two.
/// - A name is what a key of a Secret may be ([`check_data_key`]), so that it never leads out of the folder. A symbolic link is
///   followed: Kubernetes mounts secrets as such.
/// - A file that every user of the machine may write is refused, because anybody may have put anything there. Who may read it is the
///   folder's owner's business: Docker and Kubernetes make them readable.
///
/// ```
/// use deploy_config::FileSecrets;
/// use deploy_core::secret::SecretSource;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// std::fs::write(folder.join("db-password"), "correct horse\n").unwrap();
/// assert_eq!(FileSecrets::new(folder).get("db-password").await?.reveal(), "correct horse");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FileSecrets {
    folder: Arc<Path>,
}

impl FileSecrets {
    /// The secrets in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into() }
    }
}

#[async_trait]
impl SecretSource for FileSecrets {
    fn describe(&self) -> String {
        format!("the files in {}", self.folder.display())
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        let about = |error: Error| error.during("get").on(format!("secret \"{}\"", name.escape_default()));
        check_data_key(name).map_err(about)?;
        let path = self.folder.join(name);
        let found = match spawn_blocking(move || read(&path)).await {
            Ok(found) => found,
            Err(stopped) => Err(Error::new(ErrorKind::Internal, "the thread was stopped").source(stopped)),
        };
        found.map_err(|error| about(error).inside(self.folder.display()))
    }
}

fn read(path: &Path) -> Result<SecretText> {
    let attributes = fs::metadata(path).map_err(|error| unreadable(&error))?;
    // A pipe would be waited for.
    if !attributes.is_file() {
        return Err(Error::invalid("it is not a file"));
    }
    if writable_by_all(&attributes) {
        return Err(Error::invalid("every user of the machine may write it, so it may be anybody's")
            .help("take the right away: chmod o-w"));
    }
    let bytes = file::read(path, MAX_SECRET_BYTES).map_err(|error| unreadable(&error))?;
    let bytes = bytes.ok_or_else(|| unreadable(&io::ErrorKind::NotFound.into()))?;
    // Its words would quote the bytes.
    let text = String::from_utf8(bytes).map_err(|_| Error::invalid("it is not UTF-8"))?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(SecretText::new(line.unwrap_or(&text)))
}

#[cfg(unix)]
fn writable_by_all(attributes: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&attributes.permissions()) & 0o002 != 0
}

/// Only Unix has such modes.
#[cfg(not(unix))]
fn writable_by_all(_attributes: &fs::Metadata) -> bool {
    false
}

fn unreadable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "no such secret"),
        io::ErrorKind::PermissionDenied => Error::new(ErrorKind::Forbidden, "permission denied"),
        io::ErrorKind::FileTooLarge => {
            Error::invalid(format!("the file is over the limit of {MAX_SECRET_BYTES} bytes"))
        }
        kind => Error::new(ErrorKind::Unavailable, format!("the file cannot be read: {kind}")),
    }
}
