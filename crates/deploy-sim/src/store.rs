//! What etcd is to a real API server: objects, one counter of revisions, and the changes that watches read.
//!
//! A revision counts every write of any object, as etcd's does; the first write is revision 2. A deletion is a write, too: the object in
//! its event has the revision of the deletion.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

/// Changes kept for watches, at most. Who asks for older ones is answered 410.
const KEPT_CHANGES: usize = 10_000;

/// The kind and name of one object. A cluster-wide object has no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// `deployments.apps`, `pods.`: the resource and its group.
    pub(crate) resource: Arc<str>,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// One change, as a watch tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) revision: u64,
    /// The object after the change; the last state of a deleted one.
    pub(crate) after: Arc<Value>,
    /// The object before it: whether a selector matched it then decides between `ADDED`, `MODIFIED` and `DELETED`.
    pub(crate) before: Option<Arc<Value>>,
    pub(crate) deleted: bool,
}

/// The changes asked for are not kept any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compacted;

/// All objects and the latest changes.
#[derive(Debug)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    changes: VecDeque<Change>,
    /// The latest revision of each resource.
    latest: BTreeMap<Arc<str>, u64>,
    revision: u64,
    /// Changes up to this revision are forgotten.
    compacted: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            changes: VecDeque::new(),
            latest: BTreeMap::new(),
            revision: 1,
            compacted: 1,
        }
    }

    /// The revision of the latest write.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The revision of the latest write of a resource; 0 if there was none.
    pub(crate) fn changed(&self, resource: &str) -> u64 {
        self.latest.get(resource).copied().unwrap_or(0)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// The objects of a resource, in one namespace or in all, in the order of their keys.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &Arc<str>,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> + use<'a> {
        let resource = Arc::clone(resource);
        let first = Key {
            resource: Arc::clone(&resource),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: String::new(),
        };
        self.objects.range(first..).take_while(move |(key, _)| {
            key.resource == resource && namespace.is_none_or(|namespace| key.namespace == namespace)
        })
    }

    /// Keeps objects as they are, from before the first write.
    pub(crate) fn begin_with(&mut self, objects: impl IntoIterator<Item = (Key, Arc<Value>)>) {
        self.objects.extend(objects);
    }

    /// Writes an object and gives it its resourceVersion.
    pub(crate) fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        stamp(&mut object, self.revision);
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        self.log(Change { key, revision: self.revision, after: Arc::clone(&after), before, deleted: false });
        after
    }

    /// Removes an object; its last state has the revision of the removal.
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.revision += 1;
        let mut last = (*before).clone();
        stamp(&mut last, self.revision);
        let after = Arc::new(last);
        self.log(Change {
            key: key.clone(),
            revision: self.revision,
            after: Arc::clone(&after),
            before: Some(before),
            deleted: true,
        });
        Some(after)
    }

    /// The changes after `revision`.
    ///
    /// # Errors
    /// [`Compacted`] if some of them are forgotten.
    pub(crate) fn since(&self, revision: u64) -> Result<impl Iterator<Item = &Change>, Compacted> {
        if revision < self.compacted {
            return Err(Compacted);
        }
        let first = self.changes.partition_point(|change| change.revision <= revision);
        Ok(self.changes.range(first..))
    }

    /// Forgets the changes so far.
    pub(crate) fn compact(&mut self) {
        self.changes.clear();
        self.compacted = self.revision;
    }

    fn log(&mut self, change: Change) {
        match self.latest.get_mut(&change.key.resource) {
            Some(latest) => *latest = change.revision,
            None => drop(self.latest.insert(Arc::clone(&change.key.resource), change.revision)),
        }
        self.changes.push_back(change);
        if self.changes.len() > KEPT_CHANGES
            && let Some(oldest) = self.changes.pop_front()
        {
            self.compacted = oldest.revision;
        }
    }
}

fn stamp(object: &mut Value, revision: u64) {
    object["metadata"]["resourceVersion"] = revision.to_string().into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(resource: &str, namespace: &str, name: &str) -> Key {
        Key { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }

    fn object(name: &str) -> Value {
        json!({"metadata": {"name": name}})
    }

    #[test]
    fn every_write_counts() {
        let mut store = Store::new();
        let first = store.put(key("pods.", "a", "x"), object("x"));
        assert_eq!(first["metadata"]["resourceVersion"], "2", "as etcd counts");
        let second = store.put(key("pods.", "a", "x"), object("x"));
        assert_eq!(second["metadata"]["resourceVersion"], "3");
        let gone = store.remove(&key("pods.", "a", "x")).unwrap();
        assert_eq!(gone["metadata"]["resourceVersion"], "4");
        assert!(store.remove(&key("pods.", "a", "x")).is_none());
        assert_eq!(store.revision(), 4);
    }

    #[test]
    fn lists_by_namespace_in_order() {
        let mut store = Store::new();
        for (resource, namespace, name) in
            [("pods.", "b", "y"), ("pods.", "a", "z"), ("pods.", "a", "x"), ("pods.x.io", "a", "w")]
        {
            store.put(key(resource, namespace, name), object(name));
        }
        let names = |namespace: Option<&str>| -> Vec<String> {
            store.list(&"pods.".into(), namespace).map(|(key, _)| key.name.clone()).collect()
        };
        assert_eq!(names(None), ["x", "z", "y"]);
        assert_eq!(names(Some("a")), ["x", "z"]);
        assert!(names(Some("c")).is_empty());
    }

    #[test]
    fn tells_what_changed_since() {
        let mut store = Store::new();
        store.put(key("pods.", "a", "x"), object("x"));
        store.put(key("pods.", "a", "y"), object("y"));
        store.remove(&key("pods.", "a", "x"));
        let since = |store: &Store, revision: u64| -> Result<Vec<(String, bool)>, Compacted> {
            Ok(store.since(revision)?.map(|change| (change.key.name.clone(), change.deleted)).collect())
        };
        assert_eq!(since(&store, 2).unwrap(), [("y".to_owned(), false), ("x".to_owned(), true)]);
        assert!(since(&store, 4).unwrap().is_empty());
        store.compact();
        assert_eq!(since(&store, 3), Err(Compacted));
        assert!(since(&store, 4).unwrap().is_empty());
    }
}
