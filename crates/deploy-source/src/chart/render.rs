//! The way from a chart's files to what it came to: which programs run, one after the other and side by side.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use deploy_core::error::{Error, Result};
use deploy_program::{Tool, Version};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::archive::{self, MAX_CHART_BYTES};
use super::{HelmChart, Rendered, answer, arguments};
use crate::program::{Mask, Renderer, blocking, from_root, one_line, said};
use crate::walk::unreadable;

const HELM: Tool = Tool {
    name: "helm",
    oldest: Version::new(3, 8),
    newest: 4,
    home: "https://helm.sh/docs/intro/install",
    // What names a cluster, and what changes the output.
    hidden: &[
        "HELM_BURST_LIMIT",
        "HELM_DEBUG",
        "HELM_DRIVER",
        "HELM_DRIVER_SQL_CONNECTION_STRING",
        "HELM_KUBEAPISERVER",
        "HELM_KUBEASGROUPS",
        "HELM_KUBEASUSER",
        "HELM_KUBECAFILE",
        "HELM_KUBECONTEXT",
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
        "HELM_KUBETLS_SERVER_NAME",
        "HELM_KUBETOKEN",
        "HELM_MAX_HISTORY",
        "HELM_NAMESPACE",
        "HELM_QPS",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
    ],
};

/// The most bytes of values that come through a pipe.
const MAX_VALUES_BYTES: usize = deploy_core::manifest::MAX_BYTES;

impl HelmChart {
    pub(super) async fn run(&self) -> Result<Rendered> {
        let input = self.clone();
        let Prepared { folder, values, archive } = blocking(move || input.prepare()).await?;
        let helm = Renderer {
            tool: &HELM,
            version: &["version", "--template={{.Version}}"],
            // No kubeconfig: what is in it would be a cluster.
            program: HELM.at(&self.program).variable("KUBECONFIG", folder.path().join("no-kubeconfig")),
            mask: self.mask(),
        };
        let values = self.value_arguments(&values)?;
        let packing = async {
            match archive {
                Some(archive) => Ok(archive),
                None => self.pack(&helm, folder.path()).await,
            }
        };
        let looking = async { self.lint_chart(&helm, helm.check_version().await?, &values).await };
        let (looked, packed) = tokio::join!(looking, packing);
        looked?;
        let (input, archive, into) = (self.clone(), packed?, folder.path().to_owned());
        let [probed, question] = blocking(move || input.add_questions(&archive, &into)).await?;
        let (template, question) = (self.template(&values, &probed), arguments::question(&values, &question));
        let (printed, answered) = tokio::join!(
            helm.print("template", &self.chart, &template),
            helm.print("template", &self.chart, &question)
        );
        let (printed, answered) = (printed?, answered?);
        blocking(move || answer::rendered(&printed, &answered)).await
    }

    /// Looks at the files, so that helm takes none of the names for something else (a chart in a repository, a URL).
    fn prepare(&self) -> Result<Prepared> {
        if self.release.is_empty() {
            return Err(Error::invalid("a release needs a name"));
        }
        let folder = private_folder()
            .map_err(|error| Error::invalid("there is no place for temporary files").source(error))?;
        let chart = fs::metadata(&self.chart).map_err(|error| cannot_read(&self.chart, &error))?;
        let archive = if chart.is_dir() { None } else { Some(read(&self.chart, MAX_CHART_BYTES)?) };
        let mut values = Vec::new();
        if !self.given.is_empty() {
            let given = folder.path().join("given.yaml");
            write(&given, &json(&self.given)?)?;
            values.push(given);
        }
        for (index, file) in self.values.iter().enumerate() {
            let metadata = fs::metadata(file).map_err(|error| cannot_read(file, &error))?;
            values.push(if metadata.is_file() {
                from_root(file)?
            } else {
                // A pipe, which gives its text only once.
                let copy = folder.path().join(format!("values-{index}.yaml"));
                write(&copy, &read(file, MAX_VALUES_BYTES)?)?;
                copy
            });
        }
        Ok(Prepared { folder, values, archive })
    }

    fn mask(&self) -> Mask {
        let pairs = Mask::of_pairs(self.pairs.iter().map(|pair| pair.text.reveal()));
        // Of the defaults what is secret was given before.
        self.given.values().fold(pairs, Mask::and_of)
    }

    /// The archive of a chart in a folder.
    async fn pack(&self, helm: &Renderer, folder: &Path) -> Result<Vec<u8>> {
        let into = folder.join("packed");
        helm.print("package", &self.chart, &arguments::package(&self.chart, &into)).await?;
        blocking(move || {
            let mut entries = fs::read_dir(&into).map_err(|error| cannot_read(&into, &error))?;
            let archive = entries.find_map(|entry| entry.ok().map(|entry| entry.path()));
            let archive = archive.ok_or_else(|| Error::invalid("helm package made no archive"))?;
            read(&archive, MAX_CHART_BYTES)
        })
        .await
    }

    /// Writes the two charts that are rendered, and gives their paths.
    fn add_questions(&self, archive: &[u8], folder: &Path) -> Result<[PathBuf; 2]> {
        let named = |error: Error| error.on(self.chart.display());
        let replaced = match &self.defaults {
            Some(values) => Some(archive::with_values(archive, &json(values)?).map_err(named)?),
            None => None,
        };
        let archive = replaced.as_deref().unwrap_or(archive);
        let contents = archive::contents(archive).map_err(named)?;
        let charts = [
            ("chart.tgz", archive::with_probe(archive, &contents).map_err(named)?),
            ("given.tgz", archive::question(&contents).map_err(named)?),
        ];
        for (name, bytes) in &charts {
            write(&folder.join(name), bytes)?;
        }
        Ok(charts.map(|(name, _)| folder.join(name)))
    }

    async fn lint_chart(&self, helm: &Renderer, version: Version, values: &[OsString]) -> Result<()> {
        if !self.lint {
            return Ok(());
        }
        let ran = helm.run(&self.lint_arguments(values, version)).await?;
        if ran.success() {
            return Ok(());
        }
        let found = String::from_utf8_lossy(&ran.out);
        let message = lint_errors(&found).or_else(|| said(&ran.told));
        let message = message.unwrap_or_else(|| "it failed and did not say why".to_owned());
        Err(Error::invalid(helm.mask.apply(&message)).during("helm lint").on(self.chart.display()))
    }
}

/// What is known before helm runs.
struct Prepared {
    /// Gone with all that is in it when it is dropped.
    folder: TempDir,
    values: Vec<PathBuf>,
    /// The chart, if it is no folder.
    archive: Option<Vec<u8>>,
}

/// For values among others: no other user may look into it.
fn private_folder() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("deploy-source-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

fn json(values: &Map<String, Value>) -> Result<Vec<u8>> {
    serde_json::to_vec(values).map_err(|error| Error::invalid("values that are no JSON").source(error))
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(path, &error))?;
    if bytes.len() > limit {
        let message = format!("it is over the limit of {} MiB", limit / 1024 / 1024);
        return Err(Error::invalid(message).on(path.display()));
    }
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)
        .map_err(|error| Error::invalid(format!("cannot be written: {error}")).on(path.display()))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Error {
    unreadable(&path.display().to_string(), error)
}

/// The errors that `helm lint` printed, without its other remarks.
fn lint_errors(printed: &str) -> Option<String> {
    let mut within = false;
    let lines = printed.lines().filter(|line| {
        within = line.starts_with("[ERROR]") || (within && line.starts_with(char::is_whitespace));
        within
    });
    let errors = one_line(lines.map(|line| line.trim_start_matches("[ERROR]")));
    (!errors.is_empty()).then_some(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lint_errors_without_remarks() {
        let check = |printed: &str, expect: Option<&str>| assert_eq!(lint_errors(printed).as_deref(), expect);
        check(
            "==> Linting bad\n[INFO] Chart.yaml: icon is recommended\n[ERROR] templates/: bad/x.yaml:1:16\n  executing \"x\":\n    nil pointer\n\n[WARNING] y\n  z\n[ERROR] Chart.yaml: version is required\n",
            Some("templates/: bad/x.yaml:1:16 executing \"x\": nil pointer Chart.yaml: version is required"),
        );
        check("==> Linting x\n\n1 chart(s) linted\n", None);
    }
}
