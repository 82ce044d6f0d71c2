//! What became of a promotion to one environment, as data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Images;
use super::written::says;
use crate::clock::Timestamp;
use crate::image::Reference;
use crate::outcome::{Cause, Outcome, Status as Rolled};
use crate::run::DeploymentId;
use crate::tag::Hold;

/// How many images one line tells of.
const LISTED: usize = 3;

/// How a promotion to an environment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Status {
    /// The environment has it already; nothing was done.
    Unchanged,
    /// It is written down, and deployed and verified where that was asked for.
    Promoted,
    /// What the store says is deployed and verified; nothing was written down.
    Deployed,
    /// A gate said no, or could not say; nothing was written.
    Refused,
    /// It failed, and both the target and what was written down are as before.
    Undone,
    /// It failed and was left as it is, as asked.
    Left,
    /// It failed, and not everything is as before.
    UndoFailed,
}

impl Status {
    /// Whether the environment now has what was to go there.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Unchanged | Self::Promoted | Self::Deployed)
    }
}

/// What became of a promotion to one environment. `Display` is a paragraph for a person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Promoted {
    /// The environment.
    pub environment: String,
    /// How it ended.
    pub status: Status,
    /// The run.
    pub deployment: DeploymentId,
    /// What was there before, by the images' names.
    pub from: BTreeMap<String, Reference>,
    /// What was to go there.
    pub to: BTreeMap<String, Reference>,
    /// The commit of what was to go there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_revision: Option<String>,
    /// The gates that said yes, and on what grounds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grounds: Vec<(String, String)>,
    /// Why it did not succeed, where that is not in the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The rollout, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What is held now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    #[serde(serialize_with = "crate::outcome::seconds")]
    pub took: Duration,
}

impl Promoted {
    /// The images that change, as in `api: v1 to v2`.
    pub fn changes(&self) -> Vec<String> {
        changes(&self.from, &self.to)
    }

    /// Why it did not succeed; `None` if it did.
    pub fn cause(&self) -> Option<&Cause> {
        let of_rollout =
            || self.outcome.as_ref().filter(|outcome| outcome.status != Rolled::Incomplete)?.cause.as_ref();
        self.cause.as_ref().or_else(of_rollout)
    }
}

impl fmt::Display for Promoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = summary(&self.from, &self.to, self.git_revision.as_deref());
        let name = &self.environment;
        match self.status {
            Status::Unchanged => write!(f, "{name}: nothing new"),
            Status::Promoted => write!(f, "{name}: promoted {changes}"),
            Status::Deployed => write!(f, "{name}: deployed {}", named(&self.to).join(", ")),
            Status::Refused => write!(f, "{name}: refused {changes}"),
            Status::Undone => write!(f, "{name}: undone {changes}"),
            Status::Left => write!(f, "{name}: failed and left as it is {changes}"),
            Status::UndoFailed => write!(f, "{name}: failed, and not everything is as before {changes}"),
        }?;
        if let Some(cause) = self.cause() {
            write!(f, ": {cause}")?;
        }
        self.holds.iter().try_for_each(|hold| write!(f, "\nheld: {hold}"))?;
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

/// The images that change, as in `api: v1 to v2`.
pub(super) fn changes(from: &Images, to: &Images) -> Vec<String> {
    let changed = to.iter().filter(|(name, image)| !says(from.get(*name), image));
    let words = changed.map(|(name, image)| match from.get(name) {
        Some(before) => format!("{name}: {} to {}", short(before), short(image)),
        None => format!("{name}: {}", short(image)),
    });
    words.collect()
}

/// What changes, short enough for the first line of a commit.
pub(super) fn summary(from: &Images, to: &Images, revision: Option<&str>) -> String {
    let changes = changes(from, to);
    match (changes.len(), revision) {
        (..=LISTED, _) => changes.join(", "),
        (count, Some(revision)) => format!("{count} images to {revision}"),
        (count, None) => format!("{count} images"),
    }
}

/// The images, as in `api v2`.
fn named(images: &Images) -> Vec<String> {
    images.iter().map(|(name, image)| format!("{name} {}", short(image))).collect()
}

/// What tells an image from another one of its name.
pub(super) fn short(image: &Reference) -> String {
    match (image.tag(), image.digest()) {
        (Some(tag), _) => tag.to_string(),
        (None, Some(digest)) => digest.to_string(),
        (None, None) => image.to_string(),
    }
}
