//! What the examples run on, in place of a team's own: two clusters in this process, a registry, and a Git repository in a folder.

#![allow(dead_code, reason = "each example uses a part of it")]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deploy_config::git::{GitStore, Repository};
use deploy_config::store::FileKind;
use deploy_core::config::ConfigStore;
use deploy_core::memory::MemoryRegistry;
use deploy_core::promotion::Promoted;
use deploy_core::rollout::Rollout;
use deploy_core::source::Source;
use deploy_core::tag::Holds;
use deploy_k8s::{Apply, Cluster, LeaseLock, SecretJournal};
use deploy_sim::{Image, SimCluster};
use deploy_source::FileSource;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};

/// Where the images are.
pub(crate) const REGISTRY: &str = "registry.example/shop";

/// What has happened before the example begins.
pub(crate) struct World {
    /// The clusters of dev and production.
    pub(crate) dev: Cluster,
    pub(crate) production: Cluster,
    /// The registry that the build pushes to.
    pub(crate) registry: Arc<MemoryRegistry>,
    /// The URL of the team's repository.
    pub(crate) git: String,
    folder: tempfile::TempDir,
}

impl World {
    /// Clusters with the namespace `shop`, no image, and a repository with `environments/dev` and `environments/production`: the
    /// manifests of `services`, and values that say what runs.
    pub(crate) async fn new(services: &[&str]) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let git = format!("file://{}", folder.path().join("shop.git").display());
        let world = Self {
            dev: cluster("dev").await?,
            production: cluster("production").await?,
            registry: Arc::new(MemoryRegistry::new()),
            git,
            folder,
        };
        world.commit(services)?;
        Ok(world)
    }

    /// The build has pushed an image of each of `services`, at this tag.
    pub(crate) fn push(&self, services: &[&str], tag: &str) -> Result<(), Box<dyn Error>> {
        for service in services {
            let commit = tag.rsplit('.').next().unwrap_or_default();
            self.registry.put(&format!("{REGISTRY}/{service}:{tag}").parse()?, commit);
        }
        Ok(())
    }

    /// The values files of the environments, in Git: `dev#image.tag` is a key.
    pub(crate) fn config(&self) -> Result<Arc<GitStore>, Box<dyn Error>> {
        let repository = Repository::at(&self.git).branch("main").author("deploy", "deploy@shop.example");
        let repository = repository.variable("GIT_CONFIG_GLOBAL", "/dev/null");
        let store = GitStore::builder(repository).files("environments/*/values.yaml", FileKind::HelmValues);
        Ok(Arc::new(store.build()?))
    }

    /// The manifests.
    pub(crate) fn manifests(&self) -> Arc<dyn Source> {
        Arc::new(FileSource::new([self.folder.path().join("here/manifests")]))
    }

    /// What must not run, kept beside the values.
    pub(crate) fn holds(&self, environment: &str) -> Result<Holds, Box<dyn Error>> {
        let store: Arc<dyn ConfigStore> = self.config()?;
        Ok(Holds::new(store, format!("{environment}#holds")))
    }

    /// Shows the log of the repository.
    pub(crate) fn show_log(&self) -> Result<(), Box<dyn Error>> {
        let log = git(&self.folder.path().join("shop.git"), &["log", "--format=  %s", "--reverse", "main"])?;
        say("git log:");
        say(log.trim_end());
        Ok(())
    }

    fn commit(&self, services: &[&str]) -> Result<(), Box<dyn Error>> {
        let folder = self.folder.path();
        git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", "shop.git"])?;
        git(folder, &["clone", "--quiet", "shop.git", "here"])?;
        let here = folder.join("here");
        std::fs::create_dir_all(here.join("manifests"))?;
        for service in services {
            std::fs::write(here.join(format!("manifests/{service}.yaml")), manifest(service))?;
        }
        for environment in ["dev", "production"] {
            let values = here.join("environments").join(environment);
            std::fs::create_dir_all(&values)?;
            std::fs::write(values.join("values.yaml"), values_of(environment, services))?;
        }
        git(&here, &["checkout", "--quiet", "-B", "main"])?;
        git(&here, &["add", "."])?;
        git(&here, &["commit", "--quiet", "-m", "The shop"])?;
        git(&here, &["push", "--quiet", "origin", "main"])?;
        Ok(())
    }
}

/// How a cluster is rolled out to: locked, journaled, rolled back on failure.
pub(crate) fn rollout(cluster: &Cluster) -> Rollout {
    Rollout::new(Arc::new(Apply::new(cluster.clone())))
        .lock(Arc::new(LeaseLock::new(cluster.clone(), "shop")))
        .journal(Arc::new(SecretJournal::new(cluster.clone(), "shop")))
}

/// Shows what became of each environment.
pub(crate) fn show(promoted: &[Promoted]) {
    for each in promoted {
        say(&each.to_string());
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// A Deployment of one container, by the service's name.
fn manifest(service: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {service}}}
spec:
  selector: {{matchLabels: {{app: {service}}}}}
  template:
    metadata: {{labels: {{app: {service}}}}}
    spec:
      containers:
        - name: {service}
          image: {service}
          readinessProbe: {{httpGet: {{path: /healthz, port: 8080}}, periodSeconds: 1}}
"
    )
}

/// Values with a place for each tag; a single service has the usual one.
fn values_of(environment: &str, services: &[&str]) -> String {
    let head = format!("# What runs in {environment}.\n");
    match services {
        [_] => head + "image:\n  tag: main.20261101-080000.1a2b3c4 # written by deploy\n",
        several => several.iter().fold(head, |text, service| {
            text + &format!(
                "{service}:\n  image:\n    tag: main.20261101-080000.1a2b3c4 # written by deploy\n"
            )
        }),
    }
}

/// A cluster in this process that has the namespace `shop`. An image of the commit `0bad0ba` never starts.
#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
async fn cluster(name: &str) -> Result<Cluster, Box<dyn Error>> {
    let image = |name: &str| {
        if name.contains("0bad0ba") {
            Image::new().exits(1, Duration::ZERO).logs(["no database"])
        } else {
            Image::new().ready_after(Duration::from_millis(100))
        }
    };
    let sim = SimCluster::builder().images(image).begins(SystemTime::now()).start();
    let mut shop = Namespace::default();
    shop.metadata.name = Some("shop".to_owned());
    Api::all(sim.client()).create(&PostParams::default(), &shop).await?;
    Ok(Cluster::from_client(sim.client()).described(format!("the cluster of {name}")))
}

#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn git(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut git = Command::new("git");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").current_dir(folder);
    git.args(["-c", "user.name=shop", "-c", "user.email=shop@shop.example"]);
    let output = git.args(arguments).output()?;
    if !output.status.success() {
        return Err(
            format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
