//! Server-side apply.

use serde_json::{Map, Value};

use super::changes::Changes;
use super::conflicts::Conflicts;
use super::items::{Duplicates, check_items};
use super::merge::merge;
use super::prune::prune;
use super::{Reach, Write, api_version, entries_of, settled, updated};
use crate::schema::Schema;
use crate::{Entry, FieldPath, ManagedFields, Operation, ParseError, PathElement, applied, json};

/// Why an apply is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Fields are others'. The same apply never succeeds without force, or before they give them up. The API server answers
    /// 409 with this message.
    #[error("{0}")]
    Conflicts(Conflicts),
    /// The live object's `managedFields` cannot be read.
    #[error("the live object cannot be applied to")]
    Unreadable(#[source] ParseError),
    /// A list that is merged by item has two items with one key in what is applied. The API server answers 500.
    #[error("duplicate entries for key {element} at {list}", element = element.to_string())]
    Duplicate {
        /// The list.
        list: FieldPath,
        /// What the items have in common.
        element: PathElement,
    },
    /// A list that is merged by item has an item that cannot be told from others, in what is applied or in the live object.
    /// The API server answers 500.
    #[error("element {index} of {list} has no key")]
    Keyless {
        /// The list.
        list: FieldPath,
        /// The item.
        index: usize,
    },
    /// What is applied has `managedFields` of its own. The API server answers 400.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
}

/// The live object after a server-side apply, with its new `metadata.managedFields`; none is live where it creates.
///
/// The object is merged and nothing else: the caller defaults it. What the manager owns is what it applied, before that.
/// If nothing but a time has changed then, the API server keeps the entries as they were.
///
/// - Items of lists come in the applied order, the others stay where they were.
/// - What the manager owned and does not apply now goes, unless another manager owns it.
/// - Where nothing changes the manager's entry keeps its time; if it is new, it has none.
/// - An object that nobody owns anything of has its fields owned by `before-first-apply` (Update).
///
/// # Errors
/// [`Conflicts`] unless forced; an input that the API server refuses whoever applies it.
pub fn apply(live: Option<&Value>, applied: &Value, write: &Write) -> Result<Value, ApplyError> {
    let schema = Schema::of_object(applied);
    if applied.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(ApplyError::ManagedFields);
    }
    check_items(applied, schema, Duplicates::Refused)?;
    if let Some(live) = live {
        check_items(live, schema, Duplicates::Allowed)?;
    }
    let reach = write.reach(applied, schema);
    let managed = match live {
        None => ManagedFields::default(),
        Some(live) => owners_of(live, write).map_err(ApplyError::Unreadable)?,
    };
    let nothing = Value::Object(Map::new());
    let live = live.unwrap_or(&nothing);

    let is_ours = |entry: &&Entry| entry.is(&write.manager, Operation::Apply, write.subresource.as_deref());
    let last = managed.entries.iter().find(is_ours);
    let others: Vec<&Entry> = managed.entries.iter().filter(|entry| !is_ours(entry)).collect();
    let ours = reach.of(applied::fields_of(applied, schema).below);
    let mut merged = merge(live, applied, schema);
    if let Some(last) = last {
        let owned = others.iter().fold(ours.clone(), |owned, entry| owned.union(&entry.fields));
        merged = prune(&merged, &last.fields, &owned, schema);
    }

    let Changes { written, removed } = Changes::between(live, &merged, schema).map(|fields| reach.of(fields));
    let conflicting = others.iter().map(|entry| (*entry, entry.fields.intersection(&written)));
    if let Some(conflicts) = Conflicts::of(conflicting).filter(|_| !write.force) {
        return Err(ApplyError::Conflicts(conflicts));
    }
    let ours = applied::without_never_owned(ours);
    let mut ours = write.entry(Operation::Apply, api_version(applied), ours);
    if json::equal(live, &merged) {
        ours.time = last.and_then(|last| last.time.clone());
    }
    let theirs_no_more = written.union(&removed);
    let others = others
        .into_iter()
        .map(|entry| Entry { fields: entry.fields.difference(&theirs_no_more), ..entry.clone() });
    if reach == Reach::AllButStatus {
        put_status(&mut merged, live.get("status"));
    }
    put_entries(&mut merged, &settled(others.chain([ours])));
    Ok(merged)
}

/// The live object's entries; what nobody owns was there before.
fn owners_of(live: &Value, write: &Write) -> Result<ManagedFields, ParseError> {
    let managed = entries_of(live)?;
    if !managed.entries.is_empty() {
        return Ok(managed);
    }
    let before = Write { manager: "before-first-apply".to_owned(), subresource: None, ..write.clone() };
    Ok(updated(None, live, &before))
}

fn put_status(object: &mut Value, status: Option<&Value>) {
    let Some(fields) = object.as_object_mut() else { return };
    match status {
        Some(status) => fields.insert("status".to_owned(), status.clone()),
        None => fields.remove("status"),
    };
}

fn put_entries(object: &mut Value, managed: &ManagedFields) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    if managed.entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), managed.to_value());
    }
}
