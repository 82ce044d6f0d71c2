//! Asks the API server what would change, and writes nothing.
//!
//! What stands is read place by place. An object that the strict comparison of `k8s-fields` calls equal is left alone; any other is sent
//! as a dry run, so that unknown fields, missing rights, quota, admission and immutable fields show before anything is written.
//!
//! Of plain data that is not there yet (ConfigMaps, opaque Secrets), only the first of each place is sent as a dry run, unless
//! [`Apply::asking_about_each`] says otherwise: what it would look like is known, and asking would double the time of a large first apply.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Bundle, Object, Scope, stamp};
use deploy_core::plan::{Action, Change, Depth, Plan, PlannedStage};
use deploy_core::run::Run;
use serde_json::Value;

use super::autoscaled::Autoscaled;
use super::coming::Coming;
use super::feed::{blind_spots, companions_of};
use super::locate::with_place;
use super::prepare::{is_plain_data, prepare};
use super::{Apply, side_by_side};
use crate::api::{Place, Read, Resource};
use crate::release::Owner;

/// Errors told at once.
const MAX_ERRORS: usize = 10;

/// An object of the bundle on its way to the API server.
#[derive(Clone)]
pub(super) struct Wanted {
    /// Where it belongs.
    pub(super) place: Place,
    /// Without the marks of the release and of the run.
    pub(super) plain: Object,
    /// Whether its kind comes with the bundle and is not served yet.
    pub(super) unserved: bool,
    /// Whether the bundle brings the definition of its kind.
    pub(super) redefined: bool,
}

/// What all objects of a plan share.
pub(super) struct Planning<'a> {
    run: &'a Run,
    /// The release whose marks the objects bear instead of the run's.
    owner: Option<&'a Owner>,
    pub(super) coming: &'a Coming,
    pub(super) autoscaled: Autoscaled,
    /// The objects that others like them stand for.
    sampled: HashSet<usize>,
}

impl Planning<'_> {
    /// An object as it is compared: with the marks of the release. Only while it is asked about: copies of all would be much of the memory.
    pub(super) fn whole(&self, plain: &Object) -> Object {
        match self.owner {
            Some(owner) => owner.mark(plain.clone()),
            None => plain.clone(),
        }
    }

    /// An object with the marks of the run.
    pub(super) fn as_sent(&self, whole: Object) -> Object {
        match self.owner {
            Some(_) => whole,
            None => stamp(whole, self.run.id().as_str(), self.run.revision()),
        }
    }
}

impl Apply {
    pub(super) async fn make_plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        // A definition may have come or gone since the last plan.
        self.cluster.forget_discovery();
        let coming = Coming::with(bundle);
        let settled = self.settle(bundle, &coming).await?;
        let mut stages: Vec<PlannedStage> = settled
            .stages()?
            .into_iter()
            .map(|stage| PlannedStage { changes: stage.objects, gates: stage.await_ready })
            .collect();
        let mut wanted = self.wanted(&settled, &coming).await?;
        let membership = self.membership(&mut wanted).await?;
        let read = self.read(&wanted).await?;
        let autoscaled = Autoscaled::read(&self.cluster, &wanted).await?;
        let sampled = if self.asks_each { HashSet::new() } else { alike(&wanted, &read) };
        let planning = Planning { run, owner: self.owner.as_deref(), coming: &coming, autoscaled, sampled };

        let given_up = AtomicBool::new(false);
        let asks = wanted.iter().zip(read).enumerate().map(|(index, (object, read))| {
            self.plan_one(index, object, read, settled.objects().get(index), &planning, &given_up)
        });
        let answers = all_or_errors(side_by_side(asks).await.into_iter().flatten())?;
        let mut notes: Vec<String> = planning.autoscaled.notes.clone();
        let mut changes = Vec::with_capacity(answers.len());
        for (change, said) in answers {
            notes.extend(note(&change));
            notes.extend(said);
            changes.push(change);
        }
        if let Some(parent) = membership.parent_index(&wanted) {
            // What there will be is recorded before the first write, so that nothing is ever lost sight of.
            let first = PlannedStage { changes: vec![parent], gates: Vec::new() };
            stages.insert(after_its_namespace(parent, &changes, &stages), first);
        }
        notes.extend(membership.notes);
        changes.extend(membership.deletions);
        let digest = bundle.digest().as_str().to_owned();
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Fields, changes, stages);
        notes.extend(left_out(bundle.hooks()));
        plan.notes = notes;
        self.check_sight(&mut plan).await?;
        Ok(plan)
    }

    /// The objects of the bundle as they are compared and sent, in its order.
    async fn wanted(&self, bundle: &Bundle, coming: &Coming) -> Result<Vec<Wanted>> {
        let mut resources: HashMap<(&str, &str), (Resource, bool)> = HashMap::new();
        let mut wanted = Vec::with_capacity(bundle.objects().len());
        for object in bundle.objects() {
            let kind = (object.api_version(), object.kind());
            if let std::collections::hash_map::Entry::Vacant(entry) = resources.entry(kind) {
                entry.insert(self.resource(object, coming).await.map_err(|error| with_place(error, object))?);
            }
            let Some((resource, unserved)) = resources.get(&kind).cloned() else { continue };
            let place = resource.within(object.namespace().or(Some(self.cluster.default_namespace())));
            let plain = prepare(object.clone()).map_err(|error| with_place(error, object))?;
            let plain = match &place.namespace {
                Some(namespace) => plain.in_namespace(namespace),
                // The API server takes a cluster-wide object with a namespace, and drops it: by another name it would not be known again.
                None if plain.namespace().is_some() => plain.edit(without_namespace)?,
                None => plain,
            };
            let redefined = coming.definition(object).is_some();
            wanted.push(Wanted { place, plain, unserved, redefined });
        }
        Ok(wanted)
    }

    /// What stands of each object; nothing was asked about one whose kind is not served yet.
    async fn read(&self, wanted: &[Wanted]) -> Result<Vec<Option<Read>>> {
        let mut places: HashMap<&Place, HashSet<&str>> = HashMap::new();
        for object in wanted.iter().filter(|object| !object.unserved) {
            places.entry(&object.place).or_default().insert(object.plain.name());
        }
        let mut places = places.into_iter().collect::<Vec<_>>();
        // The smallest first and alone: a server that cannot be reached is asked once.
        places.sort_by_key(|(_, names)| names.len());
        let (first, rest) = places.split_at(1.min(places.len()));
        let read = async |(place, names): &(&Place, HashSet<&str>)| {
            Ok(((*place).clone(), self.cluster.read_many(place, names).await?))
        };
        let mut found = side_by_side(first.iter().map(&read)).await;
        found.extend(side_by_side(rest.iter().map(&read)).await);
        let mut found = found.into_iter().collect::<Result<HashMap<Place, HashMap<String, Read>>>>()?;
        let take = |object: &Wanted| found.get_mut(&object.place)?.remove(object.plain.name());
        Ok(wanted.iter().map(take).collect())
    }

    /// Whether what will be written can be followed: without the right to see pods every rollout would end in a timeout.
    async fn check_sight(&self, plan: &mut Plan) -> Result<()> {
        let written = plan.changes.iter().filter(|change| {
            !matches!(change.action, Action::Unchanged | Action::Delete) && !change.simulated
        });
        let written: Vec<_> =
            written.map(|change| (change.id.clone(), change.desired.api_version().to_owned())).collect();
        let mut notes = Vec::new();
        for (place, error) in blind_spots(&self.cluster, &companions_of(&written)).await {
            if place.resource.kind != "Event" {
                return Err(error
                    .during("plan")
                    .help("without it a rollout cannot be followed: have a Role bound that allows it"));
            }
            notes.push(format!("reasons may be less exact: {error}"));
        }
        plan.notes.extend(notes);
        Ok(())
    }

    /// Finds out which custom resources are namespaced, and defaults their namespace.
    async fn settle(&self, bundle: &Bundle, coming: &Coming) -> Result<Bundle> {
        let mut scopes = HashMap::new();
        for object in bundle.unsettled() {
            let kind = (object.group().to_owned(), object.kind().to_owned());
            if let std::collections::hash_map::Entry::Vacant(entry) = scopes.entry(kind) {
                let resource =
                    self.resource(object, coming).await.map_err(|error| with_place(error, object))?;
                entry.insert(if resource.0.namespaced { Scope::Namespaced } else { Scope::Cluster });
            }
        }
        let kind = |object: &Object| (object.group().to_owned(), object.kind().to_owned());
        bundle.clone().settle(|object| scopes.get(&kind(object)).copied().unwrap_or(Scope::Cluster))
    }

    /// The resource of an object, and whether it comes with the bundle and is not served yet.
    async fn resource(&self, object: &Object, coming: &Coming) -> Result<(Resource, bool)> {
        match self.cluster.resource(object.group(), object.version(), object.kind()).await? {
            Some(resource) => Ok((resource, false)),
            None => match coming.definition(object) {
                Some(resource) => Ok((resource, true)),
                // Asks once more, for the error that says what is missing.
                None => self.cluster.resource_of(object).await.map(|resource| (resource, false)),
            },
        }
    }

    /// The change and what is to be said of it; `None` once it is known that no answer is to be had.
    async fn plan_one(
        &self,
        index: usize,
        wanted: &Wanted,
        read: Option<Read>,
        origin: Option<&Object>,
        planning: &Planning<'_>,
        given_up: &AtomicBool,
    ) -> Option<Result<(Change, Vec<String>)>> {
        if given_up.load(Ordering::Relaxed) {
            return None;
        }
        if planning.run.cancel().is_cancelled() {
            given_up.store(true, Ordering::Relaxed);
            return Some(Err(Error::new(ErrorKind::Cancelled, "cancelled while planning")));
        }
        let read = read.as_ref();
        let answer = if planning.sampled.contains(&index) {
            let desired = planning.as_sent(planning.whole(&wanted.plain));
            Ok((Change::create(desired.clone(), desired), Vec::new()))
        } else if self.lenient {
            Box::pin(self.ask_leniently(wanted, read, planning)).await
        } else {
            Box::pin(self.ask(wanted, read, planning)).await
        };
        let answer = answer.map_err(|error| match origin {
            Some(object) => with_place(error, object),
            None => error,
        });
        if let Err(error) = &answer
            && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unauthorized)
        {
            given_up.store(true, Ordering::Relaxed);
        }
        Some(answer)
    }
}

/// The stage before which an object can be written: the first, unless the plan creates its namespace.
fn after_its_namespace(index: usize, changes: &[Change], stages: &[PlannedStage]) -> usize {
    let namespace = changes.get(index).and_then(|change| change.id.namespace.as_deref());
    let creates = |index: &usize| {
        let change = changes.get(*index).filter(|change| change.action == Action::Create);
        change
            .is_some_and(|change| change.id.is("", "Namespace") && Some(change.id.name.as_str()) == namespace)
    };
    stages.iter().position(|stage| stage.changes.iter().any(creates)).map_or(0, |stage| stage + 1)
}

/// Plain data that is not there yet and is like another one of its place that will be asked about.
fn alike(wanted: &[Wanted], read: &[Option<Read>]) -> HashSet<usize> {
    let mut asked = HashSet::new();
    let mut sampled = HashSet::new();
    for (index, (object, read)) in wanted.iter().zip(read).enumerate() {
        if matches!(read, Some(Read::Missing)) && is_plain_data(&object.plain) && !asked.insert(&object.place)
        {
            sampled.insert(index);
        }
    }
    sampled
}

fn without_namespace(value: &mut Value) {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("namespace");
    }
}

/// What a person should know before.
fn note(change: &Change) -> Option<String> {
    let created = matches!(change.action, Action::Create | Action::Recreate);
    let runs = created && change.id.is("batch", "Job");
    runs.then(|| format!("what {} does when it runs is not undone by a rollback", change.id))
}

/// All the changes, or one error that tells all errors.
fn all_or_errors<T>(answers: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut changes = Vec::with_capacity(answers.size_hint().0);
    let mut errors = Vec::new();
    for answer in answers {
        match answer {
            Ok(change) => changes.push(change),
            Err(error) => errors.push(error),
        }
    }
    if errors.len() <= 1 {
        return errors.pop().map_or(Ok(changes), Err);
    }
    let kind = errors.first().map_or(ErrorKind::Internal, Error::kind);
    // The same message for many objects is told once.
    let mut told: Vec<(&Error, usize)> = Vec::new();
    for error in &errors {
        match told.iter_mut().find(|(first, _)| first.message() == error.message()) {
            Some((_, more)) => *more += 1,
            None => told.push((error, 0)),
        }
    }
    let mut lines: Vec<String> = told
        .iter()
        .take(MAX_ERRORS)
        .map(|(error, more)| match more {
            0 => format!("\n  {error}"),
            1 => format!("\n  {error}; so for 1 more object"),
            more => format!("\n  {error}; so for {more} more objects"),
        })
        .collect();
    if told.len() > MAX_ERRORS {
        lines.push(format!("\n  and {} more", told.len() - MAX_ERRORS));
    }
    let summary = Error::new(kind, format!("{} objects cannot be planned:{}", errors.len(), lines.concat()));
    Err(errors
        .into_iter()
        .next()
        .map_or_else(|| Error::new(kind, "nothing planned"), |first| summary.source(first)))
}

/// Hooks are a release's, which takes them out of the bundle first.
fn left_out(hooks: &[Object]) -> Option<String> {
    let names: Vec<String> = hooks.iter().map(|hook| hook.id().to_string()).collect();
    (!hooks.is_empty()).then(|| format!("left out, because only a release runs hooks: {}", names.join(", ")))
}
