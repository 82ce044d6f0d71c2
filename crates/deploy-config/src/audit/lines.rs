//! All lines of a file, one after the other.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind as Io, Read};
use std::path::Path;

use deploy_core::audit::AuditRecord;
use deploy_core::audit::chain::{Broken, MAX_LINE_BYTES, Verifier};
use deploy_core::error::{Error, Result};

use crate::file::failed;

/// How a file ends.
pub(super) enum End {
    /// With a whole line, or none.
    Whole(Verifier),
    /// With a part of one.
    Torn(Broken),
}

/// Shows the records of all lines to `see`, while nobody adds one. No file is no line.
pub(super) fn follow(path: &Path, mut verifier: Verifier, mut see: impl FnMut(AuditRecord)) -> Result<End> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Error::invalid("it is no regular file").help("name the file"));
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == Io::NotFound => return Ok(End::Whole(verifier)),
        file => file.map_err(failed)?,
    };
    file.lock_shared().map_err(failed)?;
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than a line and its break can have.
        let mut bounded = (&mut reader).take(MAX_LINE_BYTES as u64 + 2);
        if bounded.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(End::Whole(verifier));
        }
        match line.strip_suffix(b"\n") {
            Some(line) => see(verifier.read(line).map_err(|broken| broken.error())?),
            None if line.len() <= MAX_LINE_BYTES => return Ok(End::Torn(verifier.torn())),
            // It is longer than any line.
            None => see(verifier.read(&line).map_err(|broken| broken.error())?),
        }
    }
}
