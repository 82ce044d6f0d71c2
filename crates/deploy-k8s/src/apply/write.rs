//! Writes a plan, stage by stage, and nothing but the plan.
//!
//! Every write carries what the plan saw as its precondition: the uid and resourceVersion, or, for an object that was not there, a
//! resourceVersion that no object ever has (the API server creates then, and answers 409 if there is one after all). An object that
//! changed meanwhile is asked about again, and written only if the same fields would change.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::health::World;
use deploy_core::manifest::{DEPLOYMENT_ID, Object, ObjectId};
use deploy_core::plan::{Action, Change, Plan, diff};
use deploy_core::run::Run;
use deploy_core::target::{Applied, AppliedObject, Observation};
use k8s_fields::{FieldSet, applied_fields, compare};
use serde_json::Value;

use super::ask::{being_deleted, paths};
use super::{Apply, side_by_side};
use crate::api::{self, ApplyOptions, Place, Resource};

/// How often an object may change under us before we give up on it.
const MAX_RACES: u32 = 5;
/// etcd counts from 1 and the first object gets 2 at the least: as a precondition it means "not there yet".
const NEVER: &str = "1";
/// How long an API server may take to serve a kind whose definition is established.
const SERVED_WITHIN: Duration = Duration::from_secs(10);

impl Apply {
    pub(super) async fn write(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let mut applied = Applied::default();
        for stage in &plan.stages {
            let changes: Vec<&Change> =
                stage.changes.iter().filter_map(|index| plan.changes.get(*index)).collect();
            applied.objects.extend(self.write_stage(&changes, run).await?);
            let gates: Vec<AppliedObject> = stage
                .gates
                .iter()
                .filter_map(|index| plan.changes.get(*index))
                .filter(|change| change.action != Action::Unchanged || !is_ground(&change.id))
                .filter_map(|change| applied.objects.iter().find(|object| object.id == change.id).cloned())
                .collect();
            if gates.is_empty() {
                continue;
            }
            match self.follow(&gates, run).await? {
                // What stands goes on standing, and a Job that is done may be gone by then: the observation at the end need not look again.
                Observation::Healthy => {
                    let lasting =
                        gates.iter().map(|gate| &gate.id).filter(|id| is_ground(id) || id.is("batch", "Job"));
                    let lasting: HashSet<&ObjectId> = lasting.collect();
                    for object in &mut applied.objects {
                        object.healthy |= lasting.contains(&object.id);
                    }
                }
                unwell => {
                    applied.halted = Some(unwell);
                    return Ok(applied);
                }
            }
        }
        Ok(applied)
    }

    /// After a failure, what is under way is waited for, so that the way back knows where it starts; nothing new is begun.
    async fn write_stage(&self, changes: &[&Change], run: &Run) -> Result<Vec<AppliedObject>> {
        let failed = AtomicBool::new(false);
        let written =
            side_by_side(changes.iter().map(|change| self.write_unless(&failed, change, run))).await;
        let mut objects = Vec::with_capacity(written.len());
        for result in written.into_iter().flatten() {
            objects.push(result?);
        }
        if run.cancel().is_cancelled() {
            run.emit(EventKind::Cancelled);
            return Err(Error::new(ErrorKind::Cancelled, "cancelled while applying"));
        }
        Ok(objects)
    }

    async fn write_unless(
        &self,
        failed: &AtomicBool,
        change: &Change,
        run: &Run,
    ) -> Option<Result<AppliedObject>> {
        if failed.load(Ordering::Relaxed) || run.cancel().is_cancelled() {
            return None;
        }
        let result = Box::pin(self.write_one(change, run)).await;
        failed.fetch_or(result.is_err(), Ordering::Relaxed);
        Some(result)
    }

    async fn write_one(&self, change: &Change, run: &Run) -> Result<AppliedObject> {
        let live = match (&change.before, change.action) {
            (Some(before), Action::Unchanged) => before.clone(),
            _ => Object::new(self.write_when_served(change, run).await?)?,
        };
        run.emit(EventKind::Applied { object: change.id.clone(), action: change.action });
        let mut object = self.applied(live, change.action, run);
        object.id = change.id.clone();
        Ok(object)
    }

    /// What is to be observed of a live object, just written (or found unchanged).
    pub(crate) fn applied(&self, live: Object, action: Action, run: &Run) -> AppliedObject {
        let (id, api_version) = (live.id(), live.api_version().to_owned());
        let generation = live.get("/metadata/generation").and_then(Value::as_i64);
        let judge = self.judge(&run.rules().patience);
        let at_rest = action == Action::Unchanged && judge.is_at_rest(&live, run.now());
        let mut alone = World::new();
        alone.upsert(live, run.now());
        let healthy = at_rest || judge.judge(&id, &alone, run.now()).is_healthy();
        AppliedObject { id, api_version, action, generation, healthy }
    }

    /// Writes; a kind whose definition came with this bundle may take a moment to be served as it now is.
    async fn write_when_served(&self, change: &Change, run: &Run) -> Result<Value> {
        let until = run.now() + SERVED_WITHIN;
        let desired = &change.desired;
        let defined = change.simulated && !Resource::is_built_in(desired.group(), desired.kind());
        loop {
            let written = match self.cluster.resource_of(desired).await {
                Ok(resource) => {
                    self.write_change(change, &resource.within(change.id.namespace.as_deref()), run).await
                }
                Err(error) => Err(error),
            };
            match written {
                Err(error)
                    if defined
                        && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput)
                        && run.now() < until
                        && !run.cancel().is_cancelled() =>
                {
                    self.cluster.forget_discovery();
                    run.clock().sleep(Duration::from_millis(100)).await;
                }
                written => return written,
            }
        }
    }

    async fn write_change(&self, change: &Change, place: &Place, run: &Run) -> Result<Value> {
        let options = ApplyOptions { manager: &self.manager, force: change.force, dry_run: false };
        let mut seen = change.before.clone();
        if change.action == Action::Recreate {
            self.make_way(change, place, run).await?;
            seen = None;
        }
        for _ in 0..MAX_RACES {
            if let Some(live) = seen.take() {
                match self.claim_fields(change, live, place).await? {
                    Some(live) => seen = Some(live),
                    None => {
                        seen = self.look_again(change, place).await?;
                        continue;
                    }
                }
            }
            let body = if change.is_unseen() {
                change.desired.value().clone()
            } else {
                conditional(&change.desired, seen.as_ref())?
            };
            match self.cluster.apply(place, &body, options).await? {
                api::Apply::Done(object) if object.pointer("/metadata/deletionTimestamp").is_some() => {
                    return Err(being_deleted(&object).during("apply").on(&change.id));
                }
                api::Apply::Done(object) => return Ok(object),
                api::Apply::FieldConflict { error, .. } => return Err(error),
                api::Apply::ChangedMeanwhile => {}
            }
            seen = self.look_again(change, place).await?;
            // Our own write, whose answer was lost: nobody else writes this run's id, and this run writes an object once.
            if let Some(live) = seen.as_ref().filter(|live| self.is_ours(change, live)) {
                return Ok(live.value().clone());
            }
        }
        Err(stale(change, "others keep changing it"))
    }

    /// Rewrites the managers where fields change hands, before the values are applied. `None` if the object changed meanwhile.
    async fn claim_fields(&self, change: &Change, live: Object, place: &Place) -> Result<Option<Object>> {
        let claim = self.ownership().claim(change.desired.value(), live.value(), &paths(&change.yielded))?;
        let Some(managers) = claim.managers else { return Ok(Some(live)) };
        let version = live.resource_version().unwrap_or_default();
        let claimed = self.cluster.merge(place, &change.id.name, &managers.to_merge_patch(version)).await?;
        claimed.map(Object::new).transpose()
    }

    /// The object as it is now, if it still is what the plan saw, or is our own write.
    async fn look_again(&self, change: &Change, place: &Place) -> Result<Option<Object>> {
        let live = self.cluster.get(place, &change.id.name).await?.map(Object::new).transpose()?;
        if !live.as_ref().is_some_and(|live| self.is_ours(change, live)) {
            // What is created anew was there, and is gone by now.
            let before = change.before.as_ref().filter(|_| change.action != Action::Recreate);
            still_as_planned(change, before, live.as_ref())?;
        }
        Ok(live)
    }

    /// Whether it is this run's own write: by the run's mark, or because nothing of it is left to write.
    fn is_ours(&self, change: &Change, live: &Object) -> bool {
        match change.desired.annotation(DEPLOYMENT_ID) {
            Some(id) => live.annotation(DEPLOYMENT_ID) == Some(id),
            None => compare(change.desired.value(), live.value(), &self.manager, &FieldSet::new()).is_equal(),
        }
    }

    /// Deletes what cannot be changed, if it still is what the plan saw, and waits until it is gone.
    async fn make_way(&self, change: &Change, place: &Place, run: &Run) -> Result<()> {
        let mut deleted = false;
        for _ in 0..MAX_RACES {
            let Some(live) = self.cluster.get(place, &change.id.name).await?.map(Object::new).transpose()?
            else {
                return Ok(());
            };
            still_as_planned(change, change.before.as_ref(), Some(&live))?;
            deleted = self.cluster.delete_as_read(place, &change.id.name, live.value()).await?;
            if deleted {
                break;
            }
        }
        if !deleted {
            return Err(stale(change, "others keep changing it"));
        }
        let gone = AppliedObject::deleted(change.id.clone(), change.desired.api_version());
        match self.follow(&[gone], run).await? {
            Observation::Healthy => Ok(()),
            Observation::Cancelled => Err(Error::new(ErrorKind::Cancelled, "cancelled while applying")),
            _ => {
                let live = self.cluster.get(place, &change.id.name).await?.unwrap_or_default();
                let still = being_deleted(&live).during("apply").on(&change.id);
                Err(Error::new(ErrorKind::Timeout, "cannot be created anew yet").source(still))
            }
        }
    }
}

/// Whether nothing that the plan changes was changed by somebody else since; a Secret's values count though no diff shows them.
fn still_as_planned(change: &Change, before: Option<&Object>, live: Option<&Object>) -> Result<()> {
    let (before, live) = match (before, live) {
        (None, Some(_)) => return Err(stale(change, "somebody else created it")),
        (Some(_), None) => return Err(stale(change, "somebody else deleted it")),
        // Created in the meantime and gone again: as planned.
        (None, None) => return Ok(()),
        (Some(before), Some(live)) => (before, live),
    };
    if before.uid() != live.uid() {
        return Err(stale(change, "somebody else replaced it"));
    }
    let mut ours: Vec<String> = change.diff.iter().map(|ours| ours.path.clone()).collect();
    if change.force {
        // No conflict would keep us from writing over what is the same as wanted in the plan, and is not any more.
        ours.extend(applied_fields(change.desired.value()).iter().map(|path| path.quoted()));
    }
    let meets =
        |theirs: &str| ours.iter().any(|ours| ours.starts_with(theirs) || theirs.starts_with(ours.as_str()));
    // What somebody brought to just what the plan foretold is no change against it: the plan's two looks were not of one moment.
    let foretold = |theirs: &str| {
        let Some(predicted) = &change.predicted else { return false };
        let rest = diff(Some(live), Some(predicted));
        !rest.iter().any(|rest| rest.path.starts_with(theirs) || theirs.starts_with(rest.path.as_str()))
    };
    let theirs = diff(Some(before), Some(live));
    match theirs.iter().find(|theirs| meets(&theirs.path) && !foretold(&theirs.path)) {
        Some(theirs) => Err(stale(change, &format!("{} changed", theirs.path))),
        None => Ok(()),
    }
}

/// What is there before anything else, and needs no waiting for once it stands.
fn is_ground(id: &ObjectId) -> bool {
    id.is("", "Namespace") || id.is("apiextensions.k8s.io", "CustomResourceDefinition")
}

fn conditional(desired: &Object, seen: Option<&Object>) -> Result<Value> {
    let version = seen.and_then(Object::resource_version).unwrap_or(NEVER).to_owned();
    let uid = seen.and_then(Object::uid).map(str::to_owned);
    let object = desired.clone().edit(|value| {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), version.into());
            if let Some(uid) = uid {
                metadata.insert("uid".into(), uid.into());
            }
        }
    })?;
    Ok(object.into_value())
}

fn stale(change: &Change, what: &str) -> Error {
    Error::new(ErrorKind::Stale, format!("is no longer what the plan saw: {what}"))
        .during("apply")
        .on(&change.id)
        .help("run again to plan anew")
}
