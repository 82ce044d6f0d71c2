//! Helm's values files.

use deploy_core::error::{Error, Result};

use super::file_store;
use super::form::{Form, Wanted};
use super::image::{Image, check_name};
use crate::edit::{Change, Format, KeyPath, Reading};

#[derive(Debug)]
pub(super) struct Values;

/// What a key starts with that names an image.
const BY_IMAGE: &str = "image=";

const REGISTRY: &str = "registry";
const REPOSITORY: &str = "repository";
const TAG: &str = "tag";
const DIGEST: &str = "digest";

/// Where a values file says which image it is.
enum Place {
    /// A map with `repository`, and what else charts have beside it.
    Parts { at: KeyPath, tag: Option<String>, digest: Option<String> },
    /// One text, at a key that ends with `image`.
    Whole { at: KeyPath, image: Image },
}

impl Place {
    fn path(&self) -> &KeyPath {
        match self {
            Self::Parts { at, .. } | Self::Whole { at, .. } => at,
        }
    }

    fn value(&self, name: &str) -> String {
        match self {
            Self::Parts { tag, digest, .. } => {
                let text = |part: &Option<String>| part.clone().filter(|part| !part.is_empty());
                Image { name: name.to_owned(), tag: text(tag), digest: text(digest) }.join()
            }
            Self::Whole { image, .. } => image.join(),
        }
    }
}

/// All places of the image `name`.
fn places(text: &Reading<'_>, name: &str) -> Result<Vec<Place>> {
    let mut found = Vec::new();
    for (at, id) in text.maps_with(REPOSITORY)? {
        let part = |key: &str| text.value_at(id, Some(key));
        let Ok(Some(repository)) = part(REPOSITORY) else { continue };
        let registry = part(REGISTRY).ok().flatten().filter(|registry| !registry.is_empty());
        let full = registry.map_or_else(|| repository.clone(), |registry| format!("{registry}/{repository}"));
        if full == name {
            let (tag, digest) = (part(TAG)?, part(DIGEST)?);
            found.push(Place::Parts { at, tag, digest });
        }
    }
    for (at, id) in text.scalars_at(|key| key.to_ascii_lowercase().ends_with("image"))? {
        if let Ok(Some(written)) = text.value_at(id, None)
            && let Ok(image) = Image::parse(&written)
            && image.name == name
        {
            found.push(Place::Whole { at, image });
        }
    }
    Ok(found)
}

/// The one place of the image `name`.
fn place(text: &Reading<'_>, name: &str) -> Result<Option<Place>> {
    check_name(name)?;
    let mut found = places(text, name)?;
    if found.len() > 1 {
        let names: Vec<String> = found.iter().take(8).map(|place| place.path().to_string()).collect();
        return Err(Error::invalid(format!("several places have this image: {}", names.join(", ")))
            .help("name one by its path"));
    }
    Ok(found.pop())
}

impl Form for Values {
    fn noun(&self) -> &'static str {
        "Helm values"
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn value(&self, text: &Reading<'_>, key: &str) -> Result<Option<String>> {
        match key.strip_prefix(BY_IMAGE) {
            Some(name) => Ok(place(text, name)?.map(|place| place.value(name))),
            None => text.value(&key.parse()?),
        }
    }

    fn changes(&self, text: &Reading<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (key, value) in wanted {
            let value = value.map(str::to_owned);
            let Some(name) = key.strip_prefix(BY_IMAGE) else {
                changes.push(Change { path: key.parse()?, value });
                continue;
            };
            let Some(value) = value else {
                return Err(Error::invalid("an image is not removed from values").help("remove a path"));
            };
            let image = Image::parse(&value)?;
            if image.name != name {
                return Err(
                    Error::invalid("the value names another image").help("change its repository by path")
                );
            }
            match place(text, name)? {
                None => {
                    return Err(Error::invalid("no place has this image").help("name the place by its path"));
                }
                Some(Place::Whole { at, .. }) => changes.push(Change::put(at, value)),
                Some(Place::Parts { at, digest: Some(_), .. }) => {
                    changes.push(Change::put(at.clone().then(TAG), image.tag.unwrap_or_default()));
                    changes.push(Change::put(at.then(DIGEST), image.digest.unwrap_or_default()));
                }
                // A chart that knows no digest puts a colon and the tag behind the repository.
                Some(Place::Parts { at, digest: None, .. }) => {
                    let Some(tag) = image.tag else {
                        return Err(Error::invalid("the values have no digest beside this tag")
                            .help("give the image a tag too"));
                    };
                    let digest = image.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
                    changes.push(Change::put(at.then(TAG), format!("{tag}{digest}")));
                }
            }
        }
        Ok(changes)
    }
}

file_store! {
    /// A values file of Helm; a key is a path (`image.tag`, `workers[name=mail].image.tag`), or an image by its name:
    /// `image=ghcr.io/acme/api`, whose value is a whole reference of the same name (`ghcr.io/acme/api:v2`, with `@digest`).
    ///
    /// By name it is found as `repository:` (with `registry:` before it where that stands beside), and `tag:` and
    /// `digest:` beside are set; where there is no `digest:`, a digest goes behind the tag. Or it is found as one text at
    /// a key that ends with `image`. An image in several places is refused, and they are named.
    HelmValues, Values
}
