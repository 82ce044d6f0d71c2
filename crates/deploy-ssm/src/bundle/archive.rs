//! A gzipped tar whose bytes depend on nothing but what is in it.

use std::io::Write as _;

use deploy_core::error::{Error, ErrorKind, Result};
use flate2::{Compression, GzBuilder};

/// A tar that is being written.
pub(crate) struct Archive(tar::Builder<Vec<u8>>);

impl Archive {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Adds a file; `path` is one of ours.
    pub(crate) fn add(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        self.0.append_data(&mut header, path, content).map_err(|error| failed(&error))
    }

    /// The whole, compressed.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let tar = self.0.into_inner().map_err(|error| failed(&error))?;
        // No name, no time; the system is "unknown", whatever this one is.
        let mut gzip = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
        gzip.write_all(&tar).and_then(|()| gzip.finish()).map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the package could not be written: {error}"))
}
