//! All that was seen of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::events::{EventLog, KubeEvent};
use super::phase::PodPhase;
use super::read::Read;
use super::track::PodTrack;
use super::workload;
use crate::clock::Timestamp;
use crate::manifest::{Object, ObjectId};

/// The most owners of one object that are looked at.
const MAX_OWNERS: usize = 16;
/// The most conditions of one object that are remembered.
const MAX_CONDITIONS: usize = 64;

/// All that was seen of the cluster: objects and Events, each with when *we* first saw it.
///
/// A reducer without I/O, fed by watches. It never goes back in time: an object whose `resourceVersion` is lower than
/// that of the one it holds is dropped, so that the answer to one's own write and a watch that lags behind it can be
/// fed in any order.
///
/// To judge a workload it must see, in the workload's namespace, the kind itself, Pods, Events, for a Deployment
/// ReplicaSets, and, for the best evidence, PersistentVolumeClaims and (of DaemonSets) ControllerRevisions.
#[derive(Clone, Debug, Default)]
pub struct World {
    objects: BTreeMap<ObjectId, Seen>,
    owned: HashMap<String, Owned>,
    events: EventLog,
    expected: HashMap<ObjectId, i64>,
}

/// An object, and since when things about it are so.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) object: Object,
    /// When this object (this uid) was first seen.
    pub(super) first: Timestamp,
    /// When it was first seen at its present generation.
    pub(super) generation_since: Timestamp,
    conditions: BTreeMap<String, ConditionSeen>,
    pub(super) pod: PodTrack,
    /// How far it is, and the cluster's word for it; `None` of what is no pod.
    pub(super) phase: Option<(PodPhase, Option<String>)>,
}

#[derive(Clone, Debug)]
struct ConditionSeen {
    status: String,
    reason: String,
    since: Timestamp,
}

#[derive(Clone, Debug)]
struct Owned {
    ids: BTreeSet<ObjectId>,
    changed: Timestamp,
}

impl World {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a list, a watch (`ADDED`, `MODIFIED`) or a write answered.
    ///
    /// An Event is kept with what it is about, even if that was not seen yet.
    pub fn upsert(&mut self, object: Object, now: Timestamp) {
        if is_event(&object) {
            self.events.add(&object, now);
            return;
        }
        let id = object.id();
        let known = self.objects.remove(&id);
        if let Some(known) = known {
            if is_older(&object, &known.object) {
                self.objects.insert(id, known);
                return;
            }
            if known.object.uid() == object.uid() {
                if owners(&known.object).ne(owners(&object)) {
                    self.disown(&id, &known.object, now);
                    self.adopt(&id, &object, now);
                }
                self.objects.insert(id, known.next(object, now));
                return;
            }
            self.disown(&id, &known.object, now);
        }
        self.adopt(&id, &object, now);
        self.objects.insert(id, Seen::new(object, now));
    }

    /// Takes a watch's `DELETED`. What was created anew under the same name stays.
    pub fn remove(&mut self, object: &Object, now: Timestamp) {
        let id = object.id();
        let same = self.objects.get(&id).is_some_and(|known| known.object.uid() == object.uid());
        if same && let Some(known) = self.objects.remove(&id) {
            self.disown(&id, &known.object, now);
        }
    }

    /// Takes a whole list of a kind in a namespace (`None`: in all of them), as after a watch answered `410 Gone`:
    /// what is not in it is gone.
    pub fn replace_kind(
        &mut self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        list: impl IntoIterator<Item = Object>,
        now: Timestamp,
    ) {
        let mut listed = BTreeSet::new();
        for object in list {
            listed.insert(object.id());
            self.upsert(object, now);
        }
        let gone = self.objects.iter().filter(|(id, _)| {
            id.is(group, kind)
                && namespace.is_none_or(|namespace| id.namespace.as_deref() == Some(namespace))
                && !listed.contains(id)
        });
        let gone: Vec<Object> = gone.map(|(_, seen)| seen.object.clone()).collect();
        for object in gone {
            self.remove(&object, now);
        }
    }

    /// Nothing is concluded about the object before it was seen at this generation, the one that our write returned.
    pub fn expect(&mut self, id: ObjectId, generation: i64) {
        self.expected.insert(id, generation);
    }

    /// The object as last seen.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id).map(|seen| &seen.object)
    }

    /// Every object, Events excepted.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values().map(|seen| &seen.object)
    }

    /// What names the object of this uid as an owner.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.seen_owned_by(uid).map(|seen| &seen.object)
    }

    /// The pods of the workload's *new* revision, those being deleted left out; a Pod is its own.
    ///
    /// None while the controller has not taken up the new revision.
    pub fn pods_of(&self, id: &ObjectId) -> Vec<&Object> {
        workload::new_pods(self, id).into_iter().map(|seen| &seen.object).collect()
    }

    /// The Warning Events about the object and about everything it owns, such as its ReplicaSets and pods, in the
    /// order in which they were first seen.
    pub fn events_about(&self, id: &ObjectId) -> Vec<&KubeEvent> {
        let mut events = Vec::new();
        let mut visited = BTreeSet::new();
        let mut uids: Vec<&str> = self.get(id).and_then(Object::uid).into_iter().collect();
        while let Some(uid) = uids.pop() {
            if visited.insert(uid) {
                events.extend(self.events.about(uid).iter().filter(|event| event.warning));
                uids.extend(self.owned_by(uid).filter_map(Object::uid));
            }
        }
        events.sort_by_key(|event| event.first_seen);
        events
    }

    pub(super) fn seen(&self, id: &ObjectId) -> Option<&Seen> {
        self.objects.get(id)
    }

    pub(super) fn seen_owned_by(&self, uid: &str) -> impl Iterator<Item = &Seen> {
        self.ids_owned_by(uid).map(|(_, seen)| seen)
    }

    pub(super) fn ids_owned_by(&self, uid: &str) -> impl Iterator<Item = (&ObjectId, &Seen)> {
        let ids = self.owned.get(uid).into_iter().flat_map(|owned| &owned.ids);
        ids.filter_map(|id| Some((id, self.objects.get(id)?)))
    }

    /// When something that the object of this uid owns last came or went.
    pub(super) fn owned_changed(&self, uid: &str) -> Option<Timestamp> {
        self.owned.get(uid).map(|owned| owned.changed)
    }

    pub(super) fn events_of(&self, object: &Object) -> &[KubeEvent] {
        object.uid().map_or(&[], |uid| self.events.about(uid))
    }

    pub(super) fn expected_generation(&self, id: &ObjectId) -> Option<i64> {
        self.expected.get(id).copied()
    }

    fn adopt(&mut self, id: &ObjectId, object: &Object, now: Timestamp) {
        for owner in owners(object) {
            let owned = self
                .owned
                .entry(owner.to_owned())
                .or_insert_with(|| Owned { ids: BTreeSet::new(), changed: now });
            owned.ids.insert(id.clone());
            owned.changed = now;
        }
    }

    fn disown(&mut self, id: &ObjectId, object: &Object, now: Timestamp) {
        for owner in owners(object) {
            if let Some(owned) = self.owned.get_mut(owner) {
                owned.ids.remove(id);
                owned.changed = now;
            }
        }
    }
}

impl Seen {
    fn new(object: Object, now: Timestamp) -> Self {
        let seen = Self {
            object,
            first: now,
            generation_since: now,
            conditions: BTreeMap::new(),
            pod: PodTrack::default(),
            phase: None,
        };
        seen.observe(now)
    }

    fn next(mut self, object: Object, now: Timestamp) -> Self {
        if self.object.int("/metadata/generation") != object.int("/metadata/generation") {
            self.generation_since = now;
        }
        self.object = object;
        self.observe(now)
    }

    fn observe(mut self, now: Timestamp) -> Self {
        let mut known = std::mem::take(&mut self.conditions);
        for item in self.object.items("/status/conditions").take(MAX_CONDITIONS) {
            let field = |pointer| item.text(pointer).unwrap_or_default();
            let same = known
                .remove(field("/type"))
                .filter(|seen| seen.status == field("/status") && seen.reason == field("/reason"));
            let seen = same.unwrap_or_else(|| ConditionSeen {
                status: field("/status").to_owned(),
                reason: field("/reason").to_owned(),
                since: now,
            });
            self.conditions.insert(field("/type").to_owned(), seen);
        }
        if self.object.group().is_empty() && self.object.kind() == "Pod" {
            self.pod.update(&self.object, now);
            self.phase = Some(PodPhase::of(&self.object));
        }
        self
    }

    /// Since when the condition was seen with the status and the reason that it has.
    pub(super) fn condition_since(&self, kind: &str) -> Option<Timestamp> {
        self.conditions.get(kind).map(|seen| seen.since)
    }
}

fn is_event(object: &Object) -> bool {
    object.kind() == "Event" && matches!(object.group(), "" | "events.k8s.io")
}

/// By `resourceVersion`: comparable since Kubernetes 1.35 by contract, before it in fact; of what is no number
/// nothing is concluded.
fn is_older(object: &Object, known: &Object) -> bool {
    let revision = |object: &Object| object.resource_version()?.parse::<u128>().ok();
    matches!((revision(object), revision(known)), (Some(new), Some(known)) if new < known)
}

fn owners(object: &Object) -> impl Iterator<Item = &str> {
    object.items("/metadata/ownerReferences").take(MAX_OWNERS).filter_map(|owner| owner.text("/uid"))
}
