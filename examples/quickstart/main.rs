//! Installs an app, upgrades it, and then deploys a tag that does not exist: watch why that fails, and the way back.
//!
//! ```sh
//! cargo run --example quickstart                                      # on a cluster inside this program
//! cargo run --example quickstart -- --context NAME --registry HOST    # the same on a real one
//! ```
//!
//! All that deploys is in [`deploy`]; `screen.rs` only shows what happens.

mod screen;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Parser;
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::{Cause, Outcome, Status};
use deploy_core::report;
use deploy_core::rollout::Rollout;
use deploy_core::run::{Cancel, Run};
use deploy_k8s::{Apply, Cluster, LeaseLock, SecretJournal};
use deploy_sim::{Image, SimCluster};
use indicatif::{MultiProgress, ProgressDrawTarget};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::DeleteParams;
use kube::config::KubeConfigOptions;
use screen::{Chapter, Screen, say};

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

/// What is done, and the tag of the api's image.
const STORY: [(&str, &str); 3] =
    [("Install v1", "v1"), ("Upgrade to v2", "v2"), ("Deploy a tag that does not exist", MISSING)];
const MISSING: &str = "v2-oops";

/// Where the app is deployed, what stops it, and what shows it.
struct Session {
    cluster: Cluster,
    registry: String,
    namespace: String,
    cancel: Cancel,
    bars: MultiProgress,
}

/// From manifests to an outcome: this is the whole of it.
async fn deploy(session: &Session, tag: &str) -> Result<Outcome, Box<dyn Error>> {
    let Session { cluster, registry, namespace, .. } = session;
    let home = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}");
    let bundle = Bundle::builder()
        .objects(read("namespace.yaml", home.as_bytes())?)
        .objects(read("app.yaml", APP.as_bytes())?)
        .namespace(namespace)
        .image(format!("api={registry}/api:{tag}").parse()?)
        .image(format!("worker={registry}/worker:v1").parse()?)
        .build()?;

    let run = Run::new().named(namespace).cancelled_by(session.cancel.clone());
    let screen = Arc::new(Screen::new(&session.bars, &bundle, run.now()));
    // Lock and journal live outside of the namespace that comes with the bundle.
    let outcome = Rollout::new(Arc::new(Apply::new(cluster.clone())))
        .lock(Arc::new(LeaseLock::new(cluster.clone(), "default")))
        .journal(Arc::new(SecretJournal::new(cluster.clone(), "default")))
        .run(&bundle, run.observer(screen.clone()))
        .await;
    screen.finish();
    let outcome = outcome?;
    say(screen::verdict(&outcome));
    Ok(outcome)
}

/// An API server, its controllers, a scheduler and a kubelet in this process, and a registry that has the tags v1 and v2.
#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn embedded() -> Cluster {
    let image = |name: &str| match name.rsplit_once(':') {
        Some((_, "v1" | "v2")) => Image::new().ready_after(Duration::from_millis(600)),
        _ => Image::not_found(),
    };
    // The engine compares the cluster's times with its own clock's.
    let sim = SimCluster::builder().images(image).begins(SystemTime::now()).start();
    Cluster::from_client(sim.client()).described("a cluster inside this program")
}

/// Installs an app, upgrades it, and then deploys a tag that does not exist.
#[derive(Parser)]
struct Options {
    /// Use the real cluster of this context of the kubeconfig, and a namespace of its own there.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Where that cluster's nodes pull api:v1, api:v2 and worker:v1 from [default: the variable REGISTRY].
    #[arg(long, value_name = "HOST", requires = "context")]
    registry: Option<String>,
    /// Write the report of the last deployment to this file.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("\nerror: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let (cluster, registry, namespace) = match &options.context {
        None => (embedded(), "registry.example".to_owned(), "shop".to_owned()),
        Some(context) => {
            let registry = options
                .registry
                .or_else(registry)
                .ok_or("where are the images api:v1, api:v2 and worker:v1? Name a --registry")?;
            let cluster = Cluster::builder().context(context).build().await?;
            (cluster, registry, format!("quickstart-{}", std::process::id()))
        }
    };
    say(format_args!("On {}, in the namespace {namespace}", cluster.describe()));
    let session = Session { cluster, registry, namespace, cancel: Cancel::new(), bars: screen::bars() };

    tokio::spawn(stop_on_ctrl_c(session.cancel.clone(), session.bars.clone()));
    let story = story(&session, options.report.as_deref()).await;
    let Some(context) = &options.context else { return story };
    say(format_args!("\nRemoving the namespace {}", session.namespace));
    story.and(remove(context, &session.namespace).await)
}

async fn story(session: &Session, report: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut chapters = Vec::new();
    for (title, tag) in STORY {
        say(screen::title(title));
        let before = session.cluster.requests_sent();
        let outcome = deploy(session, tag).await?;
        let requests = session.cluster.requests_sent() - before;
        if !went_as_told(tag, &outcome) {
            return Err(format!("{title}: {outcome}").into());
        }
        chapters.push(Chapter { tag, requests, outcome });
    }
    say(screen::summary(&chapters));
    if let (Some(path), Some(Chapter { outcome, .. })) = (report, chapters.last()) {
        std::fs::write(path, report::html(outcome))?;
        say(format_args!("\nThe last deployment as a page: {}", path.display()));
    }
    say("\nIn your own tool: README.md. From the command line: cargo xtask --help");
    Ok(())
}

fn went_as_told(tag: &str, outcome: &Outcome) -> bool {
    match &outcome.cause {
        None => outcome.status == Status::Healthy && tag != MISSING,
        Some(Cause::Failed { failures }) => {
            let is_missing = failures.iter().all(|failure| failure.reason.name() == "ImageNotFound");
            outcome.status == Status::RolledBack && tag == MISSING && is_missing
        }
        Some(_) => false,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn registry() -> Option<String> {
    std::env::var("REGISTRY").ok().filter(|registry| !registry.is_empty())
}

/// The engine deletes nothing but what it created in the same run, so this goes to the API server directly.
async fn remove(context: &str, namespace: &str) -> Result<(), Box<dyn Error>> {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let client = kube::Client::try_from(kube::Config::from_kubeconfig(&options).await?)?;
    match kube::Api::<Namespace>::all(client).delete(namespace, &DeleteParams::default()).await {
        // An install that is undone takes it along.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        result => Ok(result.map(drop)?),
    }
}

/// The first Ctrl-C cancels the run, which then brings the old state back; the second leaves everything as it is.
async fn stop_on_ctrl_c(cancel: Cancel, bars: MultiProgress) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if cancel.is_cancelled() {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
            say("left as it is");
            std::process::exit(130);
        }
        bars.suspend(|| say("stopping; Ctrl-C once more leaves everything as it is"));
        cancel.cancel();
    }
}
