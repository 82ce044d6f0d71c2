//! What scaling does to the entries.
//!
//! The API server makes entries of the `Scale` object of those that own the replicas, tracks the write on these, and takes
//! them back. On the way an entry by Update loses its time and stands by itself, and no replicas are an absent field. Where
//! only a time would change it leaves all as it is.

use serde_json::Value;

use super::settled;
use crate::{Entry, FieldPath, FieldSet, ManagedFields, Operation};

/// The entries after `writer` has set the replicas; `writer` says who and how.
pub(super) fn scaled(managed: ManagedFields, before: &Value, after: &Value, writer: &Entry) -> ManagedFields {
    let path = FieldPath::fields(["spec", "replicas"]);
    let replicas: FieldSet = [&path].into_iter().collect();
    let (owners, others): (Vec<_>, Vec<_>) =
        managed.entries.iter().cloned().partition(|entry| entry.fields.contains(&path));
    if owners.is_empty() {
        return managed;
    }
    let count = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or_default();
    let alone = |entry: &Entry| Entry { time: None, fields: replicas.clone(), ..entry.clone() };
    let rest = |entry: &Entry| Entry { fields: entry.fields.difference(&replicas), ..entry.clone() };
    let mut entries = others;
    if count(before) == count(after) {
        for owner in &owners {
            if owner.operation == Operation::Apply {
                entries.push(owner.clone());
            } else {
                entries.extend([rest(owner), alone(owner)]);
            }
        }
    } else {
        entries.extend(owners.iter().map(rest));
        if count(after) != 0 {
            entries.push(alone(writer));
        }
    }
    let scaled = settled(entries);
    if timeless(&scaled) == timeless(&managed) { managed } else { scaled }
}

fn timeless(managed: &ManagedFields) -> ManagedFields {
    settled(managed.entries.iter().map(|entry| Entry { time: None, ..entry.clone() }))
}
