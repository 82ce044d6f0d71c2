//! What the journal says of a promotion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Images;
use super::written::Change;
use crate::image::{Digest, Reference};
use crate::tag::Hold;

/// What a promotion was about to do in one environment, and what stood there before: a part of an [`Intent`](crate::journal::Intent).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The environment.
    pub(super) environment: String,
    /// What ran before, by the images' names.
    pub(super) from: Images,
    /// What is to run.
    pub(super) to: Images,
    /// The keys that are written.
    pub(super) changes: Vec<Change>,
    /// Why it is being taken back, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// The holds to place, where it is being taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) holds: Vec<Hold>,
}

/// What identifies a set of images.
pub(super) fn digest(images: &BTreeMap<String, Reference>) -> String {
    let lines: Vec<String> = images.iter().map(|(name, image)| format!("{name} {image}\n")).collect();
    Digest::sha256(lines.concat().as_bytes()).to_string()
}
