//! Helm charts, rendered by the program `helm`.
//!
//! # What is run
//! `helm template` renders in the way that `helm install` and `helm upgrade` do, and needs no cluster. It prints neither the notes nor
//! the values that a release records, and the commands that do ask the API server first (`helm upgrade --dry-run` of any version,
//! `helm install --dry-run=client` before Helm 4) or know no upgrade (`helm install`). So the chart is packed (`helm package`, of a folder),
//! one template is put before its own, and that one answers with the notes, the values and the files of `crds/`. A second
//! `helm template`, of a chart that has no values, tells which were given: files and pairs are merged by Helm itself, whatever its version.
//!
//! # What the result depends on
//! On the chart, the values and the options, and on Helm's version; on no cluster, because Helm is shown none. So `lookup` finds nothing,
//! `.Release.Revision` is 1, and `.Capabilities` are those of [`kube_version`](HelmChart::kube_version) and
//! [`api_version`](HelmChart::api_version): who deploys the result gives those of the cluster, or what depends on them goes missing.
//! Dependencies must be in the chart's folder `charts/` (`helm dependency build`): nothing is fetched. Random values and generated
//! certificates differ each time, in the notes too.

mod answer;
mod archive;
mod arguments;
mod output;
mod render;
mod rendered;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, Result};
use deploy_core::manifest::Object;
use deploy_core::secret::SecretText;
use deploy_core::source::Source;
use serde_json::{Map, Value};

use crate::program::within;

pub use archive::MAX_CHART_BYTES;
pub use rendered::{HOOK, Rendered, split_hooks};

use arguments::{Pair, PairKind};

/// A Helm chart, in a folder or an archive (`.tgz`), rendered by `helm` (3.8 or later, 4).
///
/// As a [`Source`] it yields the CRDs and then all objects, hooks among them: what `helm template --include-crds` prints. Who deploys it as
/// a release, or leaves hooks out, calls [`render`](Self::render). `Debug` shows of a given pair its key only.
///
/// ```no_run
/// use deploy_source::{HelmChart, split_hooks};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let rendered = HelmChart::new("charts/shop", "shop")
///     .namespace("prod")
///     .values("prod.yaml")
///     .set("image.tag=v7")
///     .upgrade(true)
///     .render()
///     .await?;
/// let (deployed, hooks) = split_hooks(rendered.objects);
/// println!("{}: {} objects, {} hooks\n{}", rendered.chart, deployed.len(), hooks.len(), rendered.chart.notes);
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct HelmChart {
    chart: PathBuf,
    release: String,
    namespace: String,
    values: Vec<PathBuf>,
    pairs: Vec<Pair>,
    given: Map<String, Value>,
    defaults: Option<Map<String, Value>>,
    upgrade: bool,
    lint: bool,
    kube_version: Option<String>,
    api_versions: Vec<String>,
    timeout: Duration,
    program: PathBuf,
}

impl HelmChart {
    /// The chart in a folder or an archive, rendered for a release of that name (`.Release.Name`).
    pub fn new(chart: impl Into<PathBuf>, release: impl Into<String>) -> Self {
        Self {
            chart: chart.into(),
            release: release.into(),
            namespace: "default".to_owned(),
            values: Vec::new(),
            pairs: Vec::new(),
            given: Map::new(),
            defaults: None,
            upgrade: false,
            lint: false,
            kube_version: None,
            api_versions: Vec::new(),
            timeout: Duration::from_secs(120),
            program: PathBuf::from("helm"),
        }
    }

    /// The namespace that it is rendered for (`.Release.Namespace`). Default: `default`.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Values that are given before those of files and pairs, which win over them: those that the release was given until now. Helm reads
    /// them from a file that only this user may read, and that is gone with the rendering. Default: none.
    #[must_use]
    pub fn given(self, values: Map<String, Value>) -> Self {
        Self { given: values, ..self }
    }

    /// Values in place of all that the chart's own `values.yaml` says, as `helm upgrade --reuse-values` takes those of the revision before.
    /// [`lint`](Self::lint) looks at the chart as it is. Default: the chart's own.
    #[must_use]
    pub fn defaults(self, values: Map<String, Value>) -> Self {
        Self { defaults: Some(values), ..self }
    }

    /// Adds a file of values (YAML or JSON). A later one wins over an earlier one, and all win over the chart's own. It may be a pipe.
    #[must_use]
    pub fn values(mut self, file: impl Into<PathBuf>) -> Self {
        self.values.push(file.into());
        self
    }

    /// Adds values as `helm --set` takes them: `image.tag=v7`, `a=1,b=2`, `hosts={a,b}`, `key=null`; a backslash before a comma keeps it.
    /// They win over files. They stand on helm's command line, which every user of this machine may read: secrets belong in a file.
    #[must_use]
    pub fn set(self, pair: impl Into<String>) -> Self {
        self.pair(PairKind::Typed, pair.into())
    }

    /// The same as `helm --set-string` takes it: every value is text. It wins over [`set`](Self::set).
    #[must_use]
    pub fn set_string(self, pair: impl Into<String>) -> Self {
        self.pair(PairKind::Text, pair.into())
    }

    fn pair(mut self, kind: PairKind, pair: String) -> Self {
        self.pairs.push(Pair { kind, text: SecretText::new(pair) });
        self
    }

    /// Whether it is rendered for an upgrade (`.Release.IsUpgrade`), not for a first install. Default: no.
    #[must_use]
    pub fn upgrade(self, upgrade: bool) -> Self {
        Self { upgrade, ..self }
    }

    /// Whether `helm lint` must find no error. Its warnings do not count. Default: it is not asked.
    #[must_use]
    pub fn lint(self, lint: bool) -> Self {
        Self { lint, ..self }
    }

    /// The version of Kubernetes that templates see, as in `v1.36.0`. Default: the one that helm was built for.
    #[must_use]
    pub fn kube_version(self, version: impl Into<String>) -> Self {
        Self { kube_version: Some(version.into()), ..self }
    }

    /// Adds an API that templates see, as in `monitoring.coreos.com/v1`, besides those that helm knows by itself.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_versions.push(version.into());
        self
    }

    /// How long all of it may take. Default: 2 minutes.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The program: a name that is looked up in `PATH`, or a path. Default: `helm`.
    #[must_use]
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Renders it. Cancel safe: dropped, helm is killed, and nothing is left.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) if the chart does not render, in helm's own words; if helm is of a
    /// version that is not known to work; and for what is over [`MAX_OUTPUT`](crate::MAX_OUTPUT) or [`MAX_CHART_BYTES`].
    /// [`NotFound`](deploy_core::error::ErrorKind::NotFound) if there is no helm, no such chart or no such file of values.
    /// [`Timeout`](deploy_core::error::ErrorKind::Timeout). No error holds a value that was given, but for those in files.
    pub async fn render(&self) -> Result<Rendered> {
        within(self.timeout, &self.describe(), self.run()).await
    }
}

#[async_trait]
impl Source for HelmChart {
    fn describe(&self) -> String {
        format!("chart {}", self.chart.display())
    }

    async fn load(&self) -> Result<Vec<Object>> {
        let Rendered { mut crds, mut objects, .. } = self.render().await?;
        crds.append(&mut objects);
        if crds.is_empty() {
            return Err(Error::invalid(format!("there is no manifest in {}", self.describe())));
        }
        Ok(crds)
    }
}

impl fmt::Debug for HelmChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelmChart")
            .field("chart", &self.chart)
            .field("release", &self.release)
            .field("namespace", &self.namespace)
            .field("values", &self.values)
            .field("pairs", &self.pairs)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_keys_only() {
        let secret = Map::from_iter([("a".to_owned(), "hunter4".into())]);
        let chart = HelmChart::new("shop", "shop").set("db.password=hunter2").set_string("hunter3");
        let chart = chart.given(secret.clone()).defaults(secret);
        let shown = format!("{chart:?}");
        assert!(shown.contains("db.password=***") && !shown.contains("hunter"), "{shown}");
    }
}
