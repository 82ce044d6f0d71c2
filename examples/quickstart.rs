//! Installs an app, upgrades it, and then deploys a tag that does not exist: watch why that fails, and the way back.
//!
//! ```sh
//! eval "$(tests/cluster/up)"
//! cargo run --example quickstart
//! ```
#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::error::Error;
use std::sync::Arc;

use deploy_core::clock::Timestamp;
use deploy_core::event::{Event, Observer};
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::{Outcome, Status};
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_k8s::{Apply, Cluster, LeaseLock, SecretJournal};

/// An API behind a readiness probe, and a worker without one.
const APP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: api
          image: api
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: worker, image: worker}]
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = variable("REGISTRY")?;
    variable("KUBECONFIG")?;
    let cluster = Cluster::builder().build().await?;
    println!("{}", cluster.describe());

    let namespace = format!("quickstart-{}", std::process::id());
    let story = story(&cluster, &registry, &namespace).await;
    println!("\n# Remove the namespace {namespace}");
    delete(&namespace).await?;
    story
}

async fn story(cluster: &Cluster, registry: &str, namespace: &str) -> Result<(), Box<dyn Error>> {
    println!("\n# Install v1");
    let outcome = deploy(cluster, registry, namespace, "v1").await?;
    expect(&outcome, Status::Healthy)?;

    println!("\n# Upgrade to v2");
    let outcome = deploy(cluster, registry, namespace, "v2").await?;
    expect(&outcome, Status::Healthy)?;

    println!("\n# Deploy a tag that does not exist");
    let outcome = deploy(cluster, registry, namespace, "v2-oops").await?;
    expect(&outcome, Status::RolledBack)
}

/// From manifests to an outcome: this is the whole of it.
async fn deploy(
    cluster: &Cluster,
    registry: &str,
    namespace: &str,
    tag: &str,
) -> Result<Outcome, Box<dyn Error>> {
    let home = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}");
    let bundle = Bundle::builder()
        .objects(read("namespace.yaml", home.as_bytes())?)
        .objects(read("app.yaml", APP.as_bytes())?)
        .namespace(namespace)
        .image(format!("api={registry}/api:{tag}").parse()?)
        .image(format!("worker={registry}/worker:v1").parse()?)
        .build()?;

    let run = Run::new().named(namespace);
    let run = run.clone().observer(Arc::new(Lines { start: run.now() }));
    // Lock and journal live outside of the namespace that comes with the bundle.
    let outcome = Rollout::new(Arc::new(Apply::new(cluster.clone())))
        .lock(Arc::new(LeaseLock::new(cluster.clone(), "default")))
        .journal(Arc::new(SecretJournal::new(cluster.clone(), "default")))
        .run(&bundle, run)
        .await?;
    println!("=> {outcome}");
    Ok(outcome)
}

/// Prints what happens as it happens.
struct Lines {
    start: Timestamp,
}

impl Observer for Lines {
    fn observe(&self, event: &Event) {
        println!("[{:4.1} s] {}", event.at.since(self.start).as_secs_f64(), event.kind);
    }
}

/// The engine deletes nothing but what it created in the same run, so this goes to the API server directly.
async fn delete(namespace: &str) -> Result<(), kube::Error> {
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> =
        kube::Api::all(kube::Client::try_default().await?);
    namespaces.delete(namespace, &kube::api::DeleteParams::default()).await.map(drop)
}

fn expect(outcome: &Outcome, status: Status) -> Result<(), Box<dyn Error>> {
    if outcome.status == status {
        Ok(())
    } else {
        Err(format!("expected {status:?}, found {:?}", outcome.status).into())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    let help = "start the test cluster and take its settings over: eval \"$(tests/cluster/up)\"";
    std::env::var(name).map_err(|_| format!("{name} is not set; {help}").into())
}
