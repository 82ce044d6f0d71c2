//! Trivy's report, as far as a decision needs it.
//!
//! The format is that of `trivy image --format json`, schema version 2 (Trivy 0.20 and later): `pkg/types/report.go` of its sources.

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};
use deploy_core::image::Reference;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::text::shown;

/// The most bytes of a report.
pub const MAX_REPORT_BYTES: usize = 32 * 1024 * 1024;

/// The most JSON objects in a report, which bounds the memory that it takes: about 100 MB at worst. A finding is made of five to ten.
pub const MAX_REPORT_OBJECTS: usize = 500_000;

const MAKE: &str = "make it with: trivy image --format json IMAGE";

/// A report on one image.
///
/// ```
/// use deploy_verify::scan::{Report, Severity};
///
/// let report = Report::read("report.json", br#"{
///     "SchemaVersion": 2, "CreatedAt": "2026-11-20T10:00:00Z", "ArtifactName": "alpine:3.10", "ArtifactType": "container_image",
///     "Results": [{"Target": "alpine:3.10 (alpine 3.10.2)", "Class": "os-pkgs", "Vulnerabilities": [
///         {"VulnerabilityID": "CVE-2019-1549", "PkgName": "libssl1.1", "InstalledVersion": "1.1.1c-r0", "FixedVersion": "1.1.1d-r0",
///          "Status": "fixed", "Severity": "MEDIUM"}]}]
/// }"#)?;
/// assert_eq!(report.findings[0].severity, Severity::Medium);
/// assert!(report.is_of(&"alpine:3.10".parse()?));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// What errors call it: a file's path.
    pub name: String,
    /// What was scanned, as it was named to Trivy.
    pub artifact: String,
    /// The images that it was, with their tags and digests, as far as Trivy could tell: `ArtifactName`, `Metadata.RepoDigests` and
    /// `Metadata.RepoTags`. Not `Metadata.ImageID`, which is the digest of the image's config: no reference names that.
    pub images: Vec<Reference>,
    /// When it was made; Trivy says so since 0.48.
    pub created: Option<Timestamp>,
    /// The distribution in the image, as in `alpine 3.10.2`.
    pub system: Option<String>,
    /// Whether that gets no security updates any more, so that findings are missing.
    pub end_of_life: bool,
    /// Whether packages were looked at at all. In the report of another scanner, or of an image in which Trivy knows nothing, they were not.
    pub looked_at_packages: bool,
    /// The vulnerabilities, in Trivy's order.
    pub findings: Vec<Finding>,
    /// What else is in it.
    pub others: Others,
}

/// A vulnerability of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// The vulnerability, as in `CVE-2019-1549`.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// The package's name.
    pub package: String,
    /// The version that is installed.
    pub installed: String,
    /// The versions that fix it; empty where there is none.
    pub fixed: String,
    /// Trivy's word for what is done about it, as in `fixed`, `affected`, `will_not_fix`.
    pub status: String,
    /// Where it was found: a distribution, or a file.
    pub target: String,
    /// The package's own file, where it has one.
    pub path: String,
    /// The package as a package URL.
    pub purl: Option<String>,
}

impl Finding {
    /// Whether a newer version of the package is free of it.
    pub fn is_fixable(&self) -> bool {
        !self.fixed.is_empty() || self.status == "fixed"
    }
}

/// What a report holds that is no vulnerability. It is counted and never judged here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Others {
    /// Secrets that lie in the image.
    pub secrets: usize,
    /// Settings that failed a check.
    pub misconfigurations: usize,
    /// Findings that Trivy itself left out, by its own ignore files; it tells with `--show-suppressed` only.
    pub suppressed: usize,
}

impl Report {
    /// Reads a report, `name` being what errors call it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput): no JSON, no report on a container image, another schema version than 2, or over
    /// [`MAX_REPORT_BYTES`] or [`MAX_REPORT_OBJECTS`].
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let refuse = |problem: String| Error::invalid(problem).during("read report").on(name);
        if bytes.len() > MAX_REPORT_BYTES {
            let limit = MAX_REPORT_BYTES / 1024 / 1024;
            return Err(refuse(format!("it is {} bytes, over the limit of {limit} MiB", bytes.len())));
        }
        // Counted before anything is built, and braces in texts with them.
        if bytes.split(|byte| *byte == b'{').count() > MAX_REPORT_OBJECTS + 1 {
            return Err(refuse(format!("it holds more than {MAX_REPORT_OBJECTS} objects")));
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| {
            refuse(format!("it is no report of Trivy: {}", shown(&error.to_string(), 200))).help(MAKE)
        })?;
        if raw.schema_version != 2 {
            let message = format!("its schema version is {}, and only 2 is known", raw.schema_version);
            return Err(refuse(message).help(MAKE));
        }
        if raw.artifact_type.as_deref().is_some_and(|kind| kind != "container_image") {
            let kind = shown(&raw.artifact_type.unwrap_or_default(), 40);
            return Err(refuse(format!("it is about a {kind}, not about an image")).help(MAKE));
        }
        let created = raw.created_at.map(|time| time.parse()).transpose().map_err(|_| {
            refuse("the time at which it was made (CreatedAt) is not an RFC 3339 timestamp".into())
        })?;
        let metadata = raw.metadata.unwrap_or_default();
        let digests = metadata.repo_digests.unwrap_or_default();
        let tags = metadata.repo_tags.unwrap_or_default();
        let named = [raw.artifact_name.clone()].into_iter().chain(digests).chain(tags);
        let os = metadata.os.unwrap_or_default();
        let mut report = Self {
            name: name.to_owned(),
            images: named.filter_map(|name| name.parse().ok()).collect(),
            artifact: raw.artifact_name,
            created,
            end_of_life: os.end_of_life.unwrap_or_default(),
            system: os.family.map(|family| format!("{family} {}", os.name.unwrap_or_default())),
            looked_at_packages: false,
            findings: Vec::new(),
            others: Others::default(),
        };
        raw.results.unwrap_or_default().into_iter().for_each(|result| report.add(result));
        Ok(report)
    }

    /// Whether it is of this image: of its digest where the reference has one, else of its repository and tag.
    ///
    /// The digest is enough, in whatever repository: the same digest is the same image.
    pub fn is_of(&self, image: &Reference) -> bool {
        self.images.iter().any(|scanned| match image.digest() {
            Some(digest) => scanned.digest() == Some(digest),
            None => scanned.repository() == image.repository() && scanned.tag() == image.tag(),
        })
    }

    /// The images that it is of, for a person.
    pub(super) fn subject(&self) -> String {
        let digests = self.images.iter().filter(|image| image.digest().is_some());
        let named = digests.chain(&self.images).next().map(ToString::to_string);
        named.unwrap_or_else(|| format!("\"{}\"", shown(&self.artifact, 200)))
    }

    fn add(&mut self, result: RawResult) {
        let RawResult { target, class, vulnerabilities, misconfigurations, secrets, suppressed } = result;
        self.looked_at_packages |= matches!(class.as_deref(), Some("os-pkgs" | "lang-pkgs"));
        self.others.secrets += count(secrets.as_ref());
        self.others.suppressed += count(suppressed.as_ref());
        let misconfigurations = misconfigurations.unwrap_or_default().into_iter();
        self.others.misconfigurations +=
            misconfigurations.filter(|found| found.status.as_deref().is_none_or(|is| is == "FAIL")).count();
        let target = target.unwrap_or_default();
        let findings = vulnerabilities.unwrap_or_default().into_iter().map(|found| Finding {
            id: found.id,
            severity: found.severity.and_then(|word| word.parse().ok()).unwrap_or(Severity::Unknown),
            package: found.package.unwrap_or_default(),
            installed: found.installed.unwrap_or_default(),
            fixed: found.fixed.unwrap_or_default(),
            status: found.status.unwrap_or_default(),
            target: target.clone(),
            path: found.path.unwrap_or_default(),
            purl: found.identifier.and_then(|identifier| identifier.purl),
        });
        self.findings.extend(findings);
    }
}

fn count(items: Option<&Vec<IgnoredAny>>) -> usize {
    items.map_or(0, Vec::len)
}

/// Go writes an empty list as `null`, or not at all.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    schema_version: u64,
    created_at: Option<String>,
    artifact_name: String,
    artifact_type: Option<String>,
    metadata: Option<RawMetadata>,
    results: Option<Vec<RawResult>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawMetadata {
    #[serde(rename = "OS")]
    os: Option<RawSystem>,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawSystem {
    family: Option<String>,
    name: Option<String>,
    #[serde(rename = "EOSL")]
    end_of_life: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawResult {
    target: Option<String>,
    class: Option<String>,
    vulnerabilities: Option<Vec<RawFinding>>,
    misconfigurations: Option<Vec<RawMisconfiguration>>,
    secrets: Option<Vec<IgnoredAny>>,
    #[serde(rename = "ExperimentalModifiedFindings")]
    suppressed: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawMisconfiguration {
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawFinding {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "PkgName")]
    package: Option<String>,
    #[serde(rename = "PkgPath")]
    path: Option<String>,
    #[serde(rename = "PkgIdentifier")]
    identifier: Option<RawIdentifier>,
    #[serde(rename = "InstalledVersion")]
    installed: Option<String>,
    #[serde(rename = "FixedVersion")]
    fixed: Option<String>,
    status: Option<String>,
    severity: Option<String>,
}

#[derive(Deserialize)]
struct RawIdentifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}
