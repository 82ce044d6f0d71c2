//! The gate.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::clock::Clock;
use deploy_core::error::Result;
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::image::Reference;
use deploy_core::registry::Registry;

use super::{Ignore, ReportSource, ScanPolicy, Scanned, Verdict, judge};
use crate::images::{self, pinned};
use crate::text::first;

/// Says no to images with vulnerabilities, by the reports of a [`ReportSource`].
///
/// A yes says how many findings there are of each severity, and what is ignored until when. A no names the worst findings, and the
/// versions that fix them. Both name the entries of the ignore list that match nothing in any of the images.
///
/// ```
/// use std::sync::Arc;
///
/// use deploy_core::clock::SystemClock;
/// use deploy_core::guard::{Answer, Gate, Subject};
/// use deploy_verify::scan::{GivenReports, ScanPolicy, ScanReport, Severity};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let report = br#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1", "Results": [{"Class": "os-pkgs", "Vulnerabilities": [
///     {"VulnerabilityID": "CVE-2026-1", "PkgName": "libssl", "InstalledVersion": "1.0", "FixedVersion": "1.1", "Severity": "HIGH"}]}]}"#;
/// let reports = GivenReports::new().bytes("report.json", report);
/// let gate = ScanReport::new(reports, Arc::new(SystemClock::new()));
/// let mut subject = Subject::new("production");
/// subject.images.push("shop/api:v1".into());
/// let Answer::No { why } = gate.ask(&subject).await? else { panic!() };
/// assert_eq!(why, "shop/api:v1: 1 of 1 findings refuse (HIGH or worse): HIGH CVE-2026-1 in libssl 1.0 (fixed in 1.1)");
///
/// let gate = gate.policy(ScanPolicy::new().refuse_from(Severity::Critical));
/// let Answer::Yes { grounds } = gate.ask(&subject).await? else { panic!() };
/// assert_eq!(grounds, "shop/api:v1: 0 critical, 1 high, 0 medium, 0 low, 0 unknown");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub struct ScanReport {
    source: Arc<dyn ReportSource>,
    clock: Arc<dyn Clock>,
    policy: ScanPolicy,
    registry: Option<Arc<dyn Registry>>,
}

impl ScanReport {
    /// Judges by the default [`ScanPolicy`] what the source has.
    pub fn new(source: impl ReportSource + 'static, clock: Arc<dyn Clock>) -> Self {
        Self { source: Arc::new(source), clock, policy: ScanPolicy::new(), registry: None }
    }

    /// Judges by this policy.
    #[must_use]
    pub fn policy(self, policy: ScanPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Looks up here what digest an image without one has, so that only a report on that counts. Without a registry a report counts that is on
    /// the same tag, whatever the tag stood for when it was made.
    #[must_use]
    pub fn registry(self, registry: Arc<dyn Registry>) -> Self {
        Self { registry: Some(registry), ..self }
    }

    async fn judge(&self, image: &Reference) -> Result<Verdict> {
        let image = match &self.registry {
            Some(registry) => pinned(&**registry, image).await?,
            None => image.clone(),
        };
        let Scanned { image, report } = self.source.report(&image).await?;
        judge(&report, &image, &self.policy, self.clock.now())
    }

    /// The entries that are about nothing in any image: nobody needs them any more, or they are misspelled.
    fn needless(&self, matched: &BTreeSet<usize>) -> Option<String> {
        let entries = self.policy.ignored.entries().iter().enumerate();
        let needless: Vec<&Ignore> =
            entries.filter(|(index, _)| !matched.contains(index)).map(|(_, entry)| entry).collect();
        let named = first(self.policy.shown, ", ", needless.iter().map(ToString::to_string));
        (!needless.is_empty()).then(|| format!("; nothing to ignore by {named}"))
    }
}

#[async_trait]
impl Gate for ScanReport {
    fn describe(&self) -> String {
        format!("no vulnerabilities of {} or worse ({})", self.policy.refuse_from, self.source.describe())
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        // One after the other: a scanner locks its cache.
        let found = images::each(subject, 1, |image| async move { self.judge(&image).await }).await?;
        let all_judged = found.iter().all(|(_, verdict)| verdict.is_ok());
        let verdicts = found.iter().filter_map(|(_, verdict)| verdict.as_ref().ok());
        let matched = verdicts.flat_map(|verdict| &verdict.matched).copied().collect();
        let answers =
            found.into_iter().map(|(image, verdict)| (image, verdict.map(|verdict| verdict.answer())));
        let mut answer = images::combine(answers.collect())?;
        if all_judged
            && let Some(needless) = self.needless(&matched)
            && let Answer::Yes { grounds: text } | Answer::No { why: text } = &mut answer
        {
            text.push_str(&needless);
        }
        Ok(answer)
    }
}
