//! A place to roll out to, in memory.

mod forward;
mod health;
mod live;
mod revisions;
mod way_back;

use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use self::live::Live;
use super::{Faults, locked};
use crate::error::{Error, ErrorKind, Result};
use crate::evidence::{EventLine, Evidence};
use crate::health::{Assessment, Failure};
use crate::manifest::{Bundle, Object, ObjectId};
use crate::plan::{Action, Depth, Plan, Snapshot};
use crate::run::{DeploymentId, Run};
use crate::target::{
    Applied, AppliedObject, Drives, Observation, Restored, Revision, RolloutTarget, TargetCapabilities,
};

type Judge = Box<dyn Fn(&Object) -> Assessment + Send + Sync>;

/// A place to roll out to, in memory: it plans real diffs, writes stage by stage, and goes back to what a plan saw.
///
/// Writing replaces the object: there are no field managers here, and no controllers. Everything is healthy at once unless
/// [`judged_by`](Self::judged_by) says otherwise.
pub struct MemoryTarget {
    live: Mutex<Live>,
    /// Is told of every write: an observer judges again.
    changed: watch::Sender<()>,
    judge: Judge,
    faults: Faults,
    capabilities: TargetCapabilities,
}

impl MemoryTarget {
    /// An empty place, driven by its caller, that goes back to snapshots and records no revisions.
    pub fn new() -> Self {
        Self {
            live: Mutex::default(),
            changed: watch::Sender::new(()),
            judge: Box::new(|_| Assessment::healthy("it stands")),
            faults: Faults::new(),
            capabilities: TargetCapabilities::caller_driven(Depth::Fields),
        }
    }

    /// Judges the health of a live object by `judge`, whenever something is written and whenever the assessment says to look again.
    #[must_use]
    pub fn judged_by(mut self, judge: impl Fn(&Object) -> Assessment + Send + Sync + 'static) -> Self {
        self.judge = Box::new(judge);
        self
    }

    /// Takes its steps through `faults`: each call, and inside of them each object that is written, deleted or brought back.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Records a revision for every plan it applies.
    #[must_use]
    pub fn with_revisions(mut self) -> Self {
        self.capabilities.revisions = true;
        self
    }

    /// Has no other way back than what it records.
    #[must_use]
    pub fn without_snapshots(mut self) -> Self {
        self.capabilities.snapshots = false;
        self
    }

    /// Undoes by itself what it finds hopeless or out of time, as a far side does that its caller may lose.
    #[must_use]
    pub fn driven_remotely(mut self) -> Self {
        self.capabilities.drives = Drives::Remote;
        self
    }

    /// All that is there.
    pub fn objects(&self) -> Vec<Object> {
        locked(&self.live).objects().cloned().collect()
    }

    /// What is there under this identity.
    pub fn get(&self, id: &ObjectId) -> Option<Object> {
        locked(&self.live).get(id).cloned()
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, object: Object) {
        locked(&self.live).put(object);
        self.changed.send_replace(());
    }

    /// Deletes an object, as somebody else would.
    pub fn delete(&self, id: &ObjectId) {
        locked(&self.live).delete(id);
        self.changed.send_replace(());
    }
}

impl Default for MemoryTarget {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.live).objects()).finish()
    }
}

fn applied(object: &Object, action: Action) -> AppliedObject {
    AppliedObject {
        id: object.id(),
        api_version: object.api_version().to_owned(),
        action,
        generation: object.get("/metadata/generation").and_then(Value::as_i64),
        healthy: false,
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled")
}

#[async_trait]
impl RolloutTarget for MemoryTarget {
    fn describe(&self) -> String {
        "objects in memory".to_owned()
    }

    fn capabilities(&self) -> TargetCapabilities {
        self.capabilities
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        self.faults.around(async { self.plan_bundle(bundle, run) }).await
    }

    async fn plan_revision(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        self.faults.around(async { self.plan_recorded(revision, run) }).await
    }

    async fn begin(&self, plan: &Plan, run: &Run) -> Result<()> {
        self.faults.around(async { self.record(plan, run) }).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        self.faults.around(self.apply_stages(plan, run)).await
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        let observe = async {
            let observation = self.follow(&applied.objects, run).await;
            match self.capabilities.drives {
                Drives::Remote => self.undo_if_remote(observation, run).await,
                Drives::Caller => Ok(observation),
            }
        };
        self.faults.around(observe).await
    }

    async fn finish(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        self.faults.around(self.complete(plan, run)).await
    }

    async fn fail(&self, plan: &Plan, why: &str, run: &Run) -> Result<()> {
        let _ = run;
        let fail = async {
            locked(&self.live).set_status(plan, "failed", why);
            Ok(())
        };
        self.faults.around(fail).await
    }

    async fn rollback(&self, before: &Snapshot, written_by: &[DeploymentId], run: &Run) -> Result<Restored> {
        let back = async {
            if !self.capabilities.snapshots {
                return Err(Error::new(ErrorKind::Unsupported, "the way back is a recorded revision"));
            }
            self.bring_back(before, &written_by.iter().collect::<Vec<_>>(), run).await
        };
        self.faults.around(back).await
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        let history = async {
            self.need_revisions()?;
            Ok(locked(&self.live).history())
        };
        self.faults.around(history).await
    }

    async fn diagnose(&self, _applied: &Applied, observation: &Observation, _run: &Run) -> Result<Evidence> {
        let diagnose = async {
            let line = |failure: &Failure| EventLine {
                object: failure.object.clone(),
                reason: failure.reason.name().to_owned(),
                message: failure.message.clone(),
                count: 1,
            };
            let mut evidence = Evidence::default();
            evidence.events.extend(observation.failures().into_iter().map(line));
            Ok(evidence)
        };
        self.faults.around(diagnose).await
    }
}
