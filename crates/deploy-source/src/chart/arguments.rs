//! What stands on helm's command line. Values are part of their flag and names come behind `--`: none is taken for a flag.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use deploy_core::error::{Error, Result};
use deploy_core::secret::SecretText;
use deploy_program::Version;

use super::HelmChart;
use crate::program::flag;

/// A value given as `key=value`. `Debug` shows its key.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) kind: PairKind,
    pub(super) text: SecretText,
}

#[derive(Clone, Copy)]
pub(super) enum PairKind {
    /// `--set`
    Typed,
    /// `--set-string`
    Text,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.reveal().split_once('=') {
            Some((key, _)) => write!(f, "{key}=***"),
            None => f.write_str("***"),
        }
    }
}

/// The first helm whose `lint` has a `--kube-version`.
const LINTS_FOR_A_VERSION: Version = Version::new(3, 13);

impl HelmChart {
    /// The values, of `files` and of pairs.
    pub(super) fn value_arguments(&self, files: &[PathBuf]) -> Result<Vec<OsString>> {
        let files = files.iter().map(|file| Ok(flag("values", one_of_a_list(utf8(file)?))));
        let pairs = self.pairs.iter().map(|pair| {
            let name = match pair.kind {
                PairKind::Typed => "set",
                PairKind::Text => "set-string",
            };
            Ok(flag(name, pair.text.reveal()))
        });
        files.chain(pairs).collect()
    }

    /// Renders the chart in an archive.
    pub(super) fn template(&self, values: &[OsString], archive: &Path) -> Vec<OsString> {
        let mut arguments = vec!["template".into()];
        arguments.extend_from_slice(values);
        arguments.push(flag("namespace", &self.namespace));
        if self.upgrade {
            arguments.push("--is-upgrade".into());
        }
        arguments.extend(self.kube_version.iter().map(|version| flag("kube-version", version)));
        arguments
            .extend(self.api_versions.iter().map(|version| flag("api-versions", one_of_a_list(version))));
        arguments.extend(["--".into(), (&self.release).into(), archive.into()]);
        arguments
    }

    pub(super) fn lint_arguments(&self, values: &[OsString], helm: Version) -> Vec<OsString> {
        let mut arguments = vec!["lint".into()];
        arguments.extend_from_slice(values);
        arguments.push(flag("namespace", &self.namespace));
        let kube_version = self.kube_version.iter().filter(|_| helm >= LINTS_FOR_A_VERSION);
        arguments.extend(kube_version.map(|version| flag("kube-version", version)));
        arguments.extend(["--".into(), (&self.chart).into()]);
        arguments
    }
}

/// Packs the chart in a folder.
pub(super) fn package(chart: &Path, into: &Path) -> Vec<OsString> {
    vec!["package".into(), flag("destination", into), "--".into(), chart.into()]
}

/// Renders the chart that asks which values were given.
pub(super) fn question(values: &[OsString], archive: &Path) -> Vec<OsString> {
    let mut arguments = vec!["template".into()];
    arguments.extend_from_slice(values);
    arguments.extend(["--".into(), "given".into(), archive.into()]);
    arguments
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::invalid("helm takes paths in UTF-8 only").on(path.display()))
}

/// A flag that takes a list reads it as one line of CSV.
fn one_of_a_list(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_a_flag() {
        let chart = HelmChart::new("-chart", "-release")
            .namespace("-ns")
            .set("a=b,c=-d")
            .set_string("-e=f")
            .upgrade(true)
            .kube_version("1.36.0")
            .api_version("a/v1")
            .api_version("b,c");
        let values = chart.value_arguments(&["/x/-v.yaml".into(), "/x/a,\"b\".yaml".into()]).unwrap();
        let check = |arguments: Vec<OsString>, expect: &[&str]| assert_eq!(arguments, expect);
        let given = [
            "--values=/x/-v.yaml",
            "--values=\"/x/a,\"\"b\"\".yaml\"",
            "--set=a=b,c=-d",
            "--set-string=-e=f",
        ];
        check(values.clone(), &given);
        let with = |command: &'static str, rest: &[&'static str]| [&[command], &given[..], rest].concat();
        let check = |arguments: Vec<OsString>, expect: Vec<&str>| assert_eq!(arguments, expect);
        check(
            chart.template(&values, Path::new("/x/chart.tgz")),
            with(
                "template",
                &[
                    "--namespace=-ns",
                    "--is-upgrade",
                    "--kube-version=1.36.0",
                    "--api-versions=a/v1",
                    "--api-versions=\"b,c\"",
                    "--",
                    "-release",
                    "/x/chart.tgz",
                ],
            ),
        );
        check(
            chart.lint_arguments(&values, Version::new(3, 13)),
            with("lint", &["--namespace=-ns", "--kube-version=1.36.0", "--", "-chart"]),
        );
        check(
            chart.lint_arguments(&values, Version::new(3, 12)),
            with("lint", &["--namespace=-ns", "--", "-chart"]),
        );
        check(question(&values, Path::new("/x/q.tgz")), with("template", &["--", "given", "/x/q.tgz"]));
        assert_eq!(
            package(&chart.chart, Path::new("/x/-y")),
            ["package", "--destination=/x/-y", "--", "-chart"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_helm_cannot_take_is_an_error() {
        let path = PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"/x/\xff"));
        let error = HelmChart::new("a", "a").value_arguments(&[path]).unwrap_err();
        assert!(error.to_string().contains("UTF-8 only"), "{error}");
    }
}
