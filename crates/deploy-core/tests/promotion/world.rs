//! A registry, two environments, and all that they keep.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::config::{ConfigStore, Edit, Note};
use deploy_core::error::Result;
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::health::{Assessment, Failure, Reason};
use deploy_core::image::Reference;
use deploy_core::manifest::Object;
use deploy_core::memory::{
    Faults, Faulty, MemoryAudit, MemoryConfigStore, MemoryJournal, MemoryLock, MemoryRegistry, MemorySource,
    MemoryTarget,
};
use deploy_core::promotion::{Environment, Form, Promoted, Promotion};
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_core::tag::{Hold, Holds};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(crate) const REPOSITORY: &str = "registry.example/shop/api";

const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: 'x:1'}]}}";

/// An environment's store, target and records.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) store: MemoryConfigStore,
    pub(crate) target: Arc<MemoryTarget>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) lock: MemoryLock,
    pub(crate) holds: MemoryConfigStore,
    pub(crate) form: Form,
}

pub(crate) struct World {
    pub(crate) registry: MemoryRegistry,
    pub(crate) faults: Faults,
    pub(crate) dev: Place,
    pub(crate) production: Place,
    pub(crate) audit: Arc<MemoryAudit>,
    pub(crate) gate: Arc<Switch>,
}

/// A gate that says what it is set to.
#[derive(Default)]
pub(crate) struct Switch {
    pub(crate) closed: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

#[async_trait]
impl Gate for Switch {
    fn describe(&self) -> String {
        "the switch".into()
    }

    async fn ask(&self, _subject: &Subject) -> Result<Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(if self.closed.load(Ordering::Relaxed) {
            Answer::No { why: "it is off".into() }
        } else {
            Answer::Yes { grounds: "it is on".into() }
        })
    }
}

impl Place {
    fn new(name: &'static str, form: Form, faults: &Faults) -> Self {
        let target = MemoryTarget::new().judged_by(health).with_faults(faults.clone());
        Self {
            name,
            store: MemoryConfigStore::new(),
            target: Arc::new(target),
            journal: Arc::new(MemoryJournal::new()),
            lock: MemoryLock::new(),
            holds: MemoryConfigStore::new(),
            form,
        }
    }

    /// Nothing but the store: somebody else deploys.
    pub(crate) fn written(&self, faults: &Faults) -> Environment {
        let store = Faulty::new(Arc::new(self.store.clone()), faults.clone());
        let holds = Faulty::new(Arc::new(self.holds.clone()), faults.clone());
        let journal = Faulty::new(self.journal.clone(), faults.clone());
        Environment::new(self.name, Arc::new(store))
            .writes("api", "api", self.form)
            .policy("scheme=semver range=\">=0.0.0-0\"".parse().unwrap())
            .holds(Holds::new(Arc::new(holds), "holds"))
            .journal(Arc::new(journal))
            .lock(Arc::new(self.lock.clone()))
    }

    pub(crate) fn environment(&self, faults: &Faults) -> Environment {
        let journal = Faulty::new(self.journal.clone(), faults.clone());
        let rollout =
            Rollout::new(self.target.clone()).journal(Arc::new(journal)).lock(Arc::new(self.lock.clone()));
        self.written(faults).deploys(rollout, Arc::new(MemorySource::new("api.yaml", POD)))
    }

    /// The tag that is written down.
    pub(crate) async fn says(&self) -> Option<String> {
        let value = self.store.get("api").await.unwrap()?.value;
        match self.form {
            Form::Tag => Some(value),
            _ => Some(value.parse::<Reference>().unwrap().tag().unwrap().to_string()),
        }
    }

    /// The tag that runs.
    pub(crate) fn runs(&self) -> Option<String> {
        let objects = self.target.objects();
        let image = objects.first()?.get("/spec/containers/0/image")?.as_str()?.to_owned();
        Some(image.parse::<Reference>().unwrap().tag().unwrap().to_string())
    }

    /// The tags that are held.
    pub(crate) async fn held(&self) -> Vec<String> {
        let holds = Holds::new(Arc::new(self.holds.clone()), "holds").all().await.unwrap();
        holds.iter().map(|hold| hold.tag.to_string()).collect()
    }

    pub(crate) async fn hold(&self, tag: &str) {
        let hold = Hold::not_this(REPOSITORY.parse().unwrap(), self.name, tag.parse().unwrap());
        Holds::new(Arc::new(self.holds.clone()), "holds").place(hold).await.unwrap();
    }

    pub(crate) async fn write(&self, value: &str) {
        self.store.set(&[Edit::put("api", value)], &Note::new("by hand")).await.unwrap();
    }
}

impl World {
    /// `v1.0.0` is in both environments.
    pub(crate) async fn new() -> Self {
        let world = Self::empty();
        world.push("v1.0.0");
        let placeholder = world.image("v1.0.0").await;
        world.dev.write("v0.0.1").await;
        world.production.write(&placeholder.replace("v1.0.0", "v0.0.1")).await;
        let promoted = world.promotion().run(Run::new()).await.unwrap();
        assert!(promoted.iter().all(|each| each.status.is_success()), "{promoted:?}");
        world.faults.reset();
        world.audit.clear();
        world.gate.asked.store(0, Ordering::Relaxed);
        world
    }

    /// Nothing is written down or runs.
    pub(crate) fn empty() -> Self {
        let faults = Faults::new();
        let (dev, production) =
            (Place::new("dev", Form::Tag, &faults), Place::new("production", Form::Pinned, &faults));
        Self {
            registry: MemoryRegistry::new(),
            faults,
            dev,
            production,
            audit: Arc::default(),
            gate: Arc::default(),
        }
    }

    pub(crate) fn push(&self, tag: &str) {
        self.registry.put(&format!("{REPOSITORY}:{tag}").parse().unwrap(), &format!("commit of {tag}"));
    }

    /// The image with its digest.
    pub(crate) async fn image(&self, tag: &str) -> String {
        use deploy_core::registry::Registry;
        let image: Reference = format!("{REPOSITORY}:{tag}").parse().unwrap();
        let digest = self.registry.resolve(&image).await.unwrap();
        image.with_digest(digest).to_string()
    }

    /// From dev to production, by a gate.
    pub(crate) fn promotion(&self) -> Promotion {
        let (dev, production) =
            (self.dev.environment(&self.faults), self.production.environment(&self.faults));
        self.over([dev, production.gate(self.gate.clone())])
    }

    pub(crate) fn over(&self, environments: impl IntoIterator<Item = Environment>) -> Promotion {
        let audit = Faulty::new(self.audit.clone(), self.faults.clone());
        let promotion = Promotion::new("shop", Arc::new(self.registry.clone()))
            .image("api", REPOSITORY.parse().unwrap())
            .by("a test")
            .audit(Arc::new(audit));
        environments.into_iter().fold(promotion, Promotion::environment)
    }

    pub(crate) async fn run(&self) -> Vec<Promoted> {
        self.promotion().run(Run::new()).await.unwrap()
    }

    /// What was recorded, as in `promote production v2.0.0`.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let records = self.audit.records();
        let said = records.iter().map(|record| {
            let to = record.to.as_deref().unwrap_or("nothing").trim_start_matches("api ").to_owned();
            format!("{} {} {to}", record.action, record.environment.as_deref().unwrap_or_default())
        });
        said.collect()
    }
}

/// A pod of a tag that says so fails.
fn health(object: &Object) -> Assessment {
    let image = object.get("/spec/containers/0/image").and_then(|image| image.as_str()).unwrap_or_default();
    if image.contains("-bad") {
        Assessment::failed(Failure::new(Reason::Stalled, object.id(), "its image is bad"))
    } else {
        Assessment::healthy("it stands")
    }
}
