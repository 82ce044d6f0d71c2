//! What the suites need beside the implementations: something to look at them with, and to interfere.
//!
//! `layer` puts a layer around what is in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::ancestry::Ancestry;
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::conformance;
use deploy_core::connect::Connect;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Check, Gate, Subject};
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::inventory::{Inventory, RunningImage};
use deploy_core::lock::Lock;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::memory::{
    FixedCheck, FixedGate, MemoryAncestry, MemoryAudit, MemoryConnect, MemoryInventory, MemoryLock,
    MemoryRegistry, MemorySecrets, MemorySource, MemoryTarget,
};
use deploy_core::registry::Registry;
use deploy_core::source::Source;
use deploy_core::target::RolloutTarget;

pub(crate) struct Target(pub(crate) MemoryTarget);

#[async_trait]
impl conformance::rollout_target::Fixture for Target {
    fn target(&self) -> &dyn RolloutTarget {
        &self.0
    }

    fn namespace(&self) -> &'static str {
        "shop"
    }

    async fn read(&self, id: &ObjectId) -> Option<Object> {
        self.0.get(id)
    }
}

pub(crate) struct Sources(pub(crate) fn(Arc<MemorySource>) -> Box<dyn Source>);

#[async_trait]
impl conformance::source::Fixture for Sources {
    async fn source(&self, name: &str, text: &str) -> Box<dyn Source> {
        self.0(Arc::new(MemorySource::new(name, text)))
    }
}

pub(crate) struct Locks {
    memory: MemoryLock,
    lock: Box<dyn Lock>,
}

impl Locks {
    pub(crate) fn new<L: Lock + 'static>(layer: fn(Arc<MemoryLock>) -> L) -> Self {
        let memory = MemoryLock::new();
        Self { lock: Box::new(layer(Arc::new(memory.clone()))), memory }
    }
}

#[async_trait]
impl conformance::lock::Fixture for Locks {
    fn lock(&self) -> &dyn Lock {
        &*self.lock
    }

    async fn steal(&self, name: &str, thief: &str) {
        self.memory.steal(name, thief);
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

pub(crate) struct Images {
    memory: MemoryRegistry,
    registry: Box<dyn Registry>,
}

impl Images {
    pub(crate) fn new<R: Registry + 'static>(layer: fn(Arc<MemoryRegistry>) -> R) -> Self {
        let memory = MemoryRegistry::new();
        Self { registry: Box::new(layer(Arc::new(memory.clone()))), memory }
    }
}

#[async_trait]
impl conformance::registry::Fixture for Images {
    fn registry(&self) -> &dyn Registry {
        &*self.registry
    }

    fn repository(&self) -> Repository {
        "registry.example/shop/api".parse().unwrap()
    }

    async fn push(&self, image: &Reference, revision: &str) -> Digest {
        self.memory.put(image, revision)
    }

    async fn attach(&self, subject: &Digest, artifact_type: &str, content: &[u8]) -> Digest {
        self.memory.attach(&self.repository(), subject, artifact_type, content)
    }
}

fn yes() -> Answer {
    Answer::Yes { grounds: "tuesday".into() }
}

fn no() -> Answer {
    Answer::No { why: "friday".into() }
}

/// Cannot decide.
pub(crate) struct Undecided;

#[async_trait]
impl Gate for Undecided {
    fn describe(&self) -> String {
        "undecided".into()
    }

    async fn ask(&self, _subject: &Subject) -> Result<Answer> {
        Err(Error::new(ErrorKind::Unavailable, "nobody knows"))
    }
}

#[async_trait]
impl Check for Undecided {
    fn describe(&self) -> String {
        "undecided".into()
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        Err(Error::new(ErrorKind::Unavailable, "nobody knows"))
    }
}

pub(crate) struct Gates(
    pub(crate) fn(Arc<FixedGate>) -> Box<dyn Gate>,
    pub(crate) fn(Arc<Undecided>) -> Box<dyn Gate>,
);

impl conformance::gate::Fixture for Gates {
    fn willing(&self) -> Box<dyn Gate> {
        self.0(Arc::new(FixedGate::new("day", yes())))
    }

    fn unwilling(&self) -> Box<dyn Gate> {
        self.0(Arc::new(FixedGate::new("day", no())))
    }

    fn undecided(&self) -> Option<Box<dyn Gate>> {
        Some(self.1(Arc::new(Undecided)))
    }
}

pub(crate) struct Checks(
    pub(crate) fn(Arc<FixedCheck>) -> Box<dyn Check>,
    pub(crate) fn(Arc<Undecided>) -> Box<dyn Check>,
);

impl conformance::check::Fixture for Checks {
    fn willing(&self) -> Box<dyn Check> {
        self.0(Arc::new(FixedCheck::new("day", yes())))
    }

    fn unwilling(&self) -> Box<dyn Check> {
        self.0(Arc::new(FixedCheck::new("day", no())))
    }

    fn undecided(&self) -> Option<Box<dyn Check>> {
        Some(self.1(Arc::new(Undecided)))
    }
}

pub(crate) fn secrets() -> MemorySecrets {
    MemorySecrets::new([("db-password", "correct horse"), ("empty", "")])
}

pub(crate) struct Audit {
    memory: MemoryAudit,
    sink: Box<dyn AuditSink>,
}

impl Audit {
    pub(crate) fn new<S: AuditSink + 'static>(layer: fn(Arc<MemoryAudit>) -> S) -> Self {
        let memory = MemoryAudit::default();
        Self { sink: Box::new(layer(Arc::new(memory.clone()))), memory }
    }
}

#[async_trait]
impl conformance::audit_sink::Fixture for Audit {
    fn sink(&self) -> &dyn AuditSink {
        &*self.sink
    }

    async fn records(&self) -> Vec<AuditRecord> {
        self.memory.records()
    }
}

const COMMITS: [&str; 4] = ["0a0a0a0a0a0a0a0a", "1b1b1b1b1b1b1b1b", "2c2c2c2c2c2c2c2c", "3d3d3d3d3d3d3d3d"];

pub(crate) struct Commits(Box<dyn Ancestry>);

impl Commits {
    pub(crate) fn new<A: Ancestry + 'static>(layer: fn(Arc<MemoryAncestry>) -> A) -> Self {
        let [root, left, right, merge] = COMMITS;
        let history = MemoryAncestry::line([root, left]).commit(right, [root]).commit(merge, [left, right]);
        Self(Box::new(layer(Arc::new(history))))
    }
}

impl conformance::ancestry::Fixture for Commits {
    fn ancestry(&self) -> &dyn Ancestry {
        &*self.0
    }

    fn commits(&self) -> [String; 4] {
        COMMITS.map(str::to_owned)
    }

    fn unknown(&self) -> String {
        "4d4d4d4d4d4d4d4d".to_owned()
    }
}

fn api() -> ObjectId {
    ObjectId::new("", "Service", Some("shop"), "api")
}

pub(crate) struct Ports(Box<dyn Connect>);

impl Ports {
    pub(crate) fn new<C: Connect + 'static>(layer: fn(Arc<MemoryConnect>) -> C) -> Self {
        let connect = MemoryConnect::new([(api(), 80, ([127, 0, 0, 1], 8080).into())]);
        Self(Box::new(layer(Arc::new(connect))))
    }
}

impl conformance::connect::Fixture for Ports {
    fn connect(&self) -> &dyn Connect {
        &*self.0
    }

    fn reachable(&self) -> (ObjectId, u16) {
        (api(), 80)
    }

    fn missing(&self) -> ObjectId {
        ObjectId { name: "web".into(), ..api() }
    }
}

pub(crate) struct Running(Box<dyn Inventory>);

impl Running {
    pub(crate) fn new<I: Inventory + 'static>(layer: fn(Arc<MemoryInventory>) -> I) -> Self {
        let image = |namespace, name: &str, container| {
            let workload = ObjectId::new("apps", "Deployment", Some(namespace), name);
            RunningImage::new(workload, container, format!("{name}/{container}:v1"))
        };
        let shop = [image("shop", "web", "b"), image("shop", "web", "a"), image("shop", "api", "c")];
        let inventory = MemoryInventory::new(shop.into_iter().chain([image("other", "x", "x")]))
            .keeping("shop", "web/a:v0")
            .keeping("shop", "api/c:v0")
            .keeping("shop", "web/a:v0")
            .keeping("other", "x/x:v0");
        Self(Box::new(layer(Arc::new(inventory))))
    }
}

impl conformance::inventory::Fixture for Running {
    fn inventory(&self) -> &dyn Inventory {
        &*self.0
    }

    fn namespace(&self) -> &'static str {
        "shop"
    }

    fn expected(&self) -> Vec<(String, String, String)> {
        let line = |workload: &str, container: &str| {
            (workload.into(), container.into(), format!("{workload}/{container}:v1"))
        };
        vec![line("api", "c"), line("web", "a"), line("web", "b")]
    }

    fn kept(&self) -> Vec<String> {
        vec!["api/c:v0".into(), "web/a:v0".into()]
    }

    fn empty_namespace(&self) -> &'static str {
        "nobody"
    }
}
