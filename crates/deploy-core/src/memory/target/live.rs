//! The objects that are there, and what a server adds to them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::revisions::Recorded;
use crate::manifest::{DEPLOYMENT_ID, Object, ObjectId};
use crate::plan::Snapshot;
use crate::run::DeploymentId;

/// What a server adds to the metadata of an object that is written.
const SERVER_OWNED: [&str; 3] = ["uid", "resourceVersion", "generation"];

#[derive(Default)]
pub(super) struct Live {
    objects: BTreeMap<ObjectId, Object>,
    writes: u64,
    /// Oldest first.
    pub(super) revisions: Vec<Recorded>,
    /// What stood there before the plan that was applied last: the far side's own way back.
    pub(super) way_back: Option<(Snapshot, DeploymentId)>,
}

impl Live {
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    pub(super) fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// Writes an object, and returns it with what the server adds. What is there already as wanted is not written.
    pub(super) fn put(&mut self, object: Object) -> Object {
        let old = self.get(&object.id());
        if let Some(old) = old
            && same(old, &object)
        {
            return old.clone();
        }
        let id = object.id();
        let uid = old.and_then(Object::uid).map(str::to_owned);
        let generation =
            old.and_then(|old| old.get("/metadata/generation")?.as_i64()).unwrap_or_default() + 1;
        self.writes += 1;
        let uid = uid.unwrap_or_else(|| format!("uid-{}", self.writes));
        let version = self.writes.to_string();
        let add = |value: &mut Value| {
            if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("uid".into(), uid.into());
                metadata.insert("resourceVersion".into(), version.into());
                metadata.insert("generation".into(), generation.into());
            }
        };
        // Adding to the metadata takes no identity away.
        let object = object.clone().edit(add).unwrap_or(object);
        self.objects.insert(id, object.clone());
        object
    }

    pub(super) fn delete(&mut self, id: &ObjectId) {
        self.objects.remove(id);
    }
}

/// Whether one of these runs wrote the object last.
pub(super) fn written_by(object: &Object, runs: &[&DeploymentId]) -> bool {
    object.annotation(DEPLOYMENT_ID).is_some_and(|writer| runs.iter().any(|run| run.as_str() == writer))
}

/// The same but for what the server adds; our own annotations count.
pub(super) fn same(left: &Object, right: &Object) -> bool {
    own(left) == own(right)
}

fn own(object: &Object) -> Value {
    let mut value = object.value().clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_OWNED.contains(&key.as_str()));
    }
    value
}
