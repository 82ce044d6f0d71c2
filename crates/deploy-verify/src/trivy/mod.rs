//! Reports that Trivy makes on the spot.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use deploy_core::clock::SystemClock;
//! use deploy_core::guard::{Gate, Subject};
//! use deploy_verify::{scan::ScanReport, trivy::TrivyCli};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let gate = ScanReport::new(TrivyCli::new(), Arc::new(SystemClock::new()));
//! let mut subject = Subject::new("production");
//! subject.images.push("registry.example/shop/api:v1".into());
//! println!("{:?}", gate.ask(&subject).await?);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod said;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Reference;
use deploy_program::{Program, Tool, Version};
use serde::Deserialize;

use crate::scan::{MAX_REPORT_BYTES, Report, ReportSource, Scanned};

const TRIVY: Tool = Tool {
    name: "trivy",
    // Since then a report says when it was made and how a finding stands.
    oldest: Version::new(0, 50),
    newest: 0,
    home: "https://trivy.dev/latest/getting-started/installation",
    hidden: &HIDDEN,
};

/// How much longer than its own limit it may take.
const GRACE: Duration = Duration::from_secs(5);

/// Settings of the machine that would take findings out of a report, or make something else of it. What is to be left out is the gate's
/// policy to say, and arguments are still heeded.
const HIDDEN: [&str; 40] = [
    "TRIVY_COMPLIANCE",
    "TRIVY_CONFIG",
    "TRIVY_DEBUG",
    "TRIVY_DEPENDENCY_TREE",
    "TRIVY_DETECTION_PRIORITY",
    "TRIVY_DISTRO",
    "TRIVY_DOWNLOAD_DB_ONLY",
    "TRIVY_DOWNLOAD_JAVA_DB_ONLY",
    "TRIVY_ENABLE_MODULES",
    "TRIVY_EXIT_CODE",
    "TRIVY_EXIT_ON_EOL",
    "TRIVY_FILE_PATTERNS",
    "TRIVY_FORMAT",
    "TRIVY_GENERATE_DEFAULT_CONFIG",
    "TRIVY_IGNOREFILE",
    "TRIVY_IGNORE_POLICY",
    "TRIVY_IGNORE_STATUS",
    "TRIVY_IGNORE_UNFIXED",
    "TRIVY_IMAGE_SRC",
    "TRIVY_INPUT",
    "TRIVY_LIST_ALL_PKGS",
    "TRIVY_OUTPUT",
    "TRIVY_OUTPUT_PLUGIN_ARG",
    "TRIVY_PKG_RELATIONSHIPS",
    "TRIVY_PKG_TYPES",
    "TRIVY_PLATFORM",
    "TRIVY_QUIET",
    "TRIVY_REPORT",
    "TRIVY_RUN_AS_PLUGIN",
    "TRIVY_SBOM_SOURCES",
    "TRIVY_SCANNERS",
    "TRIVY_SECURITY_CHECKS",
    "TRIVY_SEVERITY",
    "TRIVY_SKIP_DIRS",
    "TRIVY_SKIP_FILES",
    "TRIVY_TEMPLATE",
    "TRIVY_TIMEOUT",
    "TRIVY_VEX",
    "TRIVY_VULN_SEVERITY_SOURCE",
    "TRIVY_VULN_TYPE",
];

/// Runs `trivy image` (0.50 or later) on each image, and reads what it reports.
///
/// Of what is in the registry (`--image-src=remote`), never of what a local Docker has under the same name. Trivy finds credentials where it
/// always does: in Docker's config file or `TRIVY_USERNAME`, `TRIVY_PASSWORD` and `TRIVY_REGISTRY_TOKEN`; they are never arguments. It runs
/// in an empty folder and without the settings of the machine that take findings out of a report (`trivy.yaml`, `.trivyignore`, `TRIVY_SEVERITY`
/// and the like). An image without a digest is scanned by its tag; give the gate a registry
/// ([`ScanReport::registry`](crate::scan::ScanReport::registry)), and each is scanned by its digest.
///
/// Of an image for several platforms Trivy scans one: `linux/amd64`, or what [`TrivyCli::platform`] says. Have a gate for each that you run.
///
/// Dropped, Trivy is killed.
#[derive(Clone)]
pub struct TrivyCli {
    program: PathBuf,
    arguments: Vec<String>,
    platform: Option<String>,
    timeout: Duration,
}

impl TrivyCli {
    /// The `trivy` in `PATH`.
    pub fn new() -> Self {
        Self {
            program: PathBuf::from("trivy"),
            arguments: Vec::new(),
            platform: None,
            timeout: Duration::from_secs(600),
        }
    }

    /// The program: a name that is looked up in `PATH`, or a path. Default: `trivy`.
    #[must_use]
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Another argument to `trivy image`, as in `--skip-db-update` or `--server=https://trivy.example`. One that filters what is found is
    /// heeded; the format, the severities, the scanners and the exit codes stay as they are. No secrets: arguments can be seen by
    /// everybody on the machine.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The platform that is scanned of an image for several, as in `linux/arm64`. Default: Trivy's, `linux/amd64`.
    #[must_use]
    pub fn platform(self, platform: impl Into<String>) -> Self {
        Self { platform: Some(platform.into()), ..self }
    }

    /// How long a scan may take. Default: 10 minutes.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// All arguments for an image. Ours come last: of a flag that stands twice the last one counts.
    fn arguments(&self, image: &Reference) -> Vec<String> {
        let platform = self.platform.iter().map(|platform| format!("--platform={platform}"));
        let ours = [
            "--quiet".to_owned(),
            "--format=json".to_owned(),
            "--scanners=vuln".to_owned(),
            "--severity=UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL".to_owned(),
            "--exit-code=0".to_owned(),
            "--exit-on-eol=0".to_owned(),
            "--list-all-pkgs=false".to_owned(),
            "--image-src=remote".to_owned(),
            format!("--timeout={}s", self.timeout.as_secs().max(1)),
            // The full form: what is `nginx` to Docker is so to Trivy, but there is no need to rely on it.
            image.canonical(),
        ];
        let first = ["image".to_owned()].into_iter();
        first.chain(self.arguments.iter().cloned()).chain(platform).chain(ours).collect()
    }

    async fn scan(&self, image: &Reference) -> Result<Report> {
        // Another folder must not change what a path means.
        let path = match self.program.components().count() {
            0 | 1 => self.program.clone(),
            _ => std::path::absolute(&self.program)
                .map_err(|error| Error::invalid(format!("the path of trivy: {error}")))?,
        };
        let folder = tempfile::tempdir().map_err(|error| {
            Error::new(ErrorKind::Internal, "there is no folder to run trivy in").source(error)
        })?;
        let trivy = TRIVY.at(path).install(TRIVY.install()).folder(folder.path());
        self.check_version(&trivy).await?;
        let trivy = trivy.at_most(MAX_REPORT_BYTES).timeout(self.timeout + GRACE);
        let ran = trivy.run(&self.arguments(image)).await?;
        if !ran.success() {
            return Err(said::failure(ran.code, &ran.told).during("trivy image").on(image));
        }
        Report::read(&format!("trivy image {image}"), &ran.out)
    }

    async fn check_version(&self, trivy: &Program) -> Result<()> {
        let trivy = trivy.clone().at_most(1024 * 1024).timeout(self.timeout.min(Duration::from_secs(60)));
        let ran = trivy.run(&["version", "--format", "json"]).await?;
        let Some(found) = version(&ran.out) else {
            let said = said::said(&ran.told)
                .unwrap_or_else(|| crate::text::shown(&String::from_utf8_lossy(&ran.out), 200));
            return Err(trivy.error(
                ErrorKind::InvalidInput,
                format!("its version cannot be told, version --format json answered: {said}"),
            ));
        };
        TRIVY.check(&trivy, found)
    }
}

/// The version in what `trivy version --format json` prints. One that was built from sources calls itself `dev`, which is none.
fn version(answer: &[u8]) -> Option<Version> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Version")]
        version: String,
    }
    Version::of(&serde_json::from_slice::<Answer>(answer).ok()?.version)
}

impl Default for TrivyCli {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TrivyCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, platform, timeout, .. } = self;
        let arguments = self.arguments.len();
        f.debug_struct("TrivyCli")
            .field("program", program)
            .field("arguments", &arguments)
            .field("platform", platform)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ReportSource for TrivyCli {
    fn describe(&self) -> String {
        let name = self.program.file_name().map_or(&*self.program, Path::new);
        format!("{} image", name.display())
    }

    async fn report(&self, image: &Reference) -> Result<Scanned> {
        let report = self.scan(image).await?;
        Ok(Scanned::new(image.clone(), report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_version() {
        let check = |text: &str, expect: Option<(u64, u64)>| {
            assert_eq!(
                version(text.as_bytes()),
                expect.map(|(major, minor)| Version::new(major, minor)),
                "{text}"
            );
        };
        check(r#"{"Version":"0.65.0","VulnerabilityDB":{"Version":2}}"#, Some((0, 65)));
        check(r#"{"Version":"v1.2.3-rc1"}"#, Some((1, 2)));
        check(r#"{"Version":"dev"}"#, None);
        check("Version: 0.65.0", None);
        check("", None);
    }
}
