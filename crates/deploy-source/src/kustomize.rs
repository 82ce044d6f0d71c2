//! Kustomizations, built by `kubectl kustomize`.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, Result};
use deploy_core::manifest::{self, Object};
use deploy_core::source::Source;
use deploy_program::{Tool, Version};

use crate::program::{Mask, Renderer, blocking, from_root, within};
use crate::walk::unreadable;

const KUBECTL: Tool = Tool {
    name: "kubectl",
    oldest: Version::new(1, 21),
    newest: 1,
    home: "https://kubernetes.io/docs/tasks/tools",
    hidden: &[],
};

/// A kustomization, in a folder with a `kustomization.yaml`, built by `kubectl kustomize` (kubectl 1.21 or later).
///
/// No cluster is asked. What the kustomization names elsewhere, kustomize fetches: bases at URLs, with `git`; charts and plugins are
/// switched off in it. An object's [`Origin`](deploy_core::manifest::Origin) is the line of what `kubectl kustomize` prints.
///
/// ```no_run
/// use deploy_core::source::Source;
/// use deploy_source::Kustomization;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let objects = Kustomization::new("overlays/prod").load().await?;
/// println!("{} objects", objects.len());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Kustomization {
    folder: PathBuf,
    timeout: Duration,
    program: PathBuf,
}

impl Kustomization {
    /// The kustomization in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), timeout: Duration::from_secs(120), program: PathBuf::from("kubectl") }
    }

    /// How long it may take. Default: 2 minutes.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The program: a name that is looked up in `PATH`, or a path. Default: `kubectl`.
    #[must_use]
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    async fn build(&self) -> Result<Vec<Object>> {
        let folder = self.folder.clone();
        // A path from the root: kubectl takes URLs too.
        let from_root = blocking(move || {
            let name = folder.display().to_string();
            let metadata = std::fs::metadata(&folder).map_err(|error| unreadable(&name, &error))?;
            if !metadata.is_dir() {
                return Err(Error::invalid("it is not a directory: a kustomization is one").on(name));
            }
            from_root(&folder)
        })
        .await?;
        // A person's own defaults for kubectl's flags.
        let program = KUBECTL.at(&self.program).variable("KUBERC", "off").variable("KUBECTL_KUBERC", "false");
        let kubectl = Renderer {
            tool: &KUBECTL,
            version: &["version", "--client", "--output=json"],
            program,
            mask: Mask::default(),
        };
        let arguments = ["kustomize".into(), "--".into(), from_root.into()];
        let (version, built) =
            tokio::join!(kubectl.check_version(), kubectl.print("kustomize", &self.folder, &arguments));
        version?;
        let (built, name) = (built?, self.describe());
        blocking(move || {
            let objects = manifest::read(&name, &built)?;
            if objects.is_empty() {
                return Err(Error::invalid("there is no manifest in what it builds").on(name));
            }
            Ok(objects)
        })
        .await
    }
}

#[async_trait]
impl Source for Kustomization {
    fn describe(&self) -> String {
        format!("kubectl kustomize {}", self.folder.display())
    }

    async fn load(&self) -> Result<Vec<Object>> {
        within(self.timeout, &self.describe(), self.build()).await
    }
}
