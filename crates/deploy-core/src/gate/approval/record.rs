//! Who approved what, and when.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::guard::Subject;
use crate::image::Digest;

/// The longest name, in bytes.
pub const MAX_NAME_LENGTH: usize = 128;

/// A person's approval of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Approval {
    /// Who.
    pub by: String,
    /// Of what: its [`subject_digest`].
    pub subject: Digest,
    /// When.
    pub at: Timestamp,
    /// Why, or where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Approval {
    /// `by` approved of `subject` at `at`.
    pub fn new(by: impl Into<String>, subject: &Subject, at: Timestamp) -> Self {
        Self { by: by.into(), subject: subject_digest(subject), at, note: None }
    }

    /// Why, or where it was said.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// What an approval is bound to: environment, images (in any order) and git revision. The run's name and what runs before do not count.
///
/// ```
/// use deploy_core::gate::approval::subject_digest;
/// use deploy_core::guard::Subject;
///
/// let mut subject = Subject::new("production");
/// subject.images = vec!["shop/api:v1".into()];
/// let digest = subject_digest(&subject);
/// subject.images = vec!["shop/api:v2".into()];
/// assert_ne!(subject_digest(&subject), digest);
/// ```
pub fn subject_digest(subject: &Subject) -> Digest {
    let mut images: Vec<&str> = subject.images.iter().map(String::as_str).collect();
    images.sort_unstable();
    images.dedup();
    // Each part with its length, so that no two subjects are written alike.
    let mut bytes = b"deploy-approval/1".to_vec();
    let mut part = |text: &str| {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    part(&subject.environment);
    part(&images.len().to_string());
    images.into_iter().for_each(&mut part);
    // Without one is not the same as with an empty one.
    subject.git_revision.iter().for_each(|revision| part(revision));
    Digest::sha256(&bytes)
}

/// Refuses what is no name: it is shown, and compared.
pub(super) fn check_name(name: &str) -> Result<()> {
    let is_name = !name.trim().is_empty()
        && name.trim() == name
        && name.len() <= MAX_NAME_LENGTH
        && !name.contains(|c: char| c.is_control() || matches!(c, ',' | ':'));
    if is_name {
        return Ok(());
    }
    let shown: String = name.chars().take(32).collect();
    Err(Error::invalid(format!("\"{}\" is no name of a person", shown.escape_default()))
        .help("one line without comma and colon, up to 128 bytes"))
}
