//! An image reference.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Digest, MAX_INPUT_LENGTH, Problem, Repository, Tag};
use crate::error::{Error, Result};

/// An image: a repository with a tag, a digest, or both.
///
/// Parsing completes it as Docker does, so that `nginx` equals `docker.io/library/nginx:latest`. `Display` is the
/// familiar form (`nginx:latest`), which parses as the same reference; [`Reference::canonical`] is the full one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

impl Reference {
    /// `repository` with `tag`.
    pub fn tagged(repository: Repository, tag: Tag) -> Self {
        Self { repository, tag: Some(tag), digest: None }
    }

    /// `repository` at `digest`.
    pub fn pinned(repository: Repository, digest: Digest) -> Self {
        Self { repository, tag: None, digest: Some(digest) }
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag; `latest` where neither tag nor digest was written, `None` where only a digest was.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest. Where it is there it decides what is pulled, and the tag is only for people.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same image with its digest known; the tag stays.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The full form, as in `docker.io/library/nginx:latest`.
    pub fn canonical(&self) -> String {
        self.with_repository(self.repository.canonical())
    }

    /// The form people write, as in `nginx:latest`.
    pub fn familiar(&self) -> String {
        self.with_repository(self.repository.familiar())
    }

    fn with_repository(&self, repository: &str) -> String {
        let mut text = String::from(repository);
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag.as_str());
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest.as_str());
        }
        text
    }

    fn check(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("it is empty"));
        }
        if text.len() > MAX_INPUT_LENGTH {
            return Err(Problem::new(format!("it is {} bytes long", text.len())));
        }
        if let Some(at) = text.find(char::is_whitespace) {
            return Err(Problem::at("it holds white space", at));
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Problem::new("64 hexadecimal digits are an image's id, not a name"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = Digest::check(digest).map_err(|problem| problem.after(rest.len() + 1))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        // A ':' before the last '/' belongs to the registry's port.
        let last_component = rest.rfind('/').map_or(0, |slash| slash + 1);
        let colon = rest.get(last_component..).and_then(|last| last.find(':')).map(|at| last_component + at);
        let (repository, tag) = match colon {
            Some(colon) => (rest.get(..colon).unwrap_or_default(), rest.get(colon + 1..)),
            None => (rest, None),
        };
        let repository = Repository::check(repository)?;
        let tag = match tag {
            Some(tag) => {
                Some(Tag::check(tag).map_err(|problem| problem.after(colon.map_or(0, |colon| colon + 1)))?)
            }
            None if digest.is_none() => Some(Tag::latest()),
            None => None,
        };
        Ok(Self { repository, tag, digest })
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text).map_err(|problem| problem.about("image reference", text))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for Reference {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.familiar()
    }
}
