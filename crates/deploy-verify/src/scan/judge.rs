//! From a report to a verdict. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};
use deploy_core::image::Reference;

use super::{Finding, Ignore, Report, ScanPolicy, Severity, Verdict};

/// How far the clock that wrote a report may be ahead of ours.
const SKEW: Duration = Duration::from_secs(300);

/// What a report on `image` comes to at the time `now`.
///
/// # Errors
/// If it decides nothing: it is of another image, looked at no package, is too old, or does not say how old it is.
///
/// ```
/// use deploy_verify::scan::{Report, ScanPolicy, Severity, judge};
///
/// let report = Report::read("report.json", br#"{"SchemaVersion": 2, "ArtifactName": "shop/api:v1", "Results": [{"Class": "os-pkgs",
///     "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1", "PkgName": "libssl", "InstalledVersion": "1.0", "Severity": "HIGH"}]}]}"#)?;
/// let (image, now) = ("shop/api:v1".parse()?, "2026-11-21T08:00:00Z".parse()?);
/// let verdict = judge(&report, &image, &ScanPolicy::new(), now)?;
/// assert_eq!(verdict.refusing.len(), 1);
/// assert!(judge(&report, &image, &ScanPolicy::new().refuse_from(Severity::Critical), now)?.refusing.is_empty());
/// assert!(judge(&report, &"shop/api:v2".parse()?, &ScanPolicy::new(), now).is_err());
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn judge(report: &Report, image: &Reference, policy: &ScanPolicy, now: Timestamp) -> Result<Verdict> {
    usable(report, image, policy, now).map_err(|error| error.during("judge report").on(&report.name))?;
    let mut refusing = Vec::new();
    let mut ignored = Vec::new();
    let mut expired = Vec::new();
    let mut matched = BTreeSet::new();
    let mut counts = [0; Severity::ALL.len()];
    let mut unfixable = 0;
    for finding in &report.findings {
        let mut by: Option<&Ignore> = None;
        let mut no_longer: Option<&Ignore> = None;
        for (index, entry) in policy.ignored.about(finding) {
            matched.insert(index);
            let slot = if entry.is_expired(now) { &mut no_longer } else { &mut by };
            slot.get_or_insert(entry);
        }
        if let Some(entry) = by {
            ignored.push((finding.clone(), entry.clone()));
            continue;
        }
        for (count, severity) in counts.iter_mut().zip(Severity::ALL) {
            *count += usize::from(severity == finding.severity);
        }
        if weight(finding, policy) < policy.refuse_from {
            continue;
        }
        if policy.fixable_only && !finding.is_fixable() {
            unfixable += 1;
            continue;
        }
        expired.extend(no_longer.map(|entry| (finding.clone(), entry.clone())));
        refusing.push(finding.clone());
    }
    refusing.sort_by(|a, b| rank(a, policy).cmp(&rank(b, policy)));
    Ok(Verdict {
        refusing,
        counts,
        unfixable,
        ignored,
        expired,
        matched,
        end_of_life: report.system.clone().filter(|_| report.end_of_life && !policy.allow_end_of_life),
        others: report.others,
        created: report.created,
        refuse_from: policy.refuse_from,
        shown: policy.shown,
    })
}

/// The worst first, of those the ones that can be fixed.
fn rank<'a>(finding: &'a Finding, policy: &ScanPolicy) -> impl Ord + use<'a> {
    (Reverse(weight(finding, policy)), !finding.is_fixable(), &finding.id, &finding.package)
}

fn weight(finding: &Finding, policy: &ScanPolicy) -> Severity {
    if finding.severity == Severity::Unknown { policy.unknown_as } else { finding.severity }
}

fn usable(report: &Report, image: &Reference, policy: &ScanPolicy, now: Timestamp) -> Result<()> {
    if !report.is_of(image) {
        return Err(Error::invalid(format!("it is of {}, not of {image}", report.subject()))
            .help("scan the image under the reference that is deployed"));
    }
    if !report.looked_at_packages && !policy.allow_no_packages {
        return Err(Error::invalid("it looked at no package, so that there is no finding proves nothing")
            .help("scan with --scanners vuln; an image in which there is nothing to find must be allowed by the policy"));
    }
    let Some(most) = policy.max_age else { return Ok(()) };
    let Some(created) = report.created else {
        return Err(Error::invalid("it does not say when it was made, and its age matters")
            .help("make it with Trivy 0.48 or later"));
    };
    if created > now + SKEW {
        return Err(Error::invalid(format!("it was made in the future: at {created}, and it is {now}"))
            .help("set the clocks right"));
    }
    let age = now.since(created);
    if age > most {
        return Err(Error::invalid(format!(
            "it was made at {created}, and is {} old, over {}",
            hours(age),
            hours(most)
        ))
        .help("scan the image again"));
    }
    Ok(())
}

fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) }
}
