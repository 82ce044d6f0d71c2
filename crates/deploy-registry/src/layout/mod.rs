//! Images on a disk: the OCI image layout, as a folder or as a tar archive.
//!
//! `docker buildx build --output type=oci,dest=api.tar .` writes one, `skopeo copy … oci-archive:api.tar` and `oci:folder`, and most builders that
//! need no daemon. An archive is read where it lies: nothing is unpacked.
//!
//! ```
//! use deploy_registry::layout::Layout;
//! # use deploy_core::image::Digest;
//! # let folder = tempfile::tempdir().unwrap();
//! # let blobs = folder.path().join("blobs/sha256");
//! # std::fs::create_dir_all(&blobs).unwrap();
//! # let manifest = br#"{"schemaVersion": 2, "layers": []}"#;
//! # let digest = Digest::sha256(manifest);
//! # std::fs::write(blobs.join(digest.hex()), manifest).unwrap();
//! # std::fs::write(folder.path().join("oci-layout"), br#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
//! # std::fs::write(folder.path().join("index.json"), format!(r#"{{"schemaVersion": 2, "manifests": [
//! #     {{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "{digest}", "size": {},
//! #       "annotations": {{"org.opencontainers.image.ref.name": "v1"}}}}]}}"#, manifest.len())).unwrap();
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let layout = Layout::open(folder.path()).await?;
//! let image = layout.image(Some("v1"))?;
//! assert_eq!((image.name(), image.digest()), (Some("v1"), &digest));
//! assert!(layout.image(Some("v2")).unwrap_err().to_string().contains("no image \"v2\", but \"v1\""));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod files;
mod tar;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use serde::Deserialize;

use self::files::Files;
use crate::content::{Content, Descriptor, MAX_MANIFEST};
use crate::verified::verified;

/// What a layout calls an image.
const NAME: &str = "org.opencontainers.image.ref.name";

/// What BuildKit and containerd call it, with its repository.
const FULL_NAME: &str = "io.containerd.image.name";

/// An image layout, open to be read. Clones share it.
#[derive(Clone)]
pub struct Layout(Arc<Inner>);

struct Inner {
    files: Files,
    images: Vec<LayoutImage>,
}

/// An image of a layout: a manifest, or an index of several.
#[derive(Clone, PartialEq, Eq)]
pub struct LayoutImage {
    pub(crate) descriptor: Descriptor,
}

impl LayoutImage {
    /// What the layout calls it (`org.opencontainers.image.ref.name`): mostly a tag.
    pub fn name(&self) -> Option<&str> {
        self.descriptor.annotation(NAME)
    }

    /// What the builder calls it (`io.containerd.image.name`), with its repository.
    pub fn full_name(&self) -> Option<&str> {
        self.descriptor.annotation(FULL_NAME)
    }

    /// The digest of its manifest or index.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// What it is.
    pub fn media_type(&self) -> &str {
        &self.descriptor.media_type
    }

    /// The platform that it is for, as in `linux/arm64/v8`, where the layout says so.
    pub fn platform(&self) -> Option<String> {
        self.descriptor.platform.as_ref().map(crate::content::Platform::text)
    }

    fn is_called(&self, name: &str) -> bool {
        self.name() == Some(name) || self.full_name() == Some(name)
    }
}

impl fmt::Debug for LayoutImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayoutImage({:?}, {})", self.name(), self.digest())
    }
}

#[derive(Deserialize)]
struct Marker {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl Layout {
    /// Opens the layout at `path`, a folder or a tar archive that is not compressed. Of an archive, all headers are read.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is nothing; [`InvalidInput`](ErrorKind::InvalidInput) for what is no image layout, with what it is
    /// where that is known: `docker save` of before Docker 25 writes another format.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let files = Files::open(path.as_ref()).await?;
        let images =
            images(&files).await.map_err(|error| error.during("read layout").on(files.describe()))?;
        Ok(Self(Arc::new(Inner { files, images })))
    }

    /// All its images, in its own order.
    pub fn images(&self) -> &[LayoutImage] {
        &self.0.images
    }

    /// The image called `name`, by what the layout or the builder calls it; without a name, the only one.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none; [`InvalidInput`](ErrorKind::InvalidInput) if there are several. Both list the names.
    pub fn image(&self, name: Option<&str>) -> Result<&LayoutImage> {
        let fits = |image: &&LayoutImage| name.is_none_or(|name| image.is_called(name));
        let found: Vec<&LayoutImage> = self.images().iter().filter(fits).collect();
        match (found.as_slice(), name) {
            ([only], _) => Ok(only),
            // One image under several names is one.
            ([first, rest @ ..], _) if rest.iter().all(|other| other.digest() == first.digest()) => Ok(first),
            ([], None) => Err(self.error(ErrorKind::NotFound, "it has no image")),
            ([], Some(name)) => {
                let there = self.names();
                Err(self.error(ErrorKind::NotFound, &format!("it has no image {name:?}, but {there}")))
            }
            (_, None) => Err(self
                .error(ErrorKind::InvalidInput, &format!("it has several images: {}", self.names()))
                .help("say which by its name")),
            (_, Some(name)) => {
                Err(self.error(ErrorKind::InvalidInput, &format!("it has several images {name:?}")))
            }
        }
    }

    /// The manifest that a descriptor is about, and its bytes, whose digest is right.
    pub(crate) async fn manifest(&self, descriptor: &Descriptor) -> Result<(Bytes, Content)> {
        let on = |error: Error| error.on(format!("{} in {}", descriptor.digest, self.describe()));
        if descriptor.size > MAX_MANIFEST {
            return Err(on(Error::invalid("it is larger than the 4 MiB that a manifest may have")));
        }
        let parts: Vec<Bytes> = self.blob(descriptor).try_collect().await?;
        let bytes = Bytes::from(parts.concat());
        let content = Content::read(&bytes, Some(&descriptor.media_type)).map_err(on)?;
        Ok((bytes, content))
    }

    /// The bytes that a descriptor is about, or an error. The last part is held back until the digest is known to be right.
    pub(crate) fn blob(&self, descriptor: &Descriptor) -> BoxStream<'static, Result<Bytes>> {
        let (layout, Descriptor { digest, size, .. }) = (self.clone(), descriptor.clone());
        let place = format!("{digest} in {}", self.describe());
        let name = format!("blobs/{}/{}", digest.algorithm(), digest.hex());
        let bytes =
            stream::once(async move { layout.0.files.stream(&name, size).await }).try_flatten().boxed();
        verified(bytes, digest, size)
            .map_err(move |error| Error::new(error.kind(), error.message()).on(&place))
            .boxed()
    }

    fn names(&self) -> String {
        let name = |image: &LayoutImage| match image.name().or(image.full_name()) {
            Some(name) => format!("{name:?}"),
            None => image.digest().to_string(),
        };
        let shown: Vec<String> = self.images().iter().take(20).map(name).collect();
        let more = self.images().len().saturating_sub(20);
        match (shown.is_empty(), more) {
            (true, _) => "none at all".to_owned(),
            (_, 0) => shown.join(", "),
            (_, more) => format!("{} and {more} more", shown.join(", ")),
        }
    }

    pub(crate) fn describe(&self) -> String {
        self.0.files.describe()
    }

    fn error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message).on(self.describe())
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layout({}, {:?})", self.describe(), self.images())
    }
}

async fn images(files: &Files) -> Result<Vec<LayoutImage>> {
    let Some(marker) = files.small("oci-layout").await? else {
        let docker = files.small("manifest.json").await.is_ok_and(|found| found.is_some());
        return Err(if docker {
            Error::invalid("this is docker save's format, not an OCI image layout")
                .help("write one with docker buildx build --output type=oci,dest=FILE")
        } else {
            Error::invalid("it has no file \"oci-layout\": it is not an OCI image layout")
        });
    };
    let marker: Marker =
        serde_json::from_slice(&marker).map_err(|error| Error::invalid(format!("oci-layout: {error}")))?;
    if !marker.version.starts_with("1.") {
        let version: String = marker.version.chars().take(20).collect();
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("its layout version is {version:?}, not 1.0.0"),
        ));
    }
    let index = files.small("index.json").await?.ok_or_else(|| Error::invalid("it has no index.json"))?;
    let index = Content::read(&index, None)
        .map_err(|error| Error::invalid(format!("index.json: {}", error.message())))?;
    Ok(index.manifests.into_iter().map(|descriptor| LayoutImage { descriptor }).collect())
}

/// An archive is indexed, and each of its files read as a manifest.
#[cfg(fuzzing)]
pub(crate) fn fuzz(archive: &[u8]) {
    let Ok(files) = tar::index(&mut std::io::Cursor::new(archive)) else { return };
    for span in files.values() {
        let part = usize::try_from(span.offset).ok().zip(usize::try_from(span.length).ok());
        let file = part.and_then(|(offset, length)| archive.get(offset..)?.get(..length));
        assert!(file.is_some(), "{span:?} is not in it");
        let _ = Content::read(file.unwrap_or_default(), None);
    }
}
