//! Building images and pushing them: several side by side, and none is pushed unless all were built.
//!
//! A [`Builder`] yields an OCI image layout. [`CommandBuilder`] is any program that can write one: `docker buildx build --output
//! type=oci,dest={output} .`, `buildah`, `ko build --oci-layout-path={output}`, `bazel`, `nix`. What it wrote is opened and its manifest's digest
//! checked before anything is pushed.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use deploy_core::tag::{TagFields, TagScheme};
//! use deploy_registry::OciRegistry;
//! use deploy_registry::build::{BuildOptions, CommandBuilder, NewImage};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let tag = TagScheme::template("{branch}-{sha}")?.render(&TagFields::new().branch("main").sha("4f1c2d9"))?;
//! let image = |name: &str| {
//!     let builder = CommandBuilder::new(["docker", "buildx", "build", "--output", "type=oci,dest={output}", name])
//!         .timeout(Duration::from_secs(1200));
//!     let repository = format!("ghcr.io/acme/{name}").parse()?;
//!     Ok::<_, deploy_core::error::Error>(NewImage::new(name, Arc::new(builder), repository).tagged(tag.clone()))
//! };
//! let registry = OciRegistry::builder().build()?;
//! let pushed = registry.build_and_push(&[image("api")?, image("web")?], &BuildOptions::new()).await?;
//! println!("api is {}", pushed["api"]);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod command;
mod step;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::Result;
use deploy_core::image::{Repository, Tag};

use crate::write::PushOptions;

pub use command::CommandBuilder;

/// Builds an image.
#[async_trait]
pub trait Builder: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// Builds the image and writes it as an OCI image layout, a folder or a tar archive. `folder` is empty, is this call's own, and is removed
    /// when the image was pushed; the layout may also lie elsewhere. Returns where it lies.
    ///
    /// Cancel safe: dropped, it stops what it started.
    ///
    /// # Errors
    /// If there is no image.
    async fn build(&self, folder: &Path) -> Result<PathBuf>;
}

/// An image that is to be built, and where it goes.
#[derive(Clone)]
#[must_use]
pub struct NewImage {
    name: String,
    builder: Arc<dyn Builder>,
    repository: Repository,
    tags: Vec<Tag>,
    called: Option<String>,
}

impl NewImage {
    /// An image called `name` among those that are built together. It needs a tag.
    pub fn new(name: impl Into<String>, builder: Arc<dyn Builder>, repository: Repository) -> Self {
        Self { name: name.into(), builder, repository, tags: Vec::new(), called: None }
    }

    /// Pushes it under this tag; under several, if this is called again.
    pub fn tagged(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// Which image of the layout it is, by [its name](crate::layout::Layout::image) there. Default: the only one.
    pub fn called(mut self, name: impl Into<String>) -> Self {
        self.called = Some(name.into());
        self
    }
}

impl fmt::Debug for NewImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewImage({} by {} to {})", self.name, self.builder.describe(), self.repository)
    }
}

/// How images are built and pushed.
#[derive(Clone, Debug)]
#[must_use]
pub struct BuildOptions {
    at_once: usize,
    folder: Option<PathBuf>,
    push: PushOptions,
}

impl BuildOptions {
    /// Two at once, in the system's folder for temporary files; tags are moved.
    pub fn new() -> Self {
        Self { at_once: 2, folder: None, push: PushOptions::new() }
    }

    /// How many are built, and then pushed, at the same time; at least one. Default: 2.
    pub fn at_once(mut self, images: usize) -> Self {
        self.at_once = images.max(1);
        self
    }

    /// Where the layouts are written until they are pushed. Default: the system's folder for temporary files.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How they are pushed. Default: a tag that stands for another image is moved.
    pub fn push(mut self, options: PushOptions) -> Self {
        self.push = options;
        self
    }
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self::new()
    }
}
