//! Where manifests come from: files, a chart, a kustomization.

use std::io;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use deploy_core::chart::Chart;
use deploy_core::error::Result;
use deploy_core::manifest::Object;
use deploy_core::source::Source;
use deploy_k8s::Capabilities;
use deploy_source::{FileSource, HelmChart, Kustomization, Rendered, split_hooks};
use serde_json::{Map, Value};

use crate::session::Session;

/// What else may be wanted. clap lets pass what `requires` the chart beside these: the chart conflicts with them.
pub(crate) const NO_CHART: [&str; 2] = ["files", "kustomization"];

/// What is wanted, in one of three forms. With a chart there must be a `name`: that of the release that it is rendered for.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct SourceArgs {
    /// A manifest, or a directory of them; `-` is standard input
    #[arg(short, long = "filename", value_name = "PATH", num_args = 1.., group = "source")]
    pub(crate) files: Vec<PathBuf>,
    /// Read the directories in a directory too
    #[arg(short = 'R', long, conflicts_with_all = ["chart", "kustomization"])]
    pub(crate) recursive: bool,
    /// A Helm chart, a directory or an archive (.tgz), rendered by `helm` for a release of that NAME
    #[arg(long, value_name = "DIR", group = "source", requires = "name")]
    pub(crate) chart: Option<PathBuf>,
    /// A file of values for the chart; a later one wins
    #[arg(long, value_name = "FILE", conflicts_with_all = NO_CHART)]
    pub(crate) values: Vec<PathBuf>,
    /// Values for the chart, as for helm; they win over files
    ///
    /// Every user of this machine may see them in the list of processes: secrets belong in a file.
    #[arg(long, value_name = "K=V", conflicts_with_all = NO_CHART)]
    pub(crate) set: Vec<String>,
    /// The same, taken for text whatever they are
    #[arg(long, value_name = "K=V", conflicts_with_all = NO_CHART)]
    pub(crate) set_string: Vec<String>,
    /// Have `helm lint` look at the chart first, and go no further if it finds errors
    #[arg(long, conflicts_with_all = NO_CHART)]
    pub(crate) lint: bool,
    /// A kustomization, a directory with a kustomization.yaml, built by `kubectl`
    #[arg(short = 'k', long = "kustomize", value_name = "DIR", group = "source")]
    pub(crate) kustomization: Option<PathBuf>,
}

/// How the release stands that a chart is rendered for. `Debug` would show values.
#[derive(Default)]
pub(crate) struct Stands {
    /// Whether there is one to upgrade.
    pub(crate) installed: bool,
    /// The values that were given until now and still are.
    pub(crate) given: Map<String, Value>,
    /// What takes the place of the chart's own values.
    pub(crate) defaults: Option<Map<String, Value>>,
}

impl Stands {
    fn told_to(self, chart: HelmChart) -> HelmChart {
        let chart = chart.upgrade(self.installed).given(self.given);
        match self.defaults {
            Some(values) => chart.defaults(values),
            None => chart,
        }
    }
}

/// Helm, which is shown no cluster, knows by this what this one serves.
fn of_cluster(chart: HelmChart, Capabilities { kube_version, api_versions, .. }: Capabilities) -> HelmChart {
    api_versions.into_iter().fold(chart.kube_version(kube_version), HelmChart::api_version)
}

/// What a source came to.
pub(crate) struct Loaded {
    /// What is deployed; of a chart the hooks too.
    pub(crate) objects: Vec<Object>,
    /// What is in the chart's folder `crds/`.
    pub(crate) crds: Vec<Object>,
    /// What a release records of the chart, if it is one.
    pub(crate) chart: Option<Chart>,
}

impl SourceArgs {
    /// Loads it; a chart for the release `name`, and for what the cluster is.
    pub(crate) async fn load(&self, name: &str, stands: Stands, session: &Session) -> Result<Loaded> {
        let objects = if let Some(chart) = &self.chart {
            session.ready();
            let capabilities = session.cluster.capabilities().await?;
            let chart = stands.told_to(self.helm_chart(chart, name, &session.namespace));
            let Rendered { objects, crds, chart, .. } = of_cluster(chart, capabilities).render().await?;
            return Ok(Loaded { objects, crds, chart: Some(chart) });
        } else if let Some(folder) = &self.kustomization {
            Kustomization::new(folder).load().await?
        } else {
            FileSource::new(&self.files).recursive(self.recursive).standard_input(io::stdin()).load().await?
        };
        Ok(Loaded { objects, crds: Vec::new(), chart: None })
    }

    /// Whether any values are given for the chart.
    pub(crate) fn gives_values(&self) -> bool {
        !(self.values.is_empty() && self.set.is_empty() && self.set_string.is_empty())
    }

    fn helm_chart(&self, chart: &PathBuf, name: &str, namespace: &str) -> HelmChart {
        let chart = HelmChart::new(chart, name).namespace(namespace).lint(self.lint);
        let chart = self.values.iter().fold(chart, HelmChart::values);
        let chart = self.set.iter().fold(chart, HelmChart::set);
        self.set_string.iter().fold(chart, HelmChart::set_string)
    }
}

impl Loaded {
    /// All that there is to apply where nothing runs hooks, and a note on those that were left out.
    pub(crate) fn without_hooks(self) -> (Vec<Object>, Option<String>) {
        if self.chart.is_none() {
            return (self.objects, None);
        }
        let (deployed, hooks) = split_hooks(self.objects);
        let hooks: Vec<String> = hooks.iter().map(|hook| hook.id().to_string()).collect();
        let note = format!("left out, because only a release runs hooks: {}", hooks.join(", "));
        ([self.crds, deployed].concat(), (!hooks.is_empty()).then_some(note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use deploy_core::manifest::read;

    const HOOK: &[u8] =
        b"{apiVersion: v1, kind: Pod, metadata: {name: x, annotations: {helm.sh/hook: test}}}";

    fn loaded(chart: Option<Chart>) -> Loaded {
        let service = b"{apiVersion: v1, kind: Service, metadata: {name: api}}";
        let [hook, crds, objects] = [HOOK, b"{apiVersion: a/v1, kind: Crd, metadata: {name: c}}", service]
            .map(|manifest| read("a.yaml", manifest).unwrap());
        Loaded { objects: [hook, objects].concat(), crds, chart }
    }

    #[test]
    fn all_ways_to_give_values_count() {
        let check = |options: &str, expect: bool| {
            let line = format!("xtask apply --name a --chart c {options}");
            let cli = crate::args::Cli::try_parse_from(line.split_whitespace()).unwrap();
            let crate::args::Command::Apply(args) = cli.command else { panic!("{line}") };
            assert_eq!(args.changes.manifests.source.gives_values(), expect, "{line}");
        };
        check("", false);
        check("--lint", false);
        check("--values a.yaml", true);
        check("--set a=b", true);
        check("--set-string a=b", true);
    }

    #[test]
    fn only_a_chart_s_hooks_are_left_out() {
        let check = |loaded: Loaded, expect: &[&str], noted: Option<&str>| {
            let (objects, note) = loaded.without_hooks();
            assert_eq!(objects.iter().map(Object::name).collect::<Vec<_>>(), expect);
            assert_eq!(note.as_deref(), noted);
        };
        check(
            loaded(Some(Chart::new("shop", "1"))),
            &["c", "api"],
            Some("left out, because only a release runs hooks: Pod x"),
        );
        // Where helm is not asked, an annotation of its own means nothing.
        check(loaded(None), &["x", "api"], None);
        let none = Loaded { objects: Vec::new(), crds: Vec::new(), chart: Some(Chart::new("shop", "1")) };
        check(none, &[], None);
    }
}
