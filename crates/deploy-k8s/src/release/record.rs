//! One revision of a release as Helm records it (`pkg/release/v1/release.go`, `info.go`, `hook.go`; `pkg/chart/v2`).
//!
//! What a later Helm adds is kept as it is: a record that is read, changed and written again loses nothing. Go leaves out what is empty
//! and takes null for it, and so does this.

use std::fmt;

use deploy_core::clock::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A revision.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) info: Info,
    /// The chart without its templates and files, which no reader of a record needs.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) chart: Value,
    /// The values that were given.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Map::is_empty")]
    pub(crate) config: Map<String, Value>,
    /// YAML documents, without the metadata that makes live objects the release's.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub(crate) manifest: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(crate) hooks: Vec<Hook>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) version: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) namespace: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub(crate) apply_method: Option<String>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// How a revision stands, and since when.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Info {
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Time::is_zero")]
    pub(crate) first_deployed: Time,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Time::is_zero")]
    pub(crate) last_deployed: Time,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Time::is_zero")]
    pub(crate) deleted: Time,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) status: ReleaseStatus,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub(crate) notes: String,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// An object that runs beside the release: before or after one of its steps, or as a test.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hook {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) kind: String,
    /// The template that it came from.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub(crate) manifest: String,
    /// `pre-install`, `test` …
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<String>,
    /// Lower ones run first.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub(crate) weight: i64,
    /// When its object is deleted: `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(crate) delete_policies: Vec<String>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Record {
    /// The chart's metadata: `name`, `version`, `appVersion`.
    pub(crate) fn chart_metadata(&self, field: &str) -> Option<&str> {
        self.chart.get("metadata")?.get(field)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Values and manifests may be secret: `Debug` shows which revision it is.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("version", &self.version)
            .field("status", &self.info.status)
            .finish_non_exhaustive()
    }
}

/// How a release or one of its revisions stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ReleaseStatus {
    /// It is not known.
    #[default]
    Unknown,
    /// It is what runs.
    Deployed,
    /// The release was removed and its history kept.
    Uninstalled,
    /// A later revision took its place.
    Superseded,
    /// It did not come to run.
    Failed,
    /// It is being removed.
    Uninstalling,
    /// The first revision, on its way.
    PendingInstall,
    /// A later revision, on its way.
    PendingUpgrade,
    /// On the way back to an earlier revision's manifest.
    PendingRollback,
    /// A status that only a later Helm knows.
    Other(String),
}

const STATUSES: [(ReleaseStatus, &str); 9] = [
    (ReleaseStatus::Unknown, "unknown"),
    (ReleaseStatus::Deployed, "deployed"),
    (ReleaseStatus::Uninstalled, "uninstalled"),
    (ReleaseStatus::Superseded, "superseded"),
    (ReleaseStatus::Failed, "failed"),
    (ReleaseStatus::Uninstalling, "uninstalling"),
    (ReleaseStatus::PendingInstall, "pending-install"),
    (ReleaseStatus::PendingUpgrade, "pending-upgrade"),
    (ReleaseStatus::PendingRollback, "pending-rollback"),
];

impl ReleaseStatus {
    /// Helm's word for it.
    pub fn as_str(&self) -> &str {
        if let Self::Other(word) = self {
            return word;
        }
        STATUSES.iter().find(|(status, _)| status == self).map_or("unknown", |(_, word)| word)
    }

    /// Whether somebody is at work on it, or died at it.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl From<String> for ReleaseStatus {
    fn from(word: String) -> Self {
        let known = STATUSES.iter().find(|(_, known)| *known == word).map(|(status, _)| status.clone());
        known.unwrap_or(if word.is_empty() { Self::Unknown } else { Self::Other(word) })
    }
}

impl From<ReleaseStatus> for String {
    fn from(status: ReleaseStatus) -> Self {
        status.as_str().to_owned()
    }
}

impl fmt::Display for ReleaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A time as it was written, in whatever zone. Helm 3 writes no time as an empty text, Helm 4 leaves it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Time(String);

impl Time {
    fn is_zero(&self) -> bool {
        // Go's own zero time is in the year 1.
        self.0.is_empty() || self.0.starts_with("0001-01-01T00:00:00")
    }

    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        if self.is_zero() { None } else { self.0.parse().ok() }
    }
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time.to_string())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Go reads null as what is empty.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}
