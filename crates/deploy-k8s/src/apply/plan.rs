//! Asks the API server, object by object and without writing, what would change.
//!
//! An object that the strict comparison of `k8s-fields` calls equal is left alone; any other is sent as a dry run, so that unknown
//! fields, missing rights, quota, admission and immutable fields show before anything is written.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Bundle, Object, Scope, stamp};
use deploy_core::plan::{Action, Change, Depth, Plan, PlannedStage, diff};
use deploy_core::run::Run;
use k8s_fields::{ManagedFields, Operation, compare, secret_string_data_to_data};
use k8s_openapi::ByteString;
use serde_json::Value;

use super::feed::{blind_spots, companions_of};
use super::locate::with_place;
use super::{Apply, Conflicts, side_by_side, traces};
use crate::api::{self, ApplyOptions, Place, Resource};

/// Errors told at once.
const MAX_ERRORS: usize = 10;

impl Apply {
    pub(super) async fn make_plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        // A definition may have come or gone since the last plan.
        self.cluster.forget_discovery();
        let coming = Coming::with(bundle);
        let settled = self.settle(bundle, &coming).await?;
        let stages = settled.stages()?;
        let unreachable = AtomicBool::new(false);
        let ask = |object| self.plan_one(object, &coming, &unreachable, run);
        let (first, rest) = settled.objects().split_at(1.min(settled.objects().len()));
        // The first alone: a server that cannot be reached is asked once.
        let mut answers = side_by_side(first.iter().map(ask)).await;
        answers.extend(side_by_side(rest.iter().map(ask)).await);
        let changes = all_or_errors(answers.into_iter().flatten().collect())?;
        let stages =
            stages.into_iter().map(|stage| PlannedStage { changes: stage.objects, gates: stage.await_ready });
        let notes = changes.iter().filter_map(note).collect();
        let digest = bundle.digest().as_str().to_owned();
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Fields, changes, stages.collect());
        plan.notes = notes;
        self.check_sight(&mut plan).await?;
        Ok(plan)
    }

    /// Whether what will be written can be followed: without the right to see pods every rollout would end in a timeout.
    async fn check_sight(&self, plan: &mut Plan) -> Result<()> {
        let written =
            plan.changes.iter().filter(|change| change.action != Action::Unchanged && !change.simulated);
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

    /// `None` once it is known that no answer is to be had.
    async fn plan_one(
        &self,
        object: &Object,
        coming: &Coming,
        unreachable: &AtomicBool,
        run: &Run,
    ) -> Option<Result<Change>> {
        if unreachable.load(Ordering::Relaxed) {
            return None;
        }
        if run.cancel().is_cancelled() {
            unreachable.store(true, Ordering::Relaxed);
            return Some(Err(Error::new(ErrorKind::Cancelled, "cancelled while planning")));
        }
        let answer = self.ask(object, coming, run).await.map_err(|error| with_place(error, object));
        if let Err(error) = &answer
            && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unauthorized)
        {
            unreachable.store(true, Ordering::Relaxed);
        }
        Some(answer)
    }

    async fn ask(&self, object: &Object, coming: &Coming, run: &Run) -> Result<Change> {
        let (resource, simulated) = self.resource(object, coming).await?;
        let place = resource.within(object.namespace().or(Some(self.cluster.default_namespace())));
        let plain = prepare(object.clone())?;
        let plain = match &place.namespace {
            Some(namespace) => plain.in_namespace(namespace),
            None => plain,
        };
        let desired = stamp(plain.clone(), run.id().as_str(), run.revision());
        if simulated {
            return Ok(Change::create(desired.clone(), &desired).simulated());
        }
        // What its definition does not allow yet it may allow once the bundle's own is applied.
        let redefined = coming.definition(object).is_some();
        let live = match self.cluster.get(&place, plain.name()).await? {
            Some(live) => Object::new(live)?,
            None => {
                return match self.plan_create(&place, desired.clone(), coming).await {
                    Err(error) if redefined && error.kind() == ErrorKind::InvalidInput => {
                        Ok(Change::create(desired.clone(), &desired).simulated())
                    }
                    planned => planned,
                };
            }
        };
        if live.get("/metadata/deletionTimestamp").is_some() {
            return Err(Error::new(ErrorKind::Conflict, "is being deleted")
                .during("plan")
                .on(live.id())
                .help("wait until it is gone, then run again"));
        }
        if compare(plain.value(), live.value(), &self.manager, &traces()).is_equal() {
            return Ok(Change::unchanged(desired, live));
        }
        let predicted = match self.predict(&place, &desired).await {
            Err(error) if redefined && error.kind() == ErrorKind::InvalidInput => {
                return Ok(Change::update(desired.clone(), live, &desired).simulated());
            }
            predicted => predicted?,
        };
        if diff(Some(&live), Some(&predicted)).is_empty() && self.owns_the_same(&live, &predicted) {
            return Ok(Change::unchanged(desired, live));
        }
        Ok(Change::update(desired, live, &predicted))
    }

    async fn plan_create(&self, place: &Place, desired: Object, coming: &Coming) -> Result<Change> {
        match self.predict(place, &desired).await {
            Ok(predicted) => Ok(Change::create(desired, &predicted)),
            Err(error)
                if error.kind() == ErrorKind::NotFound && error.message().starts_with("namespaces ") =>
            {
                match &place.namespace {
                    Some(namespace) if coming.namespaces.contains(namespace) => {
                        Ok(Change::create(desired.clone(), &desired).simulated())
                    }
                    Some(namespace) => Err(Error::new(
                        ErrorKind::NotFound,
                        format!("the namespace \"{namespace}\" does not exist"),
                    )
                    .during("plan")
                    .on(desired.id())
                    .help("create it first, or put a Namespace into the same bundle")),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// What the object will look like, by the API server's own word.
    pub(super) async fn predict(&self, place: &Place, desired: &Object) -> Result<Object> {
        match self.cluster.apply(place, desired.value(), self.options(true)).await? {
            api::Apply::Done(object) => Object::new(object),
            api::Apply::FieldConflict { error, .. } => Err(error),
            api::Apply::ChangedMeanwhile => {
                Err(Error::new(ErrorKind::Stale, "changed while it was planned").on(desired.id()))
            }
        }
    }

    pub(super) fn options(&self, dry_run: bool) -> ApplyOptions<'_> {
        ApplyOptions { manager: &self.manager, force: self.conflicts == Conflicts::Force, dry_run }
    }

    /// Whether the write would leave ownership as it is; our own traces do not count.
    fn owns_the_same(&self, live: &Object, predicted: &Object) -> bool {
        let ours = |object: &Object| {
            let managed = ManagedFields::of(object.value()).ok()?;
            let entry = managed.find(&self.manager, Operation::Apply, None)?;
            Some((entry.api_version.clone(), entry.fields.without_subtrees(&traces())))
        };
        ours(live).is_some_and(|live| Some(live) == ours(predicted))
    }
}

/// What the bundle itself brings, so that it may be missing now.
#[derive(Default)]
struct Coming {
    namespaces: HashSet<String>,
    definitions: Vec<Resource>,
}

impl Coming {
    fn with(bundle: &Bundle) -> Self {
        let mut coming = Self::default();
        for object in bundle.objects() {
            let id = object.id();
            if id.is("", "Namespace") {
                coming.namespaces.insert(id.name);
            } else if id.is("apiextensions.k8s.io", "CustomResourceDefinition") {
                coming.definitions.extend(defined(object));
            }
        }
        coming
    }

    fn definition(&self, object: &Object) -> Option<Resource> {
        let same = |resource: &&Resource| {
            (resource.group.as_str(), resource.version.as_str(), resource.kind.as_str())
                == (object.group(), object.version(), object.kind())
        };
        self.definitions.iter().find(same).cloned()
    }
}

/// The resources that a CustomResourceDefinition defines, one for each served version.
pub(super) fn defined(crd: &Object) -> Vec<Resource> {
    let text = |pointer: &str| crd.get(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = crd.get("/spec/versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let served =
        versions.iter().filter(|version| version.get("served").and_then(Value::as_bool) != Some(false));
    served
        .filter_map(|version| version.get("name")?.as_str())
        .map(|version| Resource {
            group: text("/spec/group"),
            version: version.to_owned(),
            kind: text("/spec/names/kind"),
            plural: text("/spec/names/plural"),
            namespaced: text("/spec/scope") != "Cluster",
        })
        .collect()
}

/// The object as it is sent: without what only the server writes, and with a Secret's `stringData` folded into `data`, where removed
/// keys are noticed.
fn prepare(object: Object) -> Result<Object> {
    let mut folded = Ok(());
    let object = object.edit(|value| {
        if let Some(map) = value.as_object_mut() {
            map.remove("status");
            if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in
                    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"]
                {
                    metadata.remove(field);
                }
            }
        }
        folded = secret_string_data_to_data(value);
    })?;
    folded.map_err(|error| Error::invalid(error.to_string()).on(object.id()))?;
    check_secret(&object)?;
    Ok(object)
}

/// A Secret's data by our own word: the API server's error would quote the value.
fn check_secret(object: &Object) -> Result<()> {
    let data = object.get("/data").filter(|data| object.id().is("", "Secret") && !data.is_null());
    let bad =
        |path: &str, why: &str| Err(Error::invalid(format!("{path}: {why}")).during("plan").on(object.id()));
    match data {
        None => Ok(()),
        Some(Value::Object(data)) => data.iter().try_for_each(|(key, value)| match value {
            Value::Null => Ok(()),
            Value::String(_) if serde_json::from_value::<ByteString>(value.clone()).is_ok() => Ok(()),
            Value::String(_) => {
                bad(&format!(".data.{key}"), "is not base64 (plain text goes into stringData)")
            }
            _ => bad(&format!(".data.{key}"), "is not a string (quote it)"),
        }),
        Some(_) => bad(".data", "is not a map"),
    }
}

/// What a person should know before.
fn note(change: &Change) -> Option<String> {
    let runs = change.action == Action::Create && change.id.is("batch", "Job");
    runs.then(|| format!("what {} does when it runs is not undone by a rollback", change.id))
}

/// All the changes, or one error that tells all errors.
fn all_or_errors(answers: Vec<Result<Change>>) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(answers.len());
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
