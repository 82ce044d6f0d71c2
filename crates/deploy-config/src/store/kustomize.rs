//! Kustomize's image overrides.

use deploy_core::error::{Error, Result};

use super::file_store;
use super::form::{Form, Wanted};
use super::image::{Image, check_name};
use crate::edit::{Change, Format, KeyPath, Reading, Step};

#[derive(Debug)]
pub(super) struct Images;

/// The fields of an entry that say what takes the image's place.
const NEW_NAME: &str = "newName";
const NEW_TAG: &str = "newTag";
const DIGEST: &str = "digest";

/// The entry of the image `name`.
fn entry(name: &str) -> Result<KeyPath> {
    check_name(name)?;
    KeyPath::new([Step::Key("images".into()), Step::Item { field: "name".into(), value: name.to_owned() }])
}

impl Form for Images {
    fn noun(&self) -> &'static str {
        "kustomization"
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn empty(&self) -> Option<&'static str> {
        None
    }

    fn value(&self, text: &Reading<'_>, key: &str) -> Result<Option<String>> {
        let entry = entry(key)?;
        let field = |name: &str| text.value(&entry.clone().then(name));
        let (name, tag, digest) = (field(NEW_NAME)?, field(NEW_TAG)?, field(DIGEST)?);
        if name.is_none() && tag.is_none() && digest.is_none() {
            return Ok(None);
        }
        Ok(Some(Image { name: name.unwrap_or_else(|| key.to_owned()), tag, digest }.join()))
    }

    fn changes(&self, text: &Reading<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (key, value) in wanted {
            let entry = entry(key)?;
            let image = value
                .map(Image::parse)
                .transpose()?
                .unwrap_or_else(|| Image { name: (*key).to_owned(), ..Image::default() });
            if value.is_some() && image.tag.is_none() && image.digest.is_none() && image.name == *key {
                return Err(Error::invalid("the value says nothing new")
                    .help("give it a tag, a digest or another name"));
            }
            // The image's own name needs not be said again; where it is, it stays.
            let own = image.name == *key;
            let name = if own && text.value(&entry.clone().then(NEW_NAME))?.as_ref() != Some(&image.name) {
                None
            } else {
                value.map(|_| image.name)
            };
            for (field, value) in [(NEW_NAME, name), (NEW_TAG, image.tag), (DIGEST, image.digest)] {
                changes.push(Change { path: entry.clone().then(field), value });
            }
        }
        Ok(changes)
    }
}

file_store! {
    /// A `kustomization.yaml`; a key is the name of an image in the manifests, its value the image that takes its place:
    /// `name:tag`, `name@digest`, `name:tag@digest`.
    ///
    /// As `kustomize edit set image` does it, the whole entry of `images:` becomes what the value says (`newName`
    /// only for another name, `newTag`, `digest`), so that no old digest outlives a new tag; an entry that is missing is
    /// added. Unlike there, entries keep their order, and all else its form. Removing a key leaves its entry with only
    /// the name, which changes nothing.
    ///
    /// A kustomization that is not there is [`NotFound`](deploy_core::error::ErrorKind::NotFound) when it is set.
    Kustomization, Images
}
