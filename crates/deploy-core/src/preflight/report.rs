//! What was found.

use std::fmt;

use serde::Serialize;

use crate::error::ErrorKind;
use crate::image::{Digest, Reference};
use crate::manifest::ObjectId;

/// What was found of a bundle's images. As an error it is the [`source`](std::error::Error::source) of what
/// [`into_result`](Report::into_result) gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// Every image, sorted; one that is pulled with different secrets once for each.
    pub images: Vec<CheckedImage>,
}

/// What was found of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckedImage {
    /// The image.
    pub image: Reference,
    /// What runs it.
    pub used_by: Vec<UsedBy>,
    /// The digest that it stands for now.
    pub digest: Option<Digest>,
    /// The platforms it is there for; empty where nobody asked.
    pub platforms: Vec<String>,
    /// The pull secrets that it is pulled with, as `NAMESPACE/NAME`.
    pub pull_secrets: Vec<String>,
    /// Those of them that do not exist: the kubelet passes over them.
    pub missing_secrets: Vec<String>,
    /// Whether it could be read with them; `None` where nobody asked.
    pub readable: Option<bool>,
    /// Why it cannot run.
    pub problem: Option<Problem>,
}

/// A container that runs an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsedBy {
    /// The object that holds the pod template.
    pub object: ObjectId,
    /// The container.
    pub container: String,
}

/// Why an image cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// In a sentence, lowercase.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// What keeps an image from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ProblemKind {
    /// It does not exist.
    NotFound,
    /// It is not there for a platform of the nodes.
    Platform,
    /// It cannot be read with these pull secrets, or these credentials.
    Unreadable,
    /// It could not be found out.
    Unknown,
}

impl ProblemKind {
    pub(super) fn as_error(self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Platform => ErrorKind::InvalidInput,
            Self::Unreadable => ErrorKind::Forbidden,
            Self::Unknown => ErrorKind::Unavailable,
        }
    }
}

impl Report {
    /// Whether every image can run.
    pub fn is_good(&self) -> bool {
        self.images.iter().all(|image| image.problem.is_none())
    }
}

/// As in `3 images can run`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, bad) =
            (self.images.len(), self.images.iter().filter(|image| image.problem.is_some()).count());
        let images = if all == 1 { "image" } else { "images" };
        match bad {
            0 => write!(f, "{all} {images} can run"),
            bad => write!(f, "{bad} of {all} {images} cannot run"),
        }
    }
}

impl std::error::Error for Report {}

/// As in `shop/api:v1 of Deployment shop/api`.
impl fmt::Display for CheckedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.image.fmt(f)?;
        match self.used_by.as_slice() {
            [] => Ok(()),
            [one] => write!(f, " of {}", one.object),
            [first, rest @ ..] => write!(f, " of {} and {} more", first.object, rest.len()),
        }
    }
}
