//! Files that are there whole or not at all.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind as Kind, Read, Write};
use std::path::{Path, PathBuf};

use deploy_core::error::{Error, ErrorKind};

/// The file's bytes; `None` if there is none. One of more than `limit` bytes is an error.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::new(Kind::FileTooLarge, format!("over {limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Makes a folder that only its owner can look into, in a folder that is there.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == Kind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        },
    }
}

/// Puts `bytes` in the place of the file at `path`; whenever it stops, the old or the new file stands whole.
pub(crate) fn replace(folder: &Path, path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    // A run that was killed in here left it behind.
    remove_one(temporary)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    sync_folder(folder)
}

/// Removes files that may be there.
pub(crate) fn remove(folder: &Path, paths: &[&Path]) -> io::Result<()> {
    let mut removed = false;
    for path in paths {
        removed |= remove_one(path)?;
    }
    if removed { sync_folder(folder) } else { Ok(()) }
}

fn remove_one(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Kind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings the names in a folder to the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Only Unix lets a folder be opened for this.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The file itself, where `path` is a symbolic link to it.
pub(crate) fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == Kind::NotFound && fs::symlink_metadata(path).is_err() => {
            Ok(path.into())
        }
        found => found,
    }
}

/// Whether `path` still names this file, and no link to it.
#[cfg(unix)]
pub(crate) fn same(file: &Metadata, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(path).is_ok_and(|found| found.dev() == file.dev() && found.ino() == file.ino())
}

/// Elsewhere a file that is open cannot be renamed or removed by others.
#[cfg(not(unix))]
pub(crate) fn same(_file: &Metadata, path: &Path) -> bool {
    path.exists()
}

/// What it means to a caller.
pub(crate) fn failed(error: io::Error) -> Error {
    let (kind, message, help) = match error.kind() {
        Kind::NotFound => {
            (ErrorKind::NotFound, "no such folder, or a link to nowhere", "see where it should be")
        }
        Kind::PermissionDenied => {
            (ErrorKind::Forbidden, "permission denied", "see who owns the file and its folder")
        }
        Kind::ReadOnlyFilesystem => {
            (ErrorKind::Forbidden, "the file system is read-only", "write it elsewhere")
        }
        Kind::StorageFull | Kind::QuotaExceeded => {
            (ErrorKind::Unavailable, "the disk is full", "free some space")
        }
        Kind::FileTooLarge => (ErrorKind::InvalidInput, "the file is too large", "see what it is"),
        Kind::IsADirectory => (ErrorKind::InvalidInput, "it is a folder", "name the file in it"),
        Kind::ResourceBusy => (ErrorKind::Locked, "others use it all the time", "try again"),
        _ => (ErrorKind::Internal, "the file system failed", "see the cause"),
    };
    Error::new(kind, message).help(help).source(error)
}
