//! The files of a layout, in a folder or in an archive.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use deploy_core::error::{Error, ErrorKind, Result};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::tar::{self, Span};
use crate::content::MAX_MANIFEST;

/// What is read at once, in bytes.
const PART: usize = 256 * 1024;

/// Where they are.
pub(super) struct Files {
    path: PathBuf,
    /// Of an archive: where its files lie in it.
    archived: Option<Arc<BTreeMap<String, Span>>>,
}

impl Files {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let on = |error: Error| error.during("read layout").on(path.display());
        let found = tokio::fs::metadata(path).await.map_err(|error| on(unreadable(error)))?;
        let archived = match found {
            folder if folder.is_dir() => None,
            file if file.is_file() => Some(Arc::new(index(path.to_owned()).await.map_err(on)?)),
            _ => return Err(on(Error::invalid("it is neither a folder nor a file"))),
        };
        Ok(Self { path: path.to_owned(), archived })
    }

    pub(super) fn describe(&self) -> String {
        self.path.display().to_string()
    }

    /// A file of at most 4 MiB; none if it is not there.
    pub(super) async fn small(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some((file, length)) = self.find(name).await? else { return Ok(None) };
        if length > MAX_MANIFEST {
            return Err(Error::invalid(format!("its {name} is larger than 4 MiB")));
        }
        let parts: Vec<Bytes> = parts(file, length).try_collect().await?;
        Ok(Some(parts.concat()))
    }

    /// A file that has `length` bytes, in parts.
    pub(super) async fn stream(&self, name: &str, length: u64) -> Result<BoxStream<'static, Result<Bytes>>> {
        match self.find(name).await? {
            Some((file, found)) if found == length => Ok(parts(file, length)),
            Some((_, found)) => {
                Err(Error::invalid(format!("it has {found} bytes, its descriptor says {length}")))
            }
            None => Err(Error::new(ErrorKind::NotFound, "it is not in the layout")
                .help("the layout is not whole: was its export interrupted, or made for other platforms?")),
        }
    }

    /// A file, open at its beginning, and its length. Links in a folder are followed: blobs are what their digests say, wherever they are.
    async fn find(&self, name: &str) -> Result<Option<(File, u64)>> {
        let path = match &self.archived {
            Some(files) => {
                let Some(span) = files.get(name) else { return Ok(None) };
                let mut file = File::open(&self.path).await.map_err(unreadable)?;
                file.seek(io::SeekFrom::Start(span.offset)).await.map_err(unreadable)?;
                return Ok(Some((file, span.length)));
            }
            None => self.path.join(name),
        };
        // Looked at first: opening a pipe would wait for whoever writes to it.
        match tokio::fs::metadata(&path).await {
            Ok(found) if found.is_file() => {
                let file = File::open(&path).await.map_err(unreadable)?;
                Ok(Some((file, found.len())))
            }
            Ok(_) => Err(Error::invalid(format!("its {name} is not a file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }
}

async fn index(path: PathBuf) -> Result<BTreeMap<String, Span>> {
    let reading = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        tar::index(&mut io::BufReader::new(file))
    });
    reading.await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the thread that reads it did not end well").source(error))
    })
}

/// `length` bytes from where the file stands.
fn parts(file: File, length: u64) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold(file.take(length), |mut file| async move {
        let mut part = BytesMut::with_capacity(PART);
        let read = file.read_buf(&mut part).await.map_err(unreadable)?;
        Ok((read > 0).then(|| (part.freeze(), file)))
    })
    .boxed()
}

fn unreadable(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, format!("it cannot be read: {}", error.kind())).source(error)
}
