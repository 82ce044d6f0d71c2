//! What would change, and what stood there before (stage *plan*): nothing is written before it is planned.
//!
//! ```
//! use deploy_core::manifest::Object;
//! use deploy_core::plan::{Action, Change};
//! use serde_json::json;
//!
//! let wanted = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"a": "2"}}))?;
//! let live = wanted.clone().edit(|value| value["data"]["a"] = "1".into())?;
//! let change = Change::update(wanted.clone(), live, wanted);
//! assert_eq!(change.action, Action::Update);
//! assert_eq!(change.diff[0].to_string(), r#".data.a: "1" -> "2""#);
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod diff;
mod unified;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use diff::{FieldChange, diff};
pub use unified::unified;

use crate::manifest::{Object, ObjectId};
use crate::run::DeploymentId;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there and differs.
    Update,
    /// It is there as wanted: it is not written.
    Unchanged,
    /// It is there, and cannot be changed into what is wanted: it is deleted and created anew, because that was asked for.
    Recreate,
    /// It is there and should not be.
    Delete,
}

impl Action {
    /// The verb of a finished action, as in `created`.
    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "changed",
            Self::Unchanged => "unchanged",
            Self::Recreate => "created anew",
            Self::Delete => "deleted",
        }
    }
}

/// How much a target's plan knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Depth {
    /// Every field that changes.
    Fields,
    /// Only whether the bundle's digest differs.
    Digest,
}

/// One object's part of a plan. `Debug` shows no values.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// The object.
    pub id: ObjectId,
    /// What will be done.
    pub action: Action,
    /// The fields that change; Secrets' values are masked.
    pub diff: Vec<FieldChange>,
    /// The object as wanted, as it will be sent; of a deletion what is deleted.
    pub desired: Object,
    /// The live object as the plan saw it, of what is unchanged without its `managedFields`; `None` where there was none, or where it may
    /// not be read.
    pub before: Option<Object>,
    /// The object as it will look, its `managedFields` aside; `None` of what is unchanged or deleted.
    pub predicted: Option<Object>,
    /// Set where the API server could not be asked (its namespace or kind comes with this bundle): the diff is our own guess.
    pub simulated: bool,
    /// Whether fields that others own are taken over.
    pub force: bool,
    /// The fields of the manifest that are left to others.
    pub yielded: Vec<Yielded>,
}

/// A field of the manifest that is left to whoever sets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Yielded {
    /// The path, as in `.spec.replicas`.
    pub field: String,
    /// To whom, as in `HorizontalPodAutoscaler shop/api` or `field manager "somebody"`.
    pub to: String,
}

impl Yielded {
    /// `field` is left to `to`.
    pub fn new(field: impl Into<String>, to: impl Into<String>) -> Self {
        Self { field: field.into(), to: to.into() }
    }
}

impl Change {
    /// `desired` does not exist yet; `predicted` is what it will look like.
    pub fn create(desired: Object, predicted: Object) -> Self {
        let diff = diff(None, Some(&predicted));
        Self { diff, predicted: Some(unmanaged(predicted)), ..Self::of(Action::Create, desired, None) }
    }

    /// `desired` is to be applied over `live`; `predicted` is what it will look like.
    pub fn update(desired: Object, live: Object, predicted: Object) -> Self {
        let diff = diff(Some(&live), Some(&predicted));
        Self { diff, predicted: Some(unmanaged(predicted)), ..Self::of(Action::Update, desired, Some(live)) }
    }

    /// Something stands there that may not be read: it is written whatever it is, and there is no way back.
    pub fn unseen(desired: Object, predicted: Object) -> Self {
        Self { predicted: Some(unmanaged(predicted)), ..Self::of(Action::Update, desired, None) }
    }

    /// Whether what stands there may not be read.
    pub fn is_unseen(&self) -> bool {
        self.action == Action::Update && self.before.is_none()
    }

    /// `live` cannot be changed into `desired`: it is deleted and created anew; `predicted` is what it will look like.
    pub fn recreate(desired: Object, live: Object, predicted: Object) -> Self {
        let diff = diff(Some(&live), Some(&predicted));
        Self {
            diff,
            predicted: Some(unmanaged(predicted)),
            ..Self::of(Action::Recreate, desired, Some(live))
        }
    }

    /// `live` is to go, once all else is healthy.
    pub fn delete(live: Object) -> Self {
        let diff = diff(Some(&live), None);
        Self { diff, ..Self::of(Action::Delete, live.clone(), Some(live)) }
    }

    /// `live` is as wanted. Nothing will be sent: `desired` need not bear the marks that it would be sent with.
    pub fn unchanged(desired: Object, live: Object) -> Self {
        Self::of(Action::Unchanged, desired, Some(unmanaged(live)))
    }

    fn of(action: Action, desired: Object, before: Option<Object>) -> Self {
        Self {
            id: desired.id(),
            action,
            diff: Vec::new(),
            desired,
            before,
            predicted: None,
            simulated: false,
            force: false,
            yielded: Vec::new(),
        }
    }

    /// The same change, taking over what others own.
    #[must_use]
    pub fn forced(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// The same change, which leaves these fields to others.
    #[must_use]
    pub fn yielding(mut self, yielded: Vec<Yielded>) -> Self {
        self.yielded = yielded;
        self
    }

    /// The same change, marked as one that the API server was not asked about.
    #[must_use]
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        self
    }
}

/// What would change, in the order in which it is applied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The run that made it.
    pub deployment: DeploymentId,
    /// The digest of the bundle.
    pub bundle: String,
    /// How much it knows.
    pub depth: Depth,
    /// The changes: those of the bundle in its order, and then what is deleted, in the order of its deletion.
    pub changes: Vec<Change>,
    /// The stages, as numbers of changes that are written side by side. Deletions stand in none: they come last, once all is verified
    /// ([`RolloutTarget::finish`](crate::target::RolloutTarget::finish)).
    pub stages: Vec<PlannedStage>,
    /// What a person should know: what cannot be undone, what could not be asked.
    pub notes: Vec<String>,
    /// The revision that applying it records, where the target records any.
    pub revision: Option<u64>,
    kept: Kept,
}

/// What the target that made a plan keeps with it.
#[derive(Clone, Default)]
struct Kept(Option<Arc<dyn Any + Send + Sync>>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Kept" } else { "Nothing" })
    }
}

/// Changes that are written side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStage {
    /// Indexes into [`Plan::changes`].
    pub changes: Vec<usize>,
    /// The changes that must be healthy before the next stage starts.
    pub gates: Vec<usize>,
}

impl Plan {
    /// A plan of `depth` for the bundle with digest `bundle`.
    pub fn new(
        deployment: DeploymentId,
        bundle: String,
        depth: Depth,
        changes: Vec<Change>,
        stages: Vec<PlannedStage>,
    ) -> Self {
        let (notes, revision, kept) = (Vec::new(), None, Kept::default());
        Self { deployment, bundle, depth, changes, stages, notes, revision, kept }
    }

    /// The same plan with what the target that made it will want to know again when it is applied.
    #[must_use]
    pub fn keeping<T: Any + Send + Sync>(mut self, kept: T) -> Self {
        self.kept = Kept(Some(Arc::new(kept)));
        self
    }

    /// What [`keeping`](Self::keeping) was given; nothing of another type.
    pub fn kept<T: Any>(&self) -> Option<&T> {
        self.kept.0.as_deref()?.downcast_ref()
    }

    /// How many changes have `action`.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// Whether anything would be written.
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| change.action == Action::Unchanged)
    }

    /// What is deleted once all else is verified, in this order.
    pub fn deletions(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.action == Action::Delete)
    }

    /// What stood there before, of all that will be written: the way back. Deletions are not part of it: once they begin, nothing is
    /// undone any more.
    pub fn snapshot(&self) -> Snapshot {
        let in_order =
            self.stages.iter().flat_map(|stage| &stage.changes).filter_map(|index| self.changes.get(*index));
        let written = in_order.filter(|change| change.action != Action::Unchanged && !change.is_unseen());
        Snapshot {
            entries: written
                .map(|change| SnapshotEntry {
                    id: change.id.clone(),
                    api_version: change.desired.api_version().to_owned(),
                    before: change.before.clone(),
                })
                .collect(),
        }
    }
}

/// An object without `managedFields`, which are half of a small one, where nobody asks about them.
fn unmanaged(mut object: Object) -> Object {
    object.remove("/metadata", "managedFields");
    object
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.changes.iter().filter(|change| change.action != Action::Unchanged) {
            let verb = match change.action {
                Action::Create => "create",
                Action::Delete => "delete",
                Action::Recreate => "delete and create anew",
                _ => "change",
            };
            writeln!(
                f,
                "{verb} {}{}",
                change.id,
                if change.simulated { " (not asked of the API server)" } else { "" }
            )?;
            for field in &change.diff {
                writeln!(f, "    {field}")?;
            }
            for Yielded { field, to } in &change.yielded {
                writeln!(f, "    {field}: left to {to}")?;
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

/// What stood where a run writes: enough to bring it back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// In the order of writing; the way back goes from the last to the first.
    pub entries: Vec<SnapshotEntry>,
}

/// One object as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotEntry {
    /// The object.
    pub id: ObjectId,
    /// The version of the API it was written in.
    pub api_version: String,
    /// The live object with its managers; `None` where there was none.
    pub before: Option<Object>,
}

impl Snapshot {
    /// This snapshot, with `later`'s entries for the objects that it does not know: the older sight of an object is the way back.
    #[must_use]
    pub fn extended_by(mut self, later: Self) -> Self {
        for entry in later.entries {
            if !self.entries.iter().any(|known| known.id == entry.id) {
                self.entries.push(entry);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config_map(name: &str, value: &str) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value}})).unwrap()
    }

    /// A plan that writes the last change first.
    fn plan(changes: Vec<Change>) -> Plan {
        let id = DeploymentId::from("d".to_owned());
        let stages =
            (0..changes.len()).rev().map(|index| PlannedStage { changes: vec![index], gates: vec![] });
        Plan::new(id, "sha256:0".into(), Depth::Fields, changes, stages.collect())
    }

    #[test]
    fn a_snapshot_holds_what_is_written_in_the_order_of_writing() {
        let plan = plan(vec![
            Change::unchanged(config_map("same", "1"), config_map("same", "1")),
            Change::update(config_map("old", "2"), config_map("old", "1"), config_map("old", "2")),
            Change::create(config_map("new", "1"), config_map("new", "1")),
        ]);
        let snapshot = plan.snapshot();
        let names: Vec<_> =
            snapshot.entries.iter().map(|entry| (entry.id.name.as_str(), entry.before.is_some())).collect();
        assert_eq!(names, [("new", false), ("old", true)]);
        assert!(!plan.is_empty());
    }

    #[test]
    fn the_older_sight_of_an_object_is_the_way_back() {
        let create = plan(vec![Change::create(config_map("a", "1"), config_map("a", "1"))]).snapshot();
        let update =
            plan(vec![Change::update(config_map("a", "2"), config_map("a", "1"), config_map("a", "2"))])
                .snapshot();
        let both = create.extended_by(update);
        assert_eq!(both.entries.len(), 1);
        assert!(both.entries[0].before.is_none());
    }
}
