//! Which files a path stands for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use deploy_core::error::{Error, ErrorKind, Result};

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Files that say that a directory is not meant to be applied as it is, and what it is.
const RENDERED: [(&str, &str); 4] = [
    ("kustomization.yaml", "a kustomization: build it first"),
    ("kustomization.yml", "a kustomization: build it first"),
    ("Kustomization", "a kustomization: build it first"),
    ("Chart.yaml", "a Helm chart: render it first"),
];

/// The files of `path`: itself, or those of the directory that it is, sorted by name. `entries` is how many entries
/// of directories may still be looked at.
pub(crate) fn files(path: &Path, recursive: bool, entries: &mut usize) -> Result<Vec<PathBuf>> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(&path.display().to_string(), &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut walk = Walk { recursive, entries, files: Vec::new(), parents: Vec::new(), skipped: false };
    walk.directory(path)?;
    if walk.files.is_empty() {
        let error = Error::invalid("there is no .yaml, .yml or .json file in it").on(path.display());
        return Err(if walk.skipped {
            error.help("it holds directories: read it recursively")
        } else {
            error
        });
    }
    Ok(walk.files)
}

/// The error for what the system refuses to read.
pub(crate) fn unreadable(name: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, format!("cannot be read: {error}")).on(name)
}

struct Walk<'a> {
    recursive: bool,
    entries: &'a mut usize,
    files: Vec<PathBuf>,
    /// The real paths of the directories around the current one: to meet one again is a loop.
    parents: Vec<PathBuf>,
    skipped: bool,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path) -> Result<()> {
        let shown = path.display().to_string();
        let io = |error: io::Error| unreadable(&shown, &error);
        let real = fs::canonicalize(path).map_err(io)?;
        if self.parents.contains(&real) {
            return Err(Error::invalid("a symbolic link leads back to a directory around it").on(&shown));
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(io)? {
            *self.entries = self.entries.checked_sub(1).ok_or_else(|| {
                Error::invalid("there are too many entries in it")
                    .on(&shown)
                    .help("name the files that are manifests")
            })?;
            names.push(entry.map_err(io)?.file_name());
        }
        names.sort_unstable();
        for (name, what) in RENDERED {
            if names.iter().any(|entry| entry == name) {
                return Err(Error::invalid(format!("it is {what}")).on(&shown));
            }
        }
        self.parents.push(real);
        for name in names {
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let entry = path.join(name);
            let manifest =
                entry.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
            let metadata = match fs::metadata(&entry) {
                Ok(metadata) => metadata,
                // A dangling link matters only where it would have been read.
                Err(_) if !manifest => continue,
                Err(error) => return Err(unreadable(&entry.display().to_string(), &error)),
            };
            if metadata.is_dir() && self.recursive {
                self.directory(&entry)?;
            } else if metadata.is_dir() {
                self.skipped = true;
            } else if metadata.is_file() && manifest {
                self.files.push(entry);
            }
        }
        self.parents.pop();
        Ok(())
    }
}
