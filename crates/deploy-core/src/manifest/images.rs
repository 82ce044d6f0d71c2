//! The images of an object's containers, read and replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kinds::pod_spec_pointer;
use super::{Object, ObjectId};
use crate::error::{Error, Result};
use crate::image::{Digest, Reference, Repository};

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// A container of a bundle and the image it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContainerImage {
    /// The object that holds the pod template.
    pub object: ObjectId,
    /// The container's name; empty where its kind needs none.
    pub container: String,
    /// The JSON pointer of the image.
    pub pointer: String,
    /// The image.
    pub image: Reference,
}

/// An image to put in place of what the manifests say: `NAME=IMAGE`.
///
/// `NAME` is a container's name, as in `kubectl set image`, or `*` for every container; or, where no container has that
/// name, an image without tag and digest, as in kustomize's `images`. `IMAGE` is written as it is given.
///
/// ```
/// use deploy_core::manifest::ImageOverride;
///
/// let by_container: ImageOverride = "api=ghcr.io/shop/api:v2".parse()?;
/// let by_image: ImageOverride = "ghcr.io/shop/api=ghcr.io/shop/api:v2".parse()?;
/// assert_eq!(by_container.image(), by_image.image());
/// assert!("api".parse::<ImageOverride>().is_err());
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageOverride {
    name: String,
    text: String,
    image: Reference,
}

impl ImageOverride {
    /// Replaces the image of what `name` names by `image`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if `name` is empty or `image` is no reference.
    pub fn new(name: &str, image: &str) -> Result<Self> {
        if name.is_empty() {
            return Err(Error::invalid(format!(
                "the image override \"={image}\" names no container and no image"
            )));
        }
        Ok(Self { name: name.to_owned(), text: image.to_owned(), image: image.parse()? })
    }

    /// The name of a container or an image, or `*`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The image to run.
    pub fn image(&self) -> &Reference {
        &self.image
    }
}

impl FromStr for ImageOverride {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, image) = text
            .split_once('=')
            .ok_or_else(|| Error::invalid(format!("the image override {text:?} is not NAME=IMAGE")))?;
        Self::new(name, image)
    }
}

impl fmt::Display for ImageOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.text)
    }
}

impl fmt::Debug for ImageOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for ImageOverride {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ImageOverride> for String {
    fn from(image: ImageOverride) -> Self {
        image.to_string()
    }
}

/// The images of `object`'s containers, each one checked; a container without an image is left to the API server.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput), naming the place: an image that is no reference.
///
/// ```
/// let pod = b"{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: api, image: 'shop/api:v1'}]}}";
/// let objects = deploy_core::manifest::read("pod.yaml", pod)?;
/// assert_eq!(deploy_core::manifest::images(&objects[0])?[0].image.to_string(), "shop/api:v1");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn images(object: &Object) -> Result<Vec<ContainerImage>> {
    let id = object.id();
    let mut images = Vec::new();
    for pointer in container_pointers(object) {
        let Some(container) = object.get(&pointer) else { continue };
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let pointer = format!("{pointer}/image");
        let problem = |problem: &str| {
            let error = Error::invalid(format!("{id}: container {name:?}: {problem}"));
            match object.place(&pointer) {
                Some(place) => error.on(place),
                None => error,
            }
        };
        let image: Reference = match container.get("image") {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.parse().map_err(|error: Error| problem(error.message()))?,
            Some(_) => return Err(problem("the image is not a string")),
        };
        images.push(ContainerImage { object: id.clone(), container: name.to_owned(), pointer, image });
    }
    Ok(images)
}

/// Writes the digest of every image beside its tag, as in `shop/api:v2@sha256:…`; what is written there stays as it is otherwise.
pub(super) fn pin(objects: &mut [Object], digests: &BTreeMap<Reference, Digest>) -> Result<()> {
    for object in objects {
        for ContainerImage { container, pointer, image, .. } in images(object)? {
            let (Some(tag), None) = (image.tag(), image.digest()) else { continue };
            let digest = digests.get(&image).ok_or_else(|| {
                Error::invalid(format!(
                    "the digest of the image {image} of container {container:?} is not known"
                ))
                .on(object.id())
            })?;
            // A short name is not completed by its registry, but a tag that is meant is said.
            let written = object.get(&pointer).and_then(Value::as_str).unwrap_or_default();
            let tag = format!(":{tag}");
            let name = written.strip_suffix(&tag).unwrap_or(written);
            let pinned = Value::String(format!("{name}{tag}@{digest}"));
            object.set(pointer.trim_end_matches("/image"), "image", pinned);
        }
    }
    Ok(())
}

/// Applies `overrides` to `objects`; where several name the same container the last one counts.
pub(super) fn replace(objects: &mut [Object], overrides: &[ImageOverride]) -> Result<()> {
    if overrides.is_empty() {
        return Ok(());
    }
    // (object, pointer of the container, container's name, repository of its image as written)
    let mut containers: Vec<(usize, String, String, Option<Repository>)> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        for pointer in container_pointers(object) {
            let Some(container) = object.get(&pointer) else { continue };
            let text = |key: &str| container.get(key).and_then(Value::as_str);
            let image = text("image").and_then(|image| image.parse::<Reference>().ok());
            let repository = image.map(|image| image.repository().clone());
            containers.push((index, pointer, text("name").unwrap_or_default().to_owned(), repository));
        }
    }
    for wanted in overrides {
        let by_name = wanted.name == "*" || containers.iter().any(|(_, _, name, _)| *name == wanted.name);
        let repository = wanted.name.parse::<Repository>().ok();
        let mut found = false;
        for (index, pointer, name, image) in &containers {
            let matches = if by_name {
                wanted.name == "*" || *name == wanted.name
            } else {
                repository.is_some() && repository == *image
            };
            if let (true, Some(object)) = (matches, objects.get_mut(*index)) {
                found = true;
                object.set(pointer, "image", Value::String(wanted.text.clone()));
            }
        }
        if !found {
            return Err(unmatched(wanted, &containers));
        }
    }
    Ok(())
}

fn unmatched(wanted: &ImageOverride, containers: &[(usize, String, String, Option<Repository>)]) -> Error {
    let mut names: Vec<&str> = containers.iter().map(|(_, _, name, _)| name.as_str()).collect();
    let mut images: Vec<&str> =
        containers.iter().filter_map(|(_, _, _, image)| image.as_ref()).map(Repository::familiar).collect();
    for list in [&mut names, &mut images] {
        list.retain(|name| !name.is_empty());
        list.sort_unstable();
        list.dedup();
    }
    let message = format!("the image override {:?} matches no container and no image", wanted.to_string());
    let error = Error::invalid(message);
    if names.is_empty() && images.is_empty() {
        return error.help("there is no container in these manifests");
    }
    let nearest = names
        .iter()
        .chain(&images)
        .map(|name| (distance(name, &wanted.name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min();
    let guess = nearest.map(|(_, name)| format!("did you mean {name:?}? ")).unwrap_or_default();
    error.help(format!("{guess}containers: {}; images: {}", names.join(", "), images.join(", ")))
}

/// Levenshtein's distance, of short texts only.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, character) in left.chars().take(100).enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&right) {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The JSON pointers of an object's containers, init and ephemeral ones too.
fn container_pointers(object: &Object) -> Vec<String> {
    let Some(pod) = pod_spec_pointer(object) else { return Vec::new() };
    let lists = CONTAINER_LISTS.iter().map(|list| format!("{pod}/{list}"));
    lists
        .flat_map(|list| {
            let length = object.get(&list).and_then(Value::as_array).map_or(0, Vec::len);
            (0..length).map(move |index| format!("{list}/{index}"))
        })
        .filter(|container| object.get(container).is_some_and(Value::is_object))
        .collect()
}
