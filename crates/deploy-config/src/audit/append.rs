//! One line more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as Io, Read, Seek, SeekFrom, Write};
use std::path::Path;

use deploy_core::audit::AuditRecord;
use deploy_core::audit::chain::{self, MAX_BYTES, MAX_LINE_BYTES};
use deploy_core::error::{Error, ErrorKind, Result};

use crate::file::{self, failed, same, target};

/// How much of the end is read: two of the longest lines are in it, with their breaks.
const TAIL_BYTES: u64 = 2 * (MAX_LINE_BYTES as u64 + 1);

/// How often the file is opened anew because it was moved away while its lock was waited for.
const MAX_TURNS: usize = 1000;

/// Adds `record` to the file at `path`, unless it tells of it.
pub(super) fn append(path: &Path, record: &AuditRecord) -> Result<()> {
    let target = target(path).map_err(failed)?;
    let (mut file, made) = open(&target).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let start = length.saturating_sub(TAIL_BYTES);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    (&file).take(TAIL_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let tail = chain::tail(&bytes, start == 0)?;
    let told = tail.tells(record);
    if told && tail.torn == 0 && !tail.unbroken {
        // Whoever wrote it may have been stopped before it was on the disk.
        return file.sync_all().map_err(unsure);
    }
    let mut text = if tail.unbroken { "\n".to_owned() } else { String::new() };
    if !told {
        let line = chain::append(tail.last.as_ref().map(|line| &line.head), record)?;
        text.extend([&line.text, "\n"]);
    }
    let kept = length.saturating_sub(tail.torn as u64);
    if kept.saturating_add(text.len() as u64) > MAX_BYTES {
        return Err(Error::invalid(format!("it is full: {} MiB", MAX_BYTES / 1024 / 1024))
            .help("move it away, and keep its head: the next record begins a new file"));
    }
    if tail.torn > 0 {
        file.set_len(kept).map_err(failed)?;
    }
    if let Err(error) = write(&mut file, kept, text.as_bytes()) {
        // What stays of it is a torn line, which the next record removes.
        let _ = file.set_len(kept);
        return Err(failed(error));
    }
    file.sync_all().map_err(unsure)?;
    if made {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        file::sync_folder(folder.unwrap_or(Path::new("."))).map_err(unsure)?;
    }
    Ok(())
}

fn write(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// The file, locked, and whether it may be new.
fn open(target: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for _ in 0..MAX_TURNS {
        if fs::metadata(target).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(io::Error::new(Io::InvalidInput, "it is no regular file"));
        }
        let file = options.open(target)?;
        file.lock()?;
        let metadata = file.metadata()?;
        if same(&metadata, target) {
            return Ok((file, metadata.len() == 0));
        }
    }
    Err(io::Error::new(Io::ResourceBusy, "it is moved away all the time"))
}

fn unsure(error: io::Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the line is written, but may not be on the disk").source(error)
}
