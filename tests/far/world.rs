//! All that a deployment to a far node meets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deploy_core::error::{Error, Result};
use deploy_core::outcome::Cause;
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::DeploymentId;
use deploy_core::run::{Policy, Run};
use deploy_ssm::aws::AwsBuilder;
use deploy_ssm::sim::{Node, Simulator, SimulatorBuilder};
use deploy_ssm::{Aws, Instances, Orphan, SsmK3s, SsmK3sBuilder};
use deploy_tests::{Env, Port};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams, Resource};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::app;
use crate::storage::{BUCKET, Storage};

/// The node.
pub(crate) const NODE: &str = "i-0123456789abcdef0";

/// Where it is.
const REGION: &str = "eu-central-1";

/// An account's credentials, in a region.
pub(crate) fn account(region: &str) -> AwsBuilder {
    Aws::builder().region(region).credentials(Storage::credentials()).path_style(true)
}

/// The cluster, the node that is reached by SSM alone, S3, and a caller's account.
pub(crate) struct World {
    pub(crate) env: Env,
    port: Option<Arc<Port>>,
    pub(crate) ssm: Simulator,
    pub(crate) storage: Storage,
    /// Where S3 is for the caller: its calls are numbered, fail and are held as SSM's are.
    pub(crate) s3: String,
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
        let node = Node::new(NODE).tag("Name", "shop-k3s-master");
        Self::with(env, port.map(Arc::new), kubectl, vec![node]).await
    }

    async fn with(env: Env, port: Option<Arc<Port>>, kubectl: String, nodes: Vec<Node>) -> Self {
        let ssm = nodes.into_iter().fold(Simulator::builder().region(REGION), SimulatorBuilder::node);
        let ssm = ssm.start().await.unwrap();
        let storage = Storage::start().await;
        let s3 = ssm.in_front_of(&storage.server.url()).await.unwrap();
        let aws = account(REGION).ssm_endpoint(ssm.url()).s3_endpoint(&s3).build().unwrap();
        let (state, rooms) = (tempfile::tempdir().unwrap(), AtomicUsize::new(0));
        Self { env, port, ssm, storage, s3, aws, kubectl, state, rooms }
    }

    /// Another world on the same cluster, with a namespace, a node and an account of its own.
    pub(crate) async fn beside(&self) -> Self {
        self.beside_with(vec![Node::new(NODE)]).await
    }

    /// The same with these nodes.
    pub(crate) async fn beside_with(&self, nodes: Vec<Node>) -> Self {
        let namespace = self.another_namespace().await;
        let mut env = self.env.clone();
        env.namespace = namespace;
        Self::with(env, self.port.clone(), self.kubectl.clone(), nodes).await
    }

    /// A namespace beside the scenario's, which goes with the test.
    pub(crate) async fn another_namespace(&self) -> String {
        let number = self.rooms.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.env.namespace);
        let namespaces: Api<Namespace> = Api::all(self.env.kube.clone());
        let owner = namespaces.get(&self.env.namespace).await.unwrap();
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.clone());
        namespace.metadata.owner_references = Some(vec![owner.owner_ref(&()).unwrap()]);
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
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

    #[expect(clippy::unused_self, reason = "it is the world's")]
    pub(crate) fn run(&self) -> Run {
        let policy =
            Policy::default().timeout(Duration::from_secs(60)).rollback_timeout(Duration::from_secs(30));
        Run::new().git_revision("4f1c2d9").policy(policy)
    }

    /// Deploys the application.
    pub(crate) async fn deploy(&self, target: SsmK3s, image: &str, setting: &str) -> Outcome {
        self.apply(target, &app(image, setting), self.run()).await.unwrap()
    }

    /// Deploys these manifests.
    pub(crate) async fn apply(&self, target: SsmK3s, manifests: &str, run: Run) -> Result<Outcome> {
        Rollout::new(Arc::new(target)).run(&self.env.bundle(manifests), run).await
    }

    /// Asserts that it could not be deployed, for a reason that is no object's, and returns that.
    pub(crate) async fn refused(&self, target: SsmK3s, manifests: &str, run: Run) -> Error {
        match self.apply(target, manifests, run).await {
            Err(error) => error,
            Ok(outcome) => match outcome.cause {
                Some(Cause::Error { error }) => error,
                _ => panic!("{outcome}"),
            },
        }
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

    /// Waits until the node has ended the deployment and told all it tells.
    pub(crate) async fn node_is_done(&self, id: &DeploymentId) {
        let run = self.on_node("runs").join(id.as_str());
        let told = format!("the end of {id} on the node");
        self.env
            .eventually(&told, async || {
                let alive = std::fs::File::open(run.join("alive"));
                run.join("result.json").exists() && alive.is_ok_and(|file| file.try_lock_shared().is_ok())
            })
            .await;
    }

    /// The lines of the node's history about this deployment.
    pub(crate) fn recorded(&self, id: &DeploymentId) -> Vec<Value> {
        let lines = std::fs::read_to_string(self.on_node("history.jsonl")).unwrap_or_default();
        let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|entry| entry["id"] == id.as_str()).collect()
    }

    /// Asserts that nothing is left after a sweep, and returns what was found.
    pub(crate) async fn swept(&self, target: &SsmK3s) -> Vec<Orphan> {
        let orphans = target.orphans(Duration::ZERO, &self.run()).await.unwrap();
        let swept = target.sweep(orphans.clone(), &self.run()).await.unwrap();
        assert!(swept.left.is_empty(), "{:?}", swept.left);
        assert_eq!(target.orphans(Duration::ZERO, &self.run()).await.unwrap(), [], "after {orphans:?}");
        assert_eq!(self.storage.objects(), [""; 0]);
        orphans
    }

    /// All that SSM tells of commands to whoever may ask: what was sent, and what came out.
    pub(crate) async fn told_by_ssm(&self) -> String {
        let mut told = String::new();
        for (operation, body) in [("ListCommands", "{}"), ("ListCommandInvocations", r#"{"Details":true}"#)] {
            let mut stream =
                tokio::net::TcpStream::connect(self.ssm.url().replace("http://", "")).await.unwrap();
            let signed = format!("authorization: Credential=A/20261122/{REGION}/ssm/aws4_request");
            let request = format!(
                "POST / HTTP/1.1\r\nhost: ssm\r\nconnection: close\r\n{signed}\r\nx-amz-target: AmazonSSM.{operation}\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            told += &answer;
        }
        assert!(told.contains("deploy-ssm/1 "), "the output is there");
        told
    }
}
