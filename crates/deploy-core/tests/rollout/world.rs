//! A place, a lock and a journal to run on, and bundles whose health is written on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::event::{Event, EventKind, Observer};
use deploy_core::health::{Assessment, Failure, Reason};
use deploy_core::journal::{Journal, Phase};
use deploy_core::manifest::{Bundle, Object};
use deploy_core::memory::{Faults, Faulty, MemoryJournal, MemoryLock, MemoryTarget};
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use serde_json::json;

pub(crate) type State = BTreeMap<String, String>;

pub(crate) struct World {
    pub(crate) target: Arc<MemoryTarget>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) lock: MemoryLock,
    pub(crate) faults: Faults,
}

impl World {
    /// Config maps by name and value stand there, written by nobody we know.
    pub(crate) fn with(before: &[(&str, &str)]) -> Self {
        Self::of(MemoryTarget::new(), before)
    }

    pub(crate) fn of(target: MemoryTarget, before: &[(&str, &str)]) -> Self {
        let faults = Faults::new();
        let target = target.judged_by(health).with_faults(faults.clone());
        for (name, value) in before {
            target.put(config_map(name, value));
        }
        let (journal, lock) = (Arc::new(MemoryJournal::new()), MemoryLock::new());
        Self { target: Arc::new(target), journal, lock, faults }
    }

    pub(crate) fn rollout(&self) -> Rollout {
        let journal = Faulty::new(self.journal.clone(), self.faults.clone());
        Rollout::new(self.target.clone())
            .lock(Arc::new(self.lock.clone()))
            .journal(Arc::new(journal))
            .holder("runner-1")
    }

    /// A run named `shop`.
    pub(crate) async fn deploy(&self, bundle: &Bundle) -> Result<Outcome> {
        self.rollout().run(bundle, Run::new().named("shop")).await
    }

    /// Whether the next run would leave everything as it stands.
    pub(crate) async fn nothing_to_undo(&self) -> bool {
        self.journal.load("shop").await.unwrap().is_none_or(|intent| intent.phase == Phase::Done)
    }

    /// The objects that the next run would bring back, if it is of another bundle.
    pub(crate) async fn to_undo(&self) -> BTreeSet<String> {
        let intent = self.journal.load("shop").await.unwrap().filter(|intent| intent.phase != Phase::Done);
        let entries = intent.map(|intent| intent.before.entries).unwrap_or_default();
        entries.into_iter().map(|entry| entry.id.name).collect()
    }

    /// The values that stand there.
    pub(crate) fn state(&self) -> State {
        let value = |object: &Object| {
            object.get("/data/value").and_then(|value| value.as_str()).unwrap_or("").to_owned()
        };
        self.target.objects().iter().map(|object| (object.name().to_owned(), value(object))).collect()
    }
}

/// Says its health in its value: what holds `bad` fails, what holds `slow` never comes to an end.
fn health(object: &Object) -> Assessment {
    let value = object.get("/data/value").and_then(|value| value.as_str()).unwrap_or_default();
    if value.contains("bad") {
        Assessment::failed(Failure::new(Reason::Stalled, object.id(), "its value is bad"))
    } else if value.contains("slow") {
        let suspect = Failure::new(Reason::NotReady, object.id(), "its value is slow");
        Assessment::progressing("0 of 1 is ready").suspecting(suspect)
    } else {
        Assessment::healthy("it stands")
    }
}

pub(crate) fn config_map(name: &str, value: &str) -> Object {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": {"value": value},
    });
    if let Some((_, needed)) = name.split_once("-after-") {
        let needed = format!("/namespaces/shop/ConfigMap/{needed}");
        object["metadata"]["annotations"] = json!({"config.kubernetes.io/depends-on": needed});
    }
    Object::new(object).unwrap()
}

/// Config maps by name and value; one called `x-after-y` is written once `y` is healthy.
pub(crate) fn bundle(values: &[(&str, &str)]) -> Bundle {
    Bundle::builder().objects(values.iter().map(|(name, value)| config_map(name, value))).build().unwrap()
}

pub(crate) fn state(values: &[(&str, &str)]) -> State {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Calls a function for every event.
pub(crate) struct On<F>(pub(crate) F);

impl<F: Fn(&EventKind) + Send + Sync> Observer for On<F> {
    fn observe(&self, event: &Event) {
        (self.0)(&event.kind);
    }
}

pub(crate) fn timeline(outcome: &Outcome) -> Vec<String> {
    outcome.timeline.iter().map(|event| event.kind.to_string()).collect()
}
