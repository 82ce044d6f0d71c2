//! A scenario's own namespace, on a live cluster or on an embedded one.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock};
use deploy_core::event::{Event, Recorder};
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::{Policy, Run};
use deploy_k8s::{Apply, Cluster, LeaseLock, Release, SecretJournal};
use deploy_sim::SimCluster;
use futures_util::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, PostParams};

use crate::served::Served;
use crate::sim;
use crate::tools::set;

/// A namespace of a scenario's own, and what it needs to deploy there.
#[derive(Clone)]
pub struct Env {
    /// The connection under test.
    pub cluster: Cluster,
    /// An independent client to look with.
    pub kube: kube::Client,
    /// The time of the runs.
    pub clock: Arc<dyn Clock>,
    /// The cluster, if it is an embedded one.
    pub embedded: Option<SimCluster>,
    pub(crate) kubeconfig: Option<String>,
    /// The registry that holds the test images.
    pub registry: String,
    /// The namespace.
    pub namespace: String,
}

/// Runs `scenario` in a namespace of its own on the cluster of `KUBECONFIG`, and removes the namespace whatever happens.
pub async fn live<F: Future<Output = ()>>(name: &str, scenario: impl FnOnce(Arc<Env>) -> F) {
    let env = Arc::new(Env::live(name).await);
    let result = AssertUnwindSafe(scenario(env.clone())).catch_unwind().await;
    let namespaces: Api<Namespace> = Api::all(env.kube.clone());
    if let Err(error) = namespaces.delete(&env.namespace, &DeleteParams::background()).await {
        eprintln!("the namespace {} was not removed: {error}", env.namespace);
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `scenario` on an embedded cluster of its own, in real time behind a port: for programs, and for users of a kubeconfig.
pub async fn served<F: Future<Output = ()>>(name: &str, scenario: impl FnOnce(Arc<Env>) -> F) {
    let served = Served::start().await;
    scenario(Arc::new(Env::served(name, served.cluster.clone(), &served.kubeconfig()).await)).await;
}

/// Runs `scenario` on an embedded cluster of its own, in virtual time.
pub async fn embedded<F: Future<Output = ()>>(name: &str, scenario: impl FnOnce(Arc<Env>) -> F) {
    scenario(Arc::new(Env::embedded(name, 0).await)).await;
}

/// On a cluster that others use, too. As a name may be, and short enough for what is made of it.
fn namespace(scenario: &str) -> String {
    format!("t-{}-{:05x}", hyphenated(scenario), std::process::id() & 0xf_ffff)
}

/// A long name is cut, and ends in a number of its own: another may begin alike.
fn hyphenated(scenario: &str) -> String {
    let name = scenario.replace('_', "-");
    let Some((begin, rest)) = name.split_at_checked(36).filter(|(_, rest)| rest.len() > 4) else {
        return name;
    };
    let number = rest.bytes().fold(0_u16, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{begin}{number:04x}")
}

impl Env {
    /// On an embedded cluster of its own.
    pub async fn embedded(name: &str, seed: u64) -> Self {
        let cluster = sim::cluster(seed);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::starting_at(sim::time(&cluster)));
        let connection = Cluster::from_client(cluster.client()).described("the embedded cluster");
        let env = Self {
            cluster: connection.on_clock(clock.clone()),
            clock,
            kube: cluster.client(),
            embedded: Some(cluster),
            kubeconfig: None,
            registry: sim::REGISTRY.to_owned(),
            namespace: format!("t-{}", hyphenated(name)),
        };
        env.create_namespace(&env.namespace).await;
        env
    }

    async fn served(name: &str, cluster: SimCluster, kubeconfig: &str) -> Self {
        let env = Self {
            cluster: Cluster::builder().kubeconfig(kubeconfig).build().await.expect("a cluster"),
            clock: Arc::new(SystemClock::new()),
            kube: cluster.client(),
            embedded: Some(cluster),
            kubeconfig: Some(kubeconfig.to_owned()),
            registry: sim::REGISTRY.to_owned(),
            namespace: format!("t-{}", hyphenated(name)),
        };
        env.create_namespace(&env.namespace).await;
        env
    }

    /// Runs `scenario` in a second namespace, of this name, on the same cluster.
    pub async fn beside<F: Future<Output = ()>>(&self, name: &str, scenario: impl FnOnce(Arc<Self>) -> F) {
        match &self.embedded {
            Some(cluster) => {
                scenario(Arc::new(Self::served(name, cluster.clone(), self.kubeconfig()).await)).await;
            }
            None => live(name, scenario).await,
        }
    }

    async fn live(name: &str) -> Self {
        let (kubeconfig, registry) = (set("KUBECONFIG"), set("REGISTRY"));
        let cluster = Cluster::builder().kubeconfig(&kubeconfig).build().await.expect("a cluster");
        let kube = kube::Client::try_default().await.expect("a cluster");
        let (kubeconfig, namespace) = (Some(kubeconfig), namespace(name));
        let clock = Arc::new(SystemClock::new());
        let env = Self { cluster, kube, clock, embedded: None, kubeconfig, registry, namespace };
        env.create_namespace(&env.namespace).await;
        env
    }

    /// Creates the namespace on another cluster, too.
    pub async fn create_on(&self, cluster: &SimCluster) {
        create(cluster.client(), &self.namespace).await;
    }

    /// The same, deploying through another client.
    #[must_use]
    pub fn through(&self, client: kube::Client) -> Self {
        Self { cluster: Cluster::from_client(client).on_clock(self.clock.clone()), ..self.clone() }
    }

    /// Creates a namespace.
    pub async fn create_namespace(&self, name: &str) {
        create(self.kube.clone(), name).await;
    }

    /// Manifests with `$REGISTRY` and `$NAMESPACE` filled in.
    pub fn filled(&self, manifests: &str) -> String {
        manifests.replace("$REGISTRY", &self.registry).replace("$NAMESPACE", &self.namespace)
    }

    /// Reads manifests, with `$REGISTRY` filled in, into a bundle for the namespace.
    pub fn bundle(&self, manifests: &str) -> Bundle {
        let objects = read("scenario.yaml", self.filled(manifests).as_bytes()).expect("good manifests");
        Bundle::builder().objects(objects).namespace(&self.namespace).build().expect("a good bundle")
    }

    /// Whether it is an embedded cluster in real time, behind a port.
    pub fn is_served(&self) -> bool {
        self.embedded.is_some() && self.kubeconfig.is_some()
    }

    /// The path of the kubeconfig: of a live cluster, a [served](served()) one, or [at](Self::at) a port.
    pub fn kubeconfig(&self) -> &str {
        self.kubeconfig.as_deref().expect("a live cluster")
    }

    /// The target under test.
    pub fn target(&self) -> Apply {
        Apply::new(self.cluster.clone())
    }

    /// A release in the namespace.
    pub fn release(&self, name: &str) -> Release {
        Release::new(self.cluster.clone(), &self.namespace, name).expect("a good name")
    }

    /// A rollout with lock and journal in the namespace, for runs with a name.
    pub fn rollout(&self) -> Rollout {
        Rollout::new(Arc::new(self.target()))
            .lock(Arc::new(LeaseLock::new(self.cluster.clone(), &self.namespace)))
            .journal(Arc::new(self.journal()))
            .holder("scenario")
    }

    /// The journal of the rollouts.
    pub fn journal(&self) -> SecretJournal {
        self.journal_in(&self.namespace)
    }

    /// A journal in another namespace.
    pub fn journal_in(&self, namespace: &str) -> SecretJournal {
        SecretJournal::new(self.cluster.clone(), namespace)
    }

    /// A run of 60 s at most, and what it will have told.
    pub fn run(&self) -> (Run, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::default());
        let policy =
            Policy::default().timeout(Duration::from_secs(60)).rollback_timeout(Duration::from_secs(60));
        (Run::on_clock(self.clock.clone()).policy(policy).observer(recorder.clone()), recorder)
    }

    /// Deploys manifests under the name `app`; the run starts whatever its outcome.
    pub async fn deploy(&self, manifests: &str) -> Outcome {
        let (run, _) = self.run();
        let outcome = self.rollout().run(&self.bundle(manifests), run.named("app")).await;
        outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"))
    }
}

async fn create(kube: kube::Client, name: &str) {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    Api::all(kube).create(&PostParams::default(), &namespace).await.expect("a new namespace");
}

/// The lines of a timeline.
pub(crate) fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.kind.to_string()).collect()
}
