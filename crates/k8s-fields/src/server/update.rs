//! Every write but server-side apply.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::changes::Changes;
use super::items::{Duplicates, check_items};
use super::scale::scaled;
use super::{Write, api_version, entries_of, is_same, settled};
use crate::schema::{Schema, Shape};
use crate::{Entry, FieldSet, ManagedFields, Operation, applied};

/// The most entries by Update that the API server keeps apart.
const MOST_UPDATERS: usize = 10;

/// The entries of an object after a POST, PUT or patch (not apply) that makes it `after`; nothing is `before` where it is
/// created.
///
/// The fields that have another value than before, or are new, are the writer's now (by Update, of its subresource) and
/// nobody else's; those that are gone are nobody's. `after` is what was sent or patched, with the API server's defaults:
/// what the server sets later (a Service's `clusterIP`) it keeps out of the entries.
///
/// Entries that `after` has replace those that were before, as a client may set them: none or one without anything
/// (`[]`, which counts for nothing in custom resources, and `[{}]`) takes all away, and left out, null or unreadable ones count for nothing. An existing object without
/// entries stays without, and so does one whose lists, merged by item, have items without a key. Beyond ten entries by Update the oldest become `ancient-changes`.
#[must_use]
pub fn updated(before: Option<&Value>, after: &Value, write: &Write) -> ManagedFields {
    let schema = Schema::of_object(after);
    let managed = base(before, after, schema, write.subresource.is_some());
    if managed.entries.is_empty() && before.is_some() {
        return managed;
    }
    if let (Some("scale"), Some(before)) = (write.subresource.as_deref(), before) {
        let writer = write.entry(Operation::Update, api_version(after), FieldSet::new());
        return scaled(managed, before, after, &writer);
    }
    let is_good = |object| check_items(object, schema, Duplicates::Allowed).is_ok();
    if !before.is_none_or(is_good) || !is_good(after) {
        return ManagedFields::default();
    }
    let reach = write.reach(after, schema);
    let before = before.map_or_else(|| Cow::Owned(nothing(after, schema)), Cow::Borrowed);
    let Changes { written, removed } =
        Changes::between(&before, after, schema).map(|fields| reach.of(fields));
    let mut entries = managed.entries;
    for entry in &mut entries {
        entry.fields.subtract(&written);
        entry.fields.subtract(&removed);
    }
    let mut ours = write.entry(Operation::Update, api_version(after), applied::without_never_owned(written));
    if !ours.fields.is_empty() {
        if let Some(place) = entries.iter().position(|entry| is_same(entry, &ours)) {
            ours.fields.unite(entries.swap_remove(place).fields);
        }
        entries.push(ours);
    }
    settled(capped(settled(entries).entries))
}

fn base(before: Option<&Value>, after: &Value, schema: Schema, through_subresource: bool) -> ManagedFields {
    let before = || before.and_then(|before| entries_of(before).ok()).unwrap_or_default();
    if through_subresource {
        return before();
    }
    let entries = after["metadata"]["managedFields"].as_array();
    let is_nothing = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
    match entries.map(Vec::as_slice) {
        // Reading a custom resource drops an empty list of entries.
        Some([]) if *schema.shape() != Shape::Unknown => ManagedFields::default(),
        Some([entry]) if is_nothing(entry) => ManagedFields::default(),
        _ => entries_of(after).ok().filter(|managed| !managed.entries.is_empty()).unwrap_or_else(before),
    }
}

/// What a created object is compared with: a new one of its kind.
fn nothing(after: &Value, schema: Schema) -> Value {
    let mut new = Schema::new_object(after);
    if *schema.shape() != Shape::Unknown {
        put_nulls(&mut new, after);
    }
    new
}

/// A field that is shown as null is null in a new object too: the Go type never leaves it out.
fn put_nulls(new: &mut Value, after: &Value) {
    let (Value::Object(new), Value::Object(after)) = (new, after) else { return };
    for (name, value) in after {
        match new.get_mut(name) {
            Some(new) => put_nulls(new, value),
            None if value.is_null() => drop(new.insert(name.clone(), Value::Null)),
            None => {}
        }
    }
}

/// The oldest entries by Update become one for each version of the API, until there are few enough.
fn capped(entries: Vec<Entry>) -> Vec<Entry> {
    let (mut updaters, mut kept): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.operation == Operation::Update);
    // Sorted by time already.
    let mut buckets: BTreeMap<String, Entry> = BTreeMap::new();
    while updaters.len() + buckets.len() > MOST_UPDATERS {
        let oldest = updaters.remove(0);
        match buckets.get_mut(&oldest.api_version) {
            None => {
                buckets.insert(oldest.api_version.clone(), oldest);
            }
            Some(bucket) => {
                bucket.fields = bucket.fields.union(&oldest.fields);
                bucket.time = oldest.time;
                "ancient-changes".clone_into(&mut bucket.manager);
                bucket.subresource = None;
            }
        }
        if updaters.is_empty() {
            break;
        }
    }
    kept.extend(updaters);
    kept.extend(buckets.into_values());
    kept
}
