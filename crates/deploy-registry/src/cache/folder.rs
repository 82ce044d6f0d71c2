//! Entries as files.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;
use std::{fs, sync};

use bytes::Bytes;

/// Entries as files in one folder. A file is written beside its place and then moved there, so that nobody reads half of one.
pub(super) struct Folder {
    path: PathBuf,
    at_most: u64,
    /// What the files have in all, as far as this process knows; unknown before its first write.
    size: Mutex<Option<u64>>,
}

const UNFINISHED: &str = "unfinished-";

impl Folder {
    pub(super) fn new(path: PathBuf, at_most: u64) -> Self {
        Self { path, at_most, size: Mutex::default() }
    }

    pub(super) fn at_most(&self, at_most: u64) -> Self {
        Self::new(self.path.clone(), at_most)
    }

    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        fs::read(self.path.join(key)).ok().map(Bytes::from)
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.at_most {
            return Ok(());
        }
        private(&self.path)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        file.write_all(bytes)?;
        file.persist(self.path.join(key)).map_err(|error| error.error)?;
        let mut size = self.size.lock().unwrap_or_else(sync::PoisonError::into_inner);
        let known = size.map_or(u64::MAX, |size| size.saturating_add(length));
        *size = Some(if known > self.at_most { self.make_room()? } else { known });
        Ok(())
    }

    /// Removes the oldest files until a tenth is free; what there is then.
    fn make_room(&self) -> io::Result<u64> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_own = name.to_str().is_some_and(|name| {
                ["content-", "answer-", UNFINISHED].iter().any(|prefix| name.starts_with(prefix))
            });
            // Another process may have removed it meanwhile.
            if let (true, Ok(facts)) = (is_own, entry.metadata()) {
                files.push((facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), facts.len(), entry.path()));
            }
        }
        let mut size: u64 = files.iter().map(|(_, length, _)| length).sum();
        if size <= self.at_most {
            return Ok(size);
        }
        files.sort_unstable();
        for (_, length, path) in files {
            if size <= self.at_most - self.at_most / 10 {
                break;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => size -= length,
            }
        }
        Ok(size)
    }
}

/// Makes a folder that nobody else reads or writes.
fn private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_no_more_than_it_may() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().join("cache"), 100);
        fs::create_dir_all(&folder.path).unwrap();
        fs::write(folder.path.join("somebody else's"), [0; 500]).unwrap();
        for number in 0..30 {
            folder.put(&format!("content-{number}"), &[7; 10]).unwrap();
            assert!(folder.get(&format!("content-{number}")).is_some() || number > 0);
        }
        let size = |folder: &Folder| {
            let files = fs::read_dir(&folder.path).unwrap().map(|entry| entry.unwrap());
            files
                .filter(|file| file.file_name() != "somebody else's")
                .map(|file| file.metadata().unwrap().len())
                .sum::<u64>()
        };
        assert!((80..=100).contains(&size(&folder)), "{}", size(&folder));
        let again = folder.at_most(50);
        again.put("content-x", &[7; 10]).unwrap();
        assert!(size(&folder) <= 50, "what was there before counts: {}", size(&folder));
        folder.put("content-large", &[7; 101]).unwrap();
        assert_eq!(folder.get("content-large"), None);
        assert!(folder.path.join("somebody else's").exists());
    }
}
