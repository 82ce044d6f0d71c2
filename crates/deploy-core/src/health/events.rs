//! The cluster's Events (of `v1` and of `events.k8s.io`), kept by the uid of the object they are about.
//!
//! An Event can arrive up to a second before the status that it explains, and before the object itself: it waits here.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::read::{Read, clip};
use crate::clock::Timestamp;
use crate::manifest::{Object, ObjectId};

/// The most Events kept about one object; the one that was quiet the longest goes first.
const MAX_EVENTS: usize = 64;
/// The most objects about which Events are kept; the one heard of first goes first.
const MAX_SUBJECTS: usize = 10_000;
/// The most characters kept of an Event's message.
const MAX_MESSAGE: usize = 2048;

/// One of the cluster's Events, as far as it is evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KubeEvent {
    /// Whether its type is `Warning`.
    pub warning: bool,
    /// Its reason, as in `FailedScheduling`.
    pub reason: String,
    /// Its message, at most 2,048 characters.
    pub message: String,
    /// The object it is about.
    pub about: ObjectId,
    /// The container it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// How often it happened.
    pub count: u32,
    /// When it was first seen by us.
    pub first_seen: Timestamp,
    /// When it was last seen by us to happen anew.
    pub last_seen: Timestamp,
    /// When it last happened, by the cluster's clock.
    #[serde(skip)]
    pub(super) last_happened: Option<Timestamp>,
    #[serde(skip)]
    name: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct EventLog {
    by_subject: HashMap<String, Vec<KubeEvent>>,
    order: VecDeque<String>,
}

impl EventLog {
    pub(super) fn add(&mut self, event: &Object, now: Timestamp) {
        let Some((uid, mut event)) = parse(event, now) else { return };
        if !self.by_subject.contains_key(&uid) {
            if self.order.len() >= MAX_SUBJECTS
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_subject.remove(&oldest);
            }
            self.order.push_back(uid.clone());
        }
        let events = self.by_subject.entry(uid).or_default();
        if let Some(known) = events.iter_mut().find(|known| known.name == event.name) {
            event.first_seen = known.first_seen;
            if event.count <= known.count && event.last_happened <= known.last_happened {
                event.last_seen = known.last_seen;
            }
            *known = event;
            return;
        }
        if events.len() >= MAX_EVENTS
            && let Some(quiet) =
                (0..events.len()).min_by_key(|index| events.get(*index).map(|event| event.last_seen))
        {
            events.remove(quiet);
        }
        events.push(event);
    }

    /// The Events about the object of this uid, in the order in which they were first seen.
    pub(super) fn about(&self, uid: &str) -> &[KubeEvent] {
        self.by_subject.get(uid).map_or(&[], Vec::as_slice)
    }
}

/// The uid of what the Event is about, and the Event. `regarding` is what `events.k8s.io` calls `involvedObject`.
fn parse(event: &Object, now: Timestamp) -> Option<(String, KubeEvent)> {
    let about = event.get("/involvedObject").or_else(|| event.get("/regarding"))?;
    let uid = about.text("/uid").filter(|uid| !uid.is_empty())?;
    let group =
        about.text("/apiVersion").and_then(|version| version.rsplit_once('/')).map_or("", |(group, _)| group);
    let id = ObjectId::new(
        group,
        about.text("/kind").unwrap_or_default(),
        about.text("/namespace"),
        about.text("/name").unwrap_or_default(),
    );
    let count = ["/count", "/series/count", "/deprecatedCount"].iter().map(|field| event.count(field)).max();
    let last_happened =
        ["/lastTimestamp", "/series/lastObservedTime", "/deprecatedLastTimestamp", "/eventTime"]
            .iter()
            .filter_map(|field| event.time(field))
            .max();
    let message = event.text("/message").or_else(|| event.text("/note")).unwrap_or_default();
    let event = KubeEvent {
        warning: event.text("/type") == Some("Warning"),
        reason: event.text("/reason").unwrap_or_default().to_owned(),
        message: clip(message, MAX_MESSAGE),
        about: id,
        container: about.text("/fieldPath").and_then(container_of).map(str::to_owned),
        count: u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX).max(1),
        first_seen: now,
        last_seen: now,
        last_happened,
        name: event.name().to_owned(),
    };
    Some((uid.to_owned(), event))
}

/// `api` of `spec.containers{api}` or `spec.initContainers{api}`.
fn container_of(field_path: &str) -> Option<&str> {
    field_path.split_once('{')?.1.strip_suffix('}')
}
