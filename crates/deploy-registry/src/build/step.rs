//! All images together.

use std::collections::{BTreeMap, BTreeSet};

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Reference;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tempfile::TempDir;

use super::{BuildOptions, NewImage};
use crate::layout::{Layout, LayoutImage};
use crate::registry::OciRegistry;

/// An image that was built.
struct Built<'a> {
    image: &'a NewImage,
    layout: Layout,
    found: LayoutImage,
    /// Removed with it.
    _folder: TempDir,
}

impl OciRegistry {
    /// Builds the images side by side and, when all are built, pushes each under its tags. Returns the reference of each by its name: its first
    /// tag, with the digest.
    ///
    /// The first build that fails stops the others, and nothing is pushed. When a push fails, the others are pushed all the same: what is done
    /// again then sends only what is missing. Dropped, it stops what builds, and what is pushed already stays.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for two images of one name and one without a tag; what a builder meets, naming the image; what a
    /// push meets, naming the images that were not pushed and those that were.
    pub async fn build_and_push(
        &self,
        images: &[NewImage],
        options: &BuildOptions,
    ) -> Result<BTreeMap<String, Reference>> {
        let mut names = BTreeSet::new();
        for image in images {
            if image.tags.is_empty() {
                return Err(inside(Error::invalid("it has no tag to be pushed under"), image));
            }
            if !names.insert(&image.name) {
                return Err(inside(Error::invalid("two images have this name"), image));
            }
        }
        let building = images.iter().map(|image| async move {
            build(image, options).await.map_err(|error| inside(error.during("build"), image))
        });
        let built: Vec<Built<'_>> = stream::iter(building).buffered(options.at_once).try_collect().await?;
        let pushing =
            built.iter().map(|built| async move { (built.image, self.push_tags(built, options).await) });
        let results: Vec<_> = stream::iter(pushing).buffered(options.at_once).collect().await;
        let (mut pushed, mut failed) = (BTreeMap::new(), Vec::new());
        for (image, result) in results {
            match result {
                Ok(reference) => {
                    pushed.insert(image.name.clone(), reference);
                }
                Err(error) => failed.push((image.name.as_str(), error)),
            }
        }
        if failed.is_empty() { Ok(pushed) } else { Err(partly(&pushed, failed)) }
    }

    async fn push_tags(&self, built: &Built<'_>, options: &BuildOptions) -> Result<Reference> {
        let mut first = None;
        for tag in &built.image.tags {
            let to = Reference::tagged(built.image.repository.clone(), tag.clone());
            let pushed = self.push(&built.layout, &built.found, &to, &options.push).await?;
            first.get_or_insert(pushed.reference);
        }
        first.ok_or_else(|| Error::invalid("it has no tag to be pushed under"))
    }
}

async fn build<'a>(image: &'a NewImage, options: &BuildOptions) -> Result<Built<'a>> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("build-");
    let made = match &options.folder {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    };
    let folder = made.map_err(|error| {
        Error::new(ErrorKind::Unavailable, "no folder for the image can be made")
            .help("see whether there is space, and who may write there")
            .source(error)
    })?;
    let path = image.builder.build(folder.path()).await?;
    let layout = Layout::open(path).await?;
    let found = layout.image(image.called.as_deref())?.clone();
    // That its bytes are what its digest says, before anything is pushed.
    layout.manifest(&found.descriptor).await?;
    Ok(Built { image, layout, found, _folder: folder })
}

/// Names the image before what the error is about.
fn inside(error: Error, image: &NewImage) -> Error {
    error.inside(format!("image \"{}\"", image.name))
}

fn partly(pushed: &BTreeMap<String, Reference>, failed: Vec<(&str, Error)>) -> Error {
    let quoted = |names: Vec<&str>| format!("\"{}\"", names.join("\", \""));
    let names = quoted(failed.iter().map(|(name, _)| *name).collect());
    let there = quoted(pushed.keys().map(String::as_str).collect());
    let there = if pushed.is_empty() { String::new() } else { format!(", and pushed was {there}") };
    let Some((_, first)) = failed.into_iter().next() else {
        return Error::new(ErrorKind::Internal, "nothing failed");
    };
    Error::new(first.kind(), format!("not pushed was {names}{there}: {first}"))
        .with_retry(first.retry())
        .during("push images")
}
