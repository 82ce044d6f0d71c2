//! Manifests from files, directories and standard input.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{self, Object};
use deploy_core::source::Source;

use crate::walk::{self, unreadable};

/// The most files that one source reads.
pub const MAX_FILES: usize = 10_000;

/// The most bytes that one source reads, all files together; one file may hold [`manifest::MAX_BYTES`].
pub const MAX_TOTAL_BYTES: usize = 256 * 1024 * 1024;

/// The most entries of directories that one source looks at.
pub const MAX_ENTRIES: usize = 100_000;

const STANDARD_INPUT: &str = "standard input";

/// Manifests from files and directories, as `kubectl apply -f` takes them.
///
/// Of a directory it reads the files that end in `.yaml`, `.yml` or `.json`, by name, and with
/// [`recursive`](FileSource::recursive) those of the directories in it; a name that starts with a dot is left out
/// (editors and archivers leave such files). A path that is given is read whatever its name. Symbolic links are
/// followed. `-` stands for standard input, as far as a reader is given for it.
#[derive(Clone)]
pub struct FileSource {
    paths: Vec<PathBuf>,
    recursive: bool,
    standard_input: Option<Arc<Mutex<Input>>>,
}

/// A reader that can be read only once, and what it gave.
struct Input {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    ended: bool,
}

impl FileSource {
    /// The manifests of `paths`, in their order.
    pub fn new<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect(), recursive: false, standard_input: None }
    }

    /// Whether the directories in a directory are read too. Default: no.
    #[must_use]
    pub fn recursive(self, recursive: bool) -> Self {
        Self { recursive, ..self }
    }

    /// What the path `-` reads, once and to its end. Default: `-` is an error.
    #[must_use]
    pub fn standard_input(self, reader: impl Read + Send + 'static) -> Self {
        let input = Input { reader: Box::new(reader), bytes: Vec::new(), ended: false };
        Self { standard_input: Some(Arc::new(Mutex::new(input))), ..self }
    }

    fn read(&self) -> Result<Vec<Object>> {
        if self.paths.is_empty() {
            return Err(Error::invalid("no file and no directory was given"));
        }
        let mut objects = Vec::new();
        let mut budget = Budget { files: MAX_FILES, bytes: MAX_TOTAL_BYTES };
        let mut entries = MAX_ENTRIES;
        for path in &self.paths {
            if path == Path::new("-") {
                objects.append(&mut self.read_standard_input(&mut budget)?);
                continue;
            }
            for file in walk::files(path, self.recursive, &mut entries)? {
                objects.append(&mut read_file(&file, &mut budget)?);
            }
        }
        if objects.is_empty() {
            return Err(Error::invalid(format!("there is no manifest in {}", self.describe())));
        }
        Ok(objects)
    }

    fn read_standard_input(&self, budget: &mut Budget) -> Result<Vec<Object>> {
        let Some(input) = &self.standard_input else {
            return Err(Error::invalid("standard input is not open here")
                .on("-")
                .help("give a file instead"));
        };
        // A reader that panicked in another load left no half-written state behind.
        let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
        let Input { reader, bytes, ended } = &mut *input;
        if !*ended {
            let room = limit(budget).saturating_sub(bytes.len());
            reader
                .take(room as u64)
                .read_to_end(bytes)
                .map_err(|error| unreadable(STANDARD_INPUT, &error))?;
            *ended = true;
        }
        budget.spend(STANDARD_INPUT, bytes.len())?;
        manifest::read(STANDARD_INPUT, bytes)
    }
}

#[async_trait]
impl Source for FileSource {
    fn describe(&self) -> String {
        let names: Vec<String> = self.paths.iter().map(|path| name_of(path)).collect();
        names.join(", ")
    }

    async fn load(&self) -> Result<Vec<Object>> {
        let source = self.clone();
        // Dropped while it runs, the thread reads to its end and its answer goes nowhere.
        tokio::task::spawn_blocking(move || source.read()).await.unwrap_or_else(|error| {
            let kind = if error.is_cancelled() { ErrorKind::Cancelled } else { ErrorKind::Internal };
            Err(Error::new(kind, "the thread that reads the files did not end well").source(error))
        })
    }
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("paths", &self.paths)
            .field("recursive", &self.recursive)
            .finish_non_exhaustive()
    }
}

struct Budget {
    files: usize,
    bytes: usize,
}

impl Budget {
    fn spend(&mut self, name: &str, bytes: usize) -> Result<()> {
        let spent = self.files.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        let Some((files, bytes)) = spent else {
            let megabytes = MAX_TOTAL_BYTES / 1024 / 1024;
            let message = format!("more than {MAX_FILES} files or {megabytes} MiB to read");
            return Err(Error::invalid(message).on(name).help("name the files that are manifests"));
        };
        *self = Self { files, bytes };
        Ok(())
    }
}

/// One byte more than may be read, so that too much is seen as such.
fn limit(budget: &Budget) -> usize {
    manifest::MAX_BYTES.min(budget.bytes) + 1
}

fn read_file(path: &Path, budget: &mut Budget) -> Result<Vec<Object>> {
    let name = name_of(path);
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Not by its length: a pipe has none (`<(helm template …)`).
        File::open(path)?.take(limit(budget) as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| unreadable(&name, &error))?;
    budget.spend(&name, bytes.len())?;
    manifest::read(&name, &bytes)
}

fn name_of(path: &Path) -> String {
    if path == Path::new("-") { STANDARD_INPUT.to_owned() } else { path.display().to_string() }
}
