//! A file that is read, changed and put back whole, by one writer at a time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use deploy_core::error::{Error, ErrorKind, Result};

use crate::edit::MAX_BYTES;
use crate::file::{self, failed, same, target};

/// How often the lock is asked for while others take it: each time one of them has finished.
const MAX_TURNS: usize = 10_000;

/// The file's bytes; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    file::read(path, MAX_BYTES as u64).map_err(|error| match error.kind() {
        Io::FileTooLarge => Error::invalid("the file is over 16 MiB").help("see what it is").source(error),
        _ => failed(error),
    })
}

/// Puts in the place of the file's bytes what `change` makes of them, where it makes something.
pub(super) fn edit(
    path: &Path,
    change: impl FnOnce(Option<Vec<u8>>) -> Result<Option<Vec<u8>>>,
) -> Result<()> {
    let target = target(path).map_err(failed)?;
    let lock = Lock::take(&target).map_err(failed)?;
    let before = read(&target)?;
    let Some(new) = change(before.clone())? else { return Ok(()) };
    lock.write(&target, before.as_deref(), &new)
}

/// The temporary file beside the file, locked. It becomes the file, or is removed.
///
/// Who waited for it finds that it is no longer there under its name, and starts again.
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    fn take(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::new(Io::InvalidInput, "no file name"))?;
        let path = target.with_file_name(format!(".{}.edit", name.to_string_lossy()));
        for _ in 0..MAX_TURNS {
            if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
                return Err(io::Error::new(
                    Io::AlreadyExists,
                    "something else has the name of the temporary file",
                ));
            }
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            if same(&file.metadata()?, &path) {
                return Ok(Self { file, path });
            }
        }
        Err(io::Error::new(Io::ResourceBusy, "others edit it all the time"))
    }

    /// Replaces what stands at `target`, which was `before`.
    fn write(self, target: &Path, before: Option<&[u8]>, new: &[u8]) -> Result<()> {
        self.fill(target, new).map_err(failed)?;
        if read(target)?.as_deref() != before {
            return Err(Error::new(ErrorKind::Conflict, "somebody changed the file meanwhile")
                .help("what they wrote stands; try again"));
        }
        fs::rename(&self.path, target).map_err(failed)?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        file::sync_folder(folder.unwrap_or(Path::new("."))).map_err(|error| {
            Error::new(ErrorKind::OutcomeUnknown, "the file is written, but may not be on the disk")
                .source(error)
        })
    }

    fn fill(&self, target: &Path, new: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        // A run that was killed in here left it behind.
        file.set_len(0)?;
        if let Ok(old) = fs::metadata(target) {
            own(file, &old);
            file.set_permissions(old.permissions())?;
        }
        file.write_all(new)?;
        file.sync_all()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // After a rename this is the file itself under its own name, and another writer's lock has this one.
        if self.file.metadata().is_ok_and(|own| same(&own, &self.path)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Gives the file the old one's owner, where that is allowed.
#[cfg(unix)]
fn own(file: &File, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let differs = file.metadata().is_ok_and(|own| own.uid() != old.uid() || own.gid() != old.gid());
    if differs && fchown(file, Some(old.uid()), Some(old.gid())).is_err() {
        // A member of the group may still hand it to the group.
        let _ = fchown(file, None, Some(old.gid()));
    }
}

#[cfg(not(unix))]
fn own(_file: &File, _old: &Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_editor_saved_meanwhile_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for before in [Some("old"), None] {
            let _ = fs::remove_file(&path);
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            let edited = edit(&path, |found| {
                assert_eq!(found.as_deref(), before.map(str::as_bytes));
                fs::write(&path, "theirs").unwrap();
                Ok(Some(b"ours".to_vec()))
            });
            assert_eq!(edited.unwrap_err().kind(), ErrorKind::Conflict);
            assert_eq!(fs::read(&path).unwrap(), b"theirs");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
