//! All that a deployment to a far node meets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::{Policy, Run};
use deploy_ssm::sim::{Node, Simulator};
use deploy_ssm::{Aws, Instances, SsmK3s, SsmK3sBuilder};
use deploy_tests::{Env, Port};
use tempfile::TempDir;

use crate::app::app;
use crate::storage::{BUCKET, Storage};

/// The node.
pub(crate) const NODE: &str = "i-0123456789abcdef0";

/// The cluster, the node that is reached by SSM alone, S3, and a caller's account.
pub(crate) struct World {
    pub(crate) env: Env,
    _port: Option<Port>,
    pub(crate) ssm: Simulator,
    pub(crate) storage: Storage,
    pub(crate) aws: Aws,
    pub(crate) kubectl: String,
    pub(crate) state: TempDir,
    rooms: AtomicUsize,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where kubectl is")]
    pub(crate) async fn new(env: Arc<Env>) -> Self {
        let (env, port, kubectl) = if env.embedded.is_some() {
            let port = Port::open(env.kube.clone()).await;
            (env.at(&port), Some(port), env!("CARGO_BIN_EXE_stand-in-kubectl").to_owned())
        } else {
            let kubectl = std::env::var("KUBECTL")
                .expect("KUBECTL is not set: run  eval \"$(tests/cluster/up)\"  first");
            ((*env).clone(), None, kubectl)
        };
        let ssm = Simulator::builder()
            .region("eu-central-1")
            .node(Node::new(NODE).tag("Name", "shop-k3s-master"))
            .start()
            .await
            .unwrap();
        let storage = Storage::start().await;
        let aws = Aws::builder()
            .region("eu-central-1")
            .credentials(Storage::credentials())
            .ssm_endpoint(ssm.url())
            .s3_endpoint(storage.server.url())
            .path_style(true)
            .build()
            .unwrap();
        Self {
            env,
            _port: port,
            ssm,
            storage,
            aws,
            kubectl,
            state: tempfile::tempdir().unwrap(),
            rooms: AtomicUsize::new(0),
        }
    }

    /// A namespace beside the scenario's, which goes with the test.
    pub(crate) async fn another_namespace(&self) -> String {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.env.namespace);
        self.env.create_namespace(&name).await;
        name
    }

    /// The target without a bucket.
    pub(crate) fn inline(&self) -> SsmK3sBuilder {
        self.inline_app("shop")
    }

    /// The same for another application.
    pub(crate) fn inline_app(&self, app: &str) -> SsmK3sBuilder {
        SsmK3s::builder(&self.aws, app, Instances::id(NODE).unwrap())
            .kubectl(&self.kubectl)
            .kubeconfig(self.env.kubeconfig())
            .state_dir(self.state.path().to_str().unwrap())
    }

    /// The target with the bucket.
    pub(crate) fn target(&self) -> SsmK3s {
        self.inline().bucket(BUCKET, "prod").build().unwrap()
    }

    pub(crate) fn run(&self) -> Run {
        let policy =
            Policy::default().timeout(Duration::from_secs(60)).rollback_timeout(Duration::from_secs(30));
        Run::new().git_revision("4f1c2d9").policy(policy)
    }

    /// Deploys the application.
    pub(crate) async fn deploy(&self, target: SsmK3s, image: &str, setting: &str) -> Outcome {
        let bundle = self.env.bundle(&app(image, setting));
        Rollout::new(Arc::new(target)).run(&bundle, self.run()).await.unwrap()
    }

    /// What is configured, and what ready pods run: the worker's, the API's, Redis'.
    pub(crate) async fn stands(&self) -> (Option<String>, Vec<String>) {
        let settings = self.env.get("v1", "ConfigMap", "settings").await;
        let setting = settings.and_then(|map| Some(map.pointer("/data/setting")?.as_str()?.to_owned()));
        (setting, self.env.ready_images().await)
    }

    /// The folder of the application on the node.
    pub(crate) fn on_node(&self, path: &str) -> PathBuf {
        self.state.path().join("shop").join(path)
    }
}
