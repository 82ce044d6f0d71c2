//! Runs hooks, one after the other: a Job or a Pod is followed like any workload until it is done, anything else only has to be created.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::health::{Assessment, Judge, Patience, World};
use deploy_core::manifest::{DEPLOYMENT_ID, Object, ObjectId};
use deploy_core::plan::Action;
use deploy_core::run::Run;
use deploy_core::target::{Applied, AppliedObject, Observation, RolloutTarget};
use serde_json::{Value, json};

use super::Release;
use super::draft::Draft;
use super::hook::{self, DeletePolicy, HookEvent, RunnableHook};
use super::owner::HELM;
use super::record::Record;
use crate::api::Place;
use crate::apply::{Apply, side_by_side};

/// The group, kind and version of what is waited for.
const AWAITED: [(&str, &str, &str); 2] = [("batch", "Job", "batch/v1"), ("", "Pod", "v1")];

/// How often an object may change under us before we give up on it.
const MAX_RACES: usize = 5;

impl Release {
    /// Whether the API server would take the hooks of a plan: what is wrong with one shows before anything is written.
    pub(super) async fn check_hooks(&self, draft: &Draft) -> Result<()> {
        let Some(record) = &draft.record else { return Ok(()) };
        // What is recorded ran before as it is.
        let strict = !draft.purpose.goes_back();
        let mut hooks = Vec::new();
        for event in draft.purpose.before().into_iter().chain(draft.purpose.after()) {
            hooks.extend(hook::at(record, event)?);
        }
        let asks = hooks.iter().map(async |hook| {
            // A kind may come with the release, and so may a namespace.
            let Ok(place) = self.place_of(&hook.object).await else { return Ok(()) };
            match self.cluster().dry_create(&place, hook.object.value(), HELM, strict).await {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        side_by_side(asks).await.into_iter().collect()
    }

    /// Runs the hooks of an event. What keeps the release from going on is in [`Applied::halted`].
    pub(super) async fn run_hooks(&self, record: &Record, event: HookEvent, run: &Run) -> Result<Applied> {
        let engine = self.engine(&self.owner(HashSet::new()), false).health_rule("", "Pod", Arc::new(ended));
        let hooks = hook::at(record, event)?;
        let mut applied = Applied::default();
        for hook in &hooks {
            if run.cancel().is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "cancelled while hooks ran"));
            }
            let named = |error: Error| error.during(format!("run the {} hook", event.as_str()));
            let place = self.place_of(&hook.object).await.map_err(named)?;
            self.make_way(hook, &place, &engine, run).await.map_err(named)?;
            let live = self.create_hook(hook, &place, run).await.map_err(named)?;
            run.emit(EventKind::Applied { object: place.id(hook.object.name()), action: Action::Create });
            let object = engine.applied(live, Action::Create, run);
            applied.objects.push(object.clone());
            if !is_awaited(&hook.object) {
                continue;
            }
            match self.followed(&engine, object, run).await? {
                Observation::Healthy => {}
                // Those before it that are not to stay when they succeed go when it is stopped.
                unwell => {
                    applied.halted = Some(unwell);
                    return Ok(applied);
                }
            }
        }
        for hook in hooks.iter().filter(|hook| hook.has(DeletePolicy::HookSucceeded)).rev() {
            self.delete_hook(hook, Some(run.id().as_str())).await?;
        }
        Ok(applied)
    }

    /// Stops what still runs of the hooks that a run started, or any run of ours where none is named; each that came to its end goes if its
    /// policy says so, of success or of failure.
    pub(super) async fn stop_hooks(
        &self,
        record: &Record,
        events: &[HookEvent],
        started_by: Option<&str>,
    ) -> Result<()> {
        for event in events {
            for hook in hook::at(record, *event)? {
                if !is_awaited(&hook.object) && !hook.has(DeletePolicy::HookSucceeded) {
                    continue;
                }
                let place = match self.place_of(&hook.object).await {
                    // Its kind has gone, and it with it.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    place => place?,
                };
                let Some(live) = self.started(&hook, &place, started_by).await? else { continue };
                let end =
                    if succeeded(&live) { DeletePolicy::HookSucceeded } else { DeletePolicy::HookFailed };
                if hook.has(end) {
                    self.cluster().delete(&place, live.name(), live.uid()).await?;
                } else if is_running(&live) {
                    self.stop_hook(&hook, &place, started_by).await?;
                }
            }
        }
        Ok(())
    }

    /// Deletes what an earlier run left, if its policy says so or that run died at it; what is no hook is not touched.
    async fn make_way(&self, hook: &RunnableHook, place: &Place, engine: &Apply, run: &Run) -> Result<()> {
        let name = hook.object.name();
        let Some(live) = self.cluster().get(place, name).await?.map(Object::new).transpose()? else {
            return Ok(());
        };
        if !hook::is_hook(&live) {
            return Err(Error::new(ErrorKind::Conflict, "exists, and is no hook")
                .on(place.id(name))
                .help("give the hook another name"));
        }
        let goes = live.get("/metadata/deletionTimestamp").is_some() || was_left_by_the_dead(hook, &live);
        if !hook.has(DeletePolicy::BeforeHookCreation) && !goes {
            return Err(Error::new(ErrorKind::Conflict, "already exists, and its delete policy has it stay")
                .on(place.id(name))
                .help(
                    "delete it, or add before-hook-creation to its annotation helm.sh/hook-delete-policy",
                ));
        }
        self.cluster().delete(place, name, live.uid()).await?;
        let gone = AppliedObject::deleted(place.id(name), live.api_version());
        match self.followed(engine, gone, run).await? {
            Observation::Healthy => Ok(()),
            Observation::Cancelled => Err(Error::new(ErrorKind::Cancelled, "cancelled while hooks ran")),
            _ => Err(Error::new(ErrorKind::Timeout, "what an earlier run left of it does not go")
                .on(place.id(name))),
        }
    }

    async fn create_hook(&self, hook: &RunnableHook, place: &Place, run: &Run) -> Result<Object> {
        let object = hook.object.clone().with_annotation(DEPLOYMENT_ID, run.id().as_str());
        let found = match self.cluster().create(place, object.value(), HELM).await {
            Ok(Some(live)) => return Object::new(live),
            Err(error) if error.kind() != ErrorKind::OutcomeUnknown => return Err(error),
            lost => self.cluster().get(place, object.name()).await?.ok_or_else(|| match lost {
                Err(error) => error,
                Ok(_) => Error::new(ErrorKind::Conflict, "others keep changing it").on(object.id()),
            })?,
        };
        let live = Object::new(found)?;
        if live.annotation(DEPLOYMENT_ID) == Some(run.id().as_str()) {
            return Ok(live);
        }
        Err(Error::new(ErrorKind::Conflict, "somebody else created it")
            .on(place.id(object.name()))
            .help("run again"))
    }

    async fn followed(&self, engine: &Apply, object: AppliedObject, run: &Run) -> Result<Observation> {
        let mut applied = Applied::default();
        applied.objects.push(object);
        engine.observe(&applied, run).await
    }

    async fn delete_hook(&self, hook: &RunnableHook, started_by: Option<&str>) -> Result<()> {
        let place = self.place_of(&hook.object).await?;
        if let Some(live) = self.started(hook, &place, started_by).await? {
            self.cluster().delete(&place, live.name(), live.uid()).await?;
        }
        Ok(())
    }

    /// A Job is suspended: its pods go, and what it says of them stays. A Pod can only be deleted.
    async fn stop_hook(&self, hook: &RunnableHook, place: &Place, started_by: Option<&str>) -> Result<()> {
        for _ in 0..MAX_RACES {
            let Some(live) = self.started(hook, place, started_by).await?.filter(is_running) else {
                return Ok(());
            };
            if live.kind() != "Job" {
                return self.cluster().delete(place, live.name(), live.uid()).await.map(drop);
            }
            let version = live.resource_version().unwrap_or_default();
            let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"suspend": true}});
            if self.cluster().merge(place, live.name(), &patch).await?.is_some() {
                return Ok(());
            }
            self.cluster().clock().sleep(Duration::from_millis(20)).await;
        }
        Err(Error::new(ErrorKind::Conflict, "cannot be stopped: others keep changing it")
            .on(hook.object.id()))
    }

    /// The live object of a hook, if that run started it, or any of ours.
    async fn started(&self, hook: &RunnableHook, place: &Place, run: Option<&str>) -> Result<Option<Object>> {
        let live = self.cluster().get(place, hook.object.name()).await?.map(Object::new).transpose()?;
        Ok(live.filter(|live| {
            let by = live.annotation(DEPLOYMENT_ID);
            by.is_some() && (run.is_none() || run == by)
        }))
    }

    pub(super) async fn place_of(&self, object: &Object) -> Result<Place> {
        let resource = self.cluster().resource_of(object).await?;
        Ok(resource.within(Some(object.namespace().unwrap_or(self.namespace()))))
    }
}

/// The hooks that an observation is about, for those who ran them after all of the plan.
pub(super) fn unwell(observation: &Observation) -> Vec<AppliedObject> {
    let ids: Vec<&ObjectId> = match observation {
        Observation::Failed { failures } => failures.iter().map(|failure| &failure.object).collect(),
        Observation::TimedOut { waiting } => waiting.iter().map(|waiting| &waiting.object).collect(),
        _ => Vec::new(),
    };
    let hook = |id: &ObjectId| {
        let (_, _, api_version) = AWAITED.iter().find(|(group, kind, _)| id.is(group, kind))?;
        let (id, api_version) = (id.clone(), (*api_version).to_owned());
        Some(AppliedObject { id, api_version, action: Action::Create, generation: None, healthy: false })
    };
    ids.into_iter().filter_map(hook).collect()
}

/// Whether a hook has to end well before the release goes on (`pkg/kube/client.go`, `WatchUntilReady`).
fn is_awaited(object: &Object) -> bool {
    AWAITED.iter().any(|(group, kind, _)| object.id().is(group, kind))
}

/// Whether a Job or a Pod has not come to its end, and nobody has stopped it.
fn is_running(live: &Object) -> bool {
    let stopped = live.get("/spec/suspend").and_then(Value::as_bool) == Some(true);
    is_awaited(live)
        && !stopped
        && !ended_with(live, "Succeeded", "Complete")
        && !ended_with(live, "Failed", "Failed")
}

/// Whether it did what it was for: of all but a Job or a Pod, being there is all.
fn succeeded(live: &Object) -> bool {
    !is_awaited(live) || ended_with(live, "Succeeded", "Complete")
}

/// Whether a Pod is in this phase, or a Job in this condition.
fn ended_with(live: &Object, phase: &str, condition: &str) -> bool {
    let conditions = live.get("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    live.get("/status/phase").and_then(Value::as_str) == Some(phase)
        || conditions.into_iter().any(|one| one["type"] == condition && one["status"] == "True")
}

/// Whether a run of ours died before it could do with a hook what its policy says: a live one stops what runs. It must not bar the way
/// for ever, as one that was killed does with Helm. Only for whoever holds the release's lock.
fn was_left_by_the_dead(hook: &RunnableHook, live: &Object) -> bool {
    let due = is_running(live) || (succeeded(live) && hook.has(DeletePolicy::HookSucceeded));
    live.annotation(DEPLOYMENT_ID).is_some() && due
}

/// A Pod that is a hook is well when it has ended well, not while it runs.
fn ended(pod: &Object, world: &World, patience: &Patience, now: Timestamp) -> Assessment {
    let assessment = Judge::new(patience.clone()).judge(&pod.id(), world, now);
    let succeeded = pod.get("/status/phase").and_then(Value::as_str) == Some("Succeeded");
    if assessment.is_healthy() && !succeeded { Assessment::progressing("it runs") } else { assessment }
}
