//! Leads one object through its case.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_fields::{FieldSet, compare, extract, secret_string_data_to_data};
use kube::core::Status;
use serde_json::{Value, json};

use super::case::{Case, Desired, Step, Write};
use super::change::{Change, part};
use super::effect::Effect;
use super::server::{Answer, Server};
use super::tally::Tally;

/// The manager whose manifests are compared.
const MANAGER: &str = "deploy";

/// How often an object may be changed by controllers between a look at it and the apply, before a case gives up.
const MAX_LOOKS: usize = 50;

pub(super) struct Driver {
    pub(super) server: Server,
    pub(super) tally: Mutex<Tally>,
    pub(super) objects: AtomicUsize,
}

/// What was applied last.
struct Applied {
    manifest: Value,
    /// It came from the template, without any change.
    ordinary: bool,
    /// Nobody has written anything since.
    stands: bool,
}

impl Driver {
    /// Runs a case on an object of its own.
    ///
    /// # Errors
    /// What was called equal, and is changed or refused by an apply.
    pub(super) async fn run(&self, case: &Case) -> Result<(), String> {
        let name = format!("x{}", self.objects.fetch_add(1, Ordering::Relaxed));
        let named = |manifest: &Value| {
            let mut manifest = manifest.clone();
            manifest["metadata"]["name"] = json!(name);
            folded(manifest).expect("strings")
        };
        let manifests: Vec<Value> = case.manifests.iter().map(named).collect();
        let mut applied = Applied { manifest: manifests[0].clone(), ordinary: true, stands: true };
        // Twice: the API server stores a PersistentVolumeClaim anew when it is first updated, be it with what it has.
        for _ in 0..2 {
            if let Err(status) = self.server.apply(&manifests[0], MANAGER, false).await {
                return Err(format!("the template is bad: {}\n{:#}", status.message, manifests[0]));
            }
        }
        let mut result = self.check(&manifests[0], None, false, true).await.map(drop);
        for step in &case.steps {
            if result.is_ok() {
                result = self.step(step, &manifests, &mut applied).await;
            }
        }
        drop(self.server.delete(&manifests[0]).await);
        result
    }

    async fn step(&self, step: &Step, manifests: &[Value], applied: &mut Applied) -> Result<(), String> {
        if let Some(write) = &step.write {
            self.write(write, &applied.manifest, manifests).await;
            applied.stands = false;
        }
        let live = self.live(&applied.manifest).await?;
        let (base, ordinary) = match step.desired {
            Desired::Same => (applied.manifest.clone(), applied.ordinary),
            Desired::Another(index) => (index.get(manifests).clone(), true),
            Desired::Extracted => match extract(&live, MANAGER) {
                Ok(Some(extracted)) => (extracted, false),
                _ => return Ok(()),
            },
        };
        let Some(desired) = folded(changed(&base, &step.changes, manifests, &live)) else { return Ok(()) };
        let again = applied.stands && ordinary && desired == applied.manifest;
        let effect = self.check(&desired, Some(live), step.force, again).await?;
        applied.stands &= effect != Effect::Change;
        if step.keep && effect != Effect::Refused {
            *applied =
                Applied { manifest: desired, ordinary: ordinary && step.changes.is_empty(), stands: true };
        }
        Ok(())
    }

    async fn write(&self, write: &Write, manifest: &Value, manifests: &[Value]) {
        let Ok(live) = self.server.get(manifest).await else { return };
        // Whatever the server refuses leaves the object as it is, which is a case as well.
        let answer: Answer = match write {
            Write::Apply { manager, changes, part: of, force } => {
                let mut theirs = changed(manifest, changes, manifests, &live);
                if let Some(index) = of {
                    theirs = part(&theirs, *index);
                }
                self.server.apply(&theirs, manager, *force).await
            }
            Write::Update { manager, changes } => {
                let mut theirs = changed(&live, changes, manifests, &live);
                // At the version that is asked for, all else is the live one's.
                theirs["apiVersion"] = live["apiVersion"].clone();
                self.server.replace(&theirs, manager).await
            }
            Write::Scale(replicas) => self.server.scale(manifest, *replicas).await,
        };
        drop(answer);
    }

    /// Compares with what is there now, and applies to exactly that. `seen` is what was there lately.
    async fn check(
        &self,
        desired: &Value,
        seen: Option<Value>,
        force: bool,
        again: bool,
    ) -> Result<Effect, String> {
        let mut seen = seen.filter(|live| live["apiVersion"] == desired["apiVersion"]);
        for _ in 0..MAX_LOOKS {
            let live = match seen.take() {
                Some(live) => live,
                None => self.live(desired).await?,
            };
            let mut precondition = desired.clone();
            precondition["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            let answer = self.server.apply(&precondition, MANAGER, force).await;
            if answer.as_ref().is_err_and(|status| is_broken(status)) {
                return Ok(Effect::Refused);
            }
            if !answer.as_ref().is_err_and(|status| is_stale(status)) {
                return self.judge(desired, &live, answer, again);
            }
        }
        Err(format!("controllers change it all the time: {desired:#}"))
    }

    fn judge(&self, desired: &Value, live: &Value, answer: Answer, again: bool) -> Result<Effect, String> {
        let effect = match &answer {
            Ok(after) => Effect::of(desired, live, after),
            Err(_) => Effect::Refused,
        };
        let kind = desired["kind"].as_str().unwrap_or_default();
        let comparison = compare(desired, live, MANAGER, &FieldSet::new());
        if comparison.is_equal() && matches!(effect, Effect::Change | Effect::Refused) {
            let after = answer.unwrap_or_else(|status| json!(status));
            return Err(format!(
                "called equal, but the apply does something\ndesired: {desired:#}\nlive: {live:#}\nafter: {after:#}"
            ));
        }
        self.tally.lock().expect("whole").count(kind, again, &comparison, effect);
        Ok(effect)
    }

    async fn live(&self, manifest: &Value) -> Result<Value, String> {
        let gone = |status: Box<Status>| format!("the object is gone: {}\n{manifest:#}", status.message);
        self.server.get(manifest).await.map_err(gone)
    }
}

fn changed(base: &Value, changes: &[Change], manifests: &[Value], live: &Value) -> Value {
    changes.iter().fold(base.clone(), |manifest, change| change.of(&manifest, manifests, live))
}

/// With `stringData` as `data`; none if it is not what `stringData` may be.
fn folded(mut manifest: Value) -> Option<Value> {
    secret_string_data_to_data(&mut manifest).ok()?;
    Some(manifest)
}

/// The API server stores list items without their key, and then cannot read them for any apply whatever is wanted.
fn is_broken(status: &Status) -> bool {
    status.code == 500 && status.message.starts_with("failed to create typed live object")
}

/// Whether the object was changed since it was read, rather than that fields belong to others.
fn is_stale(status: &Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    status.code == 409 && causes.iter().all(|cause| cause.reason != "FieldManagerConflict")
}
