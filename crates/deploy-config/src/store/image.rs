//! Image references as these files write them: as they are, nothing completed.

use deploy_core::error::{Error, Result};
use deploy_core::image::{Digest, Tag};

/// `name[:tag][@digest]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

impl Image {
    /// Takes a reference apart.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid("the value is no image")
                .help("write it as name:tag, name@digest or name:tag@digest")
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest.get(slash..).and_then(|last| last.split_once(':')) {
            Some((last, tag)) => (rest.get(..slash + last.len()).unwrap_or_default(), Some(tag)),
            None => (rest, None),
        };
        check_name(name).map_err(|_| wrong())?;
        if let Some(tag) = tag {
            tag.parse::<Tag>().map_err(|error| wrong().source(error))?;
        }
        if let Some(digest) = digest {
            digest.parse::<Digest>().map_err(|error| wrong().source(error))?;
        }
        Ok(Self { name: name.to_owned(), tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }

    /// It as one text.
    pub(super) fn join(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        format!("{}{tag}{digest}", self.name)
    }
}

/// That `name` can be an image's name.
pub(super) fn check_name(name: &str) -> Result<()> {
    let part = |character: char| character.is_ascii_alphanumeric() || "._-/:".contains(character);
    let last = name.rsplit('/').next().unwrap_or_default();
    if name.is_empty() || !name.chars().all(part) || last.is_empty() || last.contains(':') {
        return Err(Error::invalid("this is no name of an image").help("write it without tag and digest"));
    }
    Ok(())
}
