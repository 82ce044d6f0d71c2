//! What has to be watched to judge an object, and the world that grows from it.

use std::collections::HashSet;

use deploy_core::error::{Error, Result};
use deploy_core::health::World;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::run::Run;
use deploy_core::target::AppliedObject;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::api::{Cluster, Place, Resource, WatchEvent, Watched};

/// Messages that may wait to be read; past it the watches wait.
const QUEUE: usize = 256;

/// The kinds that are judged together with a workload, its own left out.
fn companions(id: &ObjectId) -> &'static [(&'static str, &'static str)] {
    const EVENT: (&str, &str) = ("", "Event");
    const POD: (&str, &str) = ("", "Pod");
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => &[("apps", "ReplicaSet"), POD, EVENT],
        ("apps", "DaemonSet") => &[("apps", "ControllerRevision"), POD, EVENT],
        ("apps", "StatefulSet") => &[("", "PersistentVolumeClaim"), POD, EVENT],
        ("apps", "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => &[POD, EVENT],
        ("", "Pod" | "PersistentVolumeClaim") => &[EVENT],
        _ => &[],
    }
}

/// The places to watch for `objects`, each once; their own and their companions'.
pub(super) async fn places(cluster: &Cluster, objects: &[(ObjectId, String)]) -> Result<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    for (id, api_version) in objects {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let own = cluster.resource(group, version, &id.kind).await?.ok_or_else(|| {
            Error::new(deploy_core::error::ErrorKind::NotFound, "its kind is not served any more")
                .during("observe")
                .on(id)
        })?;
        let own = own.within(id.namespace.as_deref());
        if !places.contains(&own) {
            places.push(own);
        }
    }
    places.extend(companions_of(objects));
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.clone()));
    Ok(places)
}

/// The places of all that is judged together with `objects`, their own left out.
pub(super) fn companions_of(objects: &[(ObjectId, String)]) -> Vec<Place> {
    let mut places = Vec::new();
    for (id, _) in objects {
        for resource in companions(id).iter().filter_map(|(group, kind)| Resource::built_in_kind(group, kind))
        {
            let place = resource.within(id.namespace.as_deref());
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// Which of `places` may not be listed, and the API server's word on it.
pub(super) async fn blind_spots(cluster: &Cluster, places: &[Place]) -> Vec<(Place, Error)> {
    let looks = places.iter().map(async |place| Some((place.clone(), cluster.peek(place).await.err()?)));
    futures_util::future::join_all(looks).await.into_iter().flatten().collect()
}

/// The objects with their API versions.
pub(super) fn versioned<'a>(objects: impl IntoIterator<Item = &'a AppliedObject>) -> Vec<(ObjectId, String)> {
    objects.into_iter().map(|object| (object.id.clone(), object.api_version.clone())).collect()
}

/// Watches of several places, gathered into one world. Dropped, the watches end.
pub(super) struct Feed {
    places: Vec<Place>,
    messages: mpsc::Receiver<Watched>,
    unlisted: HashSet<usize>,
    denied: Vec<(usize, Error)>,
    _watches: JoinSet<()>,
}

impl Feed {
    pub(super) fn open(cluster: &Cluster, places: Vec<Place>) -> Self {
        let (sender, messages) = mpsc::channel(QUEUE);
        let mut watches = JoinSet::new();
        for (number, place) in places.iter().enumerate() {
            watches.spawn(cluster.clone().follow(place.clone(), number, sender.clone()));
        }
        let unlisted = (0..places.len()).collect();
        Self { places, messages, unlisted, denied: Vec::new(), _watches: watches }
    }

    /// Whether every place has been listed (or cannot be), so that what is not in the world is not there.
    pub(super) fn is_complete(&self) -> bool {
        self.unlisted.is_empty()
    }

    /// Why objects like `id` cannot be watched, if they cannot.
    pub(super) fn denied(&mut self, id: &ObjectId) -> Option<Error> {
        let places = &self.places;
        let denied = self.denied.iter().position(|(number, _)| {
            places.get(*number).is_some_and(|place| {
                id.is(&place.resource.group, &place.resource.kind) && place.namespace == id.namespace
            })
        });
        denied.map(|index| self.denied.swap_remove(index).1)
    }

    /// What else cannot be watched; told once.
    pub(super) fn take_denied(&mut self) -> Vec<Error> {
        self.denied.drain(..).map(|(_, error)| error).collect()
    }

    /// Waits for news and takes all there is into `world`. Returns the last states of deleted objects. Cancel safe.
    pub(super) async fn next(&mut self, world: &mut World, run: &Run) -> Vec<Object> {
        let mut gone = Vec::new();
        let Some(first) = self.messages.recv().await else { return std::future::pending().await };
        self.take(first, world, run, &mut gone);
        while let Ok(more) = self.messages.try_recv() {
            self.take(more, world, run, &mut gone);
        }
        gone
    }

    fn take(&mut self, message: Watched, world: &mut World, run: &Run, gone: &mut Vec<Object>) {
        let now = run.now();
        let Watched { place: number, event } = message;
        match event {
            WatchEvent::Listed(items) => {
                self.unlisted.remove(&number);
                if let Some(Place { resource, namespace }) = self.places.get(number) {
                    let items = items.into_iter().filter_map(object);
                    world.replace_kind(&resource.group, &resource.kind, namespace.as_deref(), items, now);
                }
            }
            WatchEvent::Changed(changed) => {
                if let Some(object) = object(changed) {
                    world.upsert(object, now);
                }
            }
            WatchEvent::Deleted(deleted) => {
                if let Some(object) = object(deleted) {
                    world.remove(&object, now);
                    gone.push(object);
                }
            }
            WatchEvent::Denied(error) => {
                self.unlisted.remove(&number);
                self.denied.push((number, error));
            }
        }
    }
}

/// What is no object is none of ours.
fn object(value: Value) -> Option<Object> {
    Object::new(value).ok()
}

/// What stands in `places` now.
pub(super) async fn look(cluster: &Cluster, places: &[Place], run: &Run) -> (World, Vec<Error>) {
    let mut world = World::new();
    let mut denied = Vec::new();
    let lists = places.iter().map(async |place| {
        let mut items = Vec::new();
        cluster.list(place, "", |item| items.push(item)).await.map(|_| items)
    });
    for list in futures_util::future::join_all(lists).await {
        match list {
            Ok(items) => {
                items.into_iter().filter_map(object).for_each(|object| world.upsert(object, run.now()));
            }
            Err(error) => denied.push(error),
        }
    }
    (world, denied)
}
