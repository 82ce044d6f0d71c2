//! What the API server does to `managedFields`, and to an object that is applied: for whoever imitates it.
//!
//! [`apply`] is a server-side apply, [`updated`] what every other write (POST, PUT, the other patches) does to the entries.
//! Neither decodes, defaults, validates nor admits: the caller does that with the object that [`apply`] returns, and before
//! it calls [`updated`]. The rules are those of `sigs.k8s.io/structured-merge-diff` and of `managedfields` in
//! `k8s.io/apimachinery`.
//!
//! Exact for the built-in kinds. Of custom resources the schema is not known: objects count as merged field by field and
//! lists as replaced as a whole. Entries at another version of the API are read as if their paths meant the same at the
//! object's; all objects of one call must be at one version. What `kubectl`'s own manager name brings about (what the
//! last-applied annotation says is no conflict, and the annotation follows) is left to the caller: [`Conflicts::except`].
//!
//! ```
//! use k8s_fields::server::{ApplyError, Write, apply, updated};
//! use k8s_fields::{ManagedFields, Operation};
//! use serde_json::json;
//!
//! let deploy = Write::by("deploy", "2026-01-01T00:00:00Z");
//! let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "1"}});
//! let live = apply(None, &manifest, &deploy)?;
//!
//! // Somebody edits it by PUT.
//! let mut edited = live.clone();
//! edited["data"]["key"] = "2".into();
//! let edit = Write::by("edit", "2026-01-01T00:00:01Z");
//! edited["metadata"]["managedFields"] = updated(Some(&live), &edited, &edit).to_value();
//! let owners = ManagedFields::of(&edited)?;
//! assert!(owners.find("deploy", Operation::Apply, None).is_none(), "it owned nothing else");
//!
//! // The next apply conflicts, and has its way by force.
//! let Err(ApplyError::Conflicts(conflicts)) = apply(Some(&edited), &manifest, &deploy) else { panic!() };
//! assert_eq!(conflicts.to_string(), r#"Apply failed with 1 conflict: conflict with "edit" using v1: .data.key"#);
//! let forced = apply(Some(&edited), &manifest, &deploy.forced())?;
//! assert_eq!(forced["data"], json!({"key": "1"}));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod changes;
mod conflicts;
mod items;
mod merge;
mod prune;
mod scale;
mod update;

use std::cmp::Ordering;

use serde_json::Value;

use crate::schema::{Schema, Shape};
use crate::{Entry, FieldSet, ManagedFields, Operation, ParseError};

pub use apply::{ApplyError, apply};
pub use conflicts::{Conflict, Conflicts};
pub use update::updated;

/// Who writes, when and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    manager: String,
    time: String,
    subresource: Option<String>,
    force: bool,
    own_status: Option<bool>,
}

impl Write {
    /// A write of the resource itself by this field manager, without force. The time is RFC 3339 in UTC to the second, as the
    /// API has it.
    pub fn by(manager: impl Into<String>, time: impl Into<String>) -> Self {
        let (manager, time) = (Some(manager.into()), time.into());
        let manager = manager.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
        Self { manager, time, subresource: None, force: false, own_status: None }
    }

    /// Through a subresource. Through `status` the metadata counts too where the kind is built in, but for a Deployment's labels and
    /// a Pod's owners, as a real server does; nothing else does. Through `scale` only `.spec.replicas` does, and as the API
    /// server has it: a write leaves an entry only if somebody owned them, never a time, and none if it scales to 0.
    #[must_use]
    pub fn through(mut self, subresource: impl Into<String>) -> Self {
        self.subresource = Some(subresource.into()).filter(|name| !name.is_empty());
        self
    }

    /// An apply that takes over what conflicts. Other writes always do.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.force = true;
        self
    }

    /// Whether the resource has a subresource `status`, so that a write of the resource itself leaves the status alone.
    /// By default built-in kinds have one and others do not.
    #[must_use]
    pub fn with_status_subresource(mut self, has_one: bool) -> Self {
        self.own_status = Some(has_one);
        self
    }

    fn entry(&self, operation: Operation, api_version: &str, fields: FieldSet) -> Entry {
        let mut entry = Entry::new(self.manager.as_str(), operation, api_version, fields);
        entry.time = Some(self.time.clone());
        entry.subresource.clone_from(&self.subresource);
        entry
    }

    /// What of an object's fields this write can change at all.
    fn reach(&self, object: &Value, schema: Schema) -> Reach {
        let is_builtin = *schema.shape() != Shape::Unknown;
        match self.subresource.as_deref() {
            Some("status") if is_builtin => {
                Reach::StatusAndMetadata { but: not_through_status(api_version(object), &object["kind"]) }
            }
            Some("status") => Reach::Status,
            _ if self.own_status.unwrap_or(is_builtin) => Reach::AllButStatus,
            _ => Reach::All,
        }
    }
}

/// The part of an object's metadata that a write through `status` leaves as it is (`GetResetFields` of each kind's strategy; tried
/// on a real server).
///
/// ```
/// use k8s_fields::server::not_through_status;
/// use serde_json::json;
///
/// assert_eq!(not_through_status("apps/v1", &json!("Deployment")), Some("labels"));
/// assert_eq!(not_through_status("apps/v1", &json!("StatefulSet")), None);
/// ```
#[must_use]
pub fn not_through_status(api_version: &str, kind: &Value) -> Option<&'static str> {
    match (api_version, kind.as_str()?) {
        ("apps/v1", "Deployment") => Some("labels"),
        ("v1", "Pod") => Some("ownerReferences"),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    All,
    AllButStatus,
    Status,
    StatusAndMetadata { but: Option<&'static str> },
}

impl Reach {
    fn of(self, mut fields: FieldSet) -> FieldSet {
        match self {
            Self::All => {}
            Self::AllButStatus => fields.retain(|element, _| !element.is_field("status")),
            Self::Status => fields.retain(|element, _| element.is_field("status")),
            Self::StatusAndMetadata { but } => fields.retain(|element, node| {
                let is_metadata = element.is_field("metadata");
                if is_metadata && let Some(but) = but {
                    node.below.retain(|element, _| !element.is_field(but));
                }
                is_metadata || element.is_field("status")
            }),
        }
        fields
    }
}

fn api_version(object: &Value) -> &str {
    object.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
}

/// The object's entries; of two with one identity (scaling writes such) the API server reads the last.
fn entries_of(object: &Value) -> Result<ManagedFields, ParseError> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in ManagedFields::of(object)?.entries {
        entries.retain(|earlier| !is_same(earlier, &entry));
        entries.push(entry);
    }
    Ok(ManagedFields { entries })
}

/// Whether both entries are one manager's by one way. An applier has one entry, whatever its version.
fn is_same(a: &Entry, b: &Entry) -> bool {
    a.is(&b.manager, b.operation, b.subresource.as_deref())
        && (a.operation == Operation::Apply || a.api_version == b.api_version)
}

/// The entries that own something, in the API server's order.
fn settled(entries: impl IntoIterator<Item = Entry>) -> ManagedFields {
    let mut entries: Vec<_> = entries.into_iter().filter(|entry| !entry.fields.is_empty()).collect();
    entries.sort_by(order);
    ManagedFields { entries }
}

/// Appliers first, then whoever wrote longer ago.
fn order(a: &Entry, b: &Entry) -> Ordering {
    // Of RFC 3339 in UTC the later one is the greater text, and no time is the zero time.
    fn key(entry: &Entry) -> impl Ord + '_ {
        let Entry { manager, operation, api_version, time, subresource, .. } = entry;
        (operation, time, manager, api_version, subresource)
    }
    key(a).cmp(&key(b))
}
