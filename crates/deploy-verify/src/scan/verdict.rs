//! What a report comes to, and how that is told.

use std::collections::BTreeSet;

use deploy_core::clock::Timestamp;
use deploy_core::guard::Answer;
use serde::Serialize;

use super::report::Others;
use super::{Finding, Ignore, Severity};
use crate::text::{first, shown};

/// What a report comes to: by [`judge`](super::judge).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// The findings that refuse, the worst first.
    pub refusing: Vec<Finding>,
    /// The findings that are ignored, and by which entry.
    pub ignored: Vec<(Finding, Ignore)>,
    /// The findings that refuse, and would be ignored had the entry not expired.
    pub expired: Vec<(Finding, Ignore)>,
    /// The findings that would refuse, had they a fix.
    pub unfixable: usize,
    /// The distribution without security updates that refuses.
    pub end_of_life: Option<String>,
    /// What the report holds beside vulnerabilities.
    pub others: Others,
    /// When the report was made.
    pub created: Option<Timestamp>,
    /// Which entries of the ignore list are about a finding.
    pub(super) matched: BTreeSet<usize>,
    pub(super) counts: [usize; Severity::ALL.len()],
    pub(super) refuse_from: Severity,
    pub(super) shown: usize,
}

/// How many findings there are of a severity, without those that are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The severity.
    pub severity: Severity,
    /// How many.
    pub findings: usize,
}

impl Verdict {
    /// How many findings there are of each severity, without those that are ignored; the worst first.
    pub fn counts(&self) -> impl Iterator<Item = Count> {
        Severity::ALL.into_iter().zip(self.counts).map(|(severity, findings)| Count { severity, findings })
    }

    /// The verdict as a gate's answer.
    pub fn answer(&self) -> Answer {
        let mut parts = Vec::new();
        if !self.refusing.is_empty() {
            parts.push(self.refusal());
        }
        if let Some(system) = &self.end_of_life {
            let system = shown(system, 60);
            parts.push(format!(
                "{system} gets no security updates any more, so that findings are missing (use a newer one, or allow it in the policy)"
            ));
        }
        let refused = !parts.is_empty();
        if !refused {
            parts.push(self.totals());
        }
        if !self.ignored.is_empty() {
            parts.push(format!("{} ignored: {}", self.ignored.len(), pairs(&self.ignored, self.shown)));
        }
        if refused {
            return Answer::No { why: parts.join("; ") };
        }
        if self.unfixable > 0 {
            parts.push(format!(
                "{} of {} or worse have no fix, and only fixable ones refuse",
                self.unfixable, self.refuse_from
            ));
        }
        parts.extend(self.rest());
        Answer::Yes { grounds: parts.join("; ") }
    }

    fn totals(&self) -> String {
        let counts: Vec<_> = self
            .counts()
            .map(|count| format!("{} {}", count.findings, count.severity.as_str().to_lowercase()))
            .collect();
        let created = self.created.map(|time| format!(", in a report of {time}"));
        format!("{}{}", counts.join(", "), created.unwrap_or_default())
    }

    fn refusal(&self) -> String {
        let (refusing, all) = (self.refusing.len(), self.counts.iter().sum::<usize>());
        let findings = first(self.shown, ", ", self.refusing.iter().map(line));
        let text = format!("{refusing} of {all} findings refuse ({} or worse): {findings}", self.refuse_from);
        if self.expired.is_empty() {
            return text;
        }
        format!("{text}; {} no longer ignored: {}", self.expired.len(), pairs(&self.expired, self.shown))
    }

    /// What a person should know, and what refuses nothing.
    fn rest(&self) -> Option<String> {
        let Others { secrets, misconfigurations, suppressed } = self.others;
        let kinds = [
            (secrets, "secrets"),
            (misconfigurations, "failed checks of settings"),
            (suppressed, "findings that Trivy left out itself"),
        ];
        let there: Vec<_> =
            kinds.iter().filter(|kind| kind.0 > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
        (!there.is_empty()).then(|| format!("not judged: {}", there.join(", ")))
    }
}

/// As in `HIGH CVE-2019-1549 in libssl1.1 1.1.1c-r0 (fixed in 1.1.1d-r0)`.
fn line(finding: &Finding) -> String {
    let fix = match (finding.fixed.as_str(), finding.status.as_str()) {
        ("", "") => "no fix".to_owned(),
        ("", status) => format!("no fix: {}", shown(status, 40)),
        (fixed, _) => format!("fixed in {}", shown(fixed, 80)),
    };
    let Finding { severity, id, package, installed, .. } = finding;
    let [id, package, installed] = [id, package, installed].map(|text| shown(text, 80));
    format!("{severity} {id} in {package} {installed} ({fix})")
}

fn pairs(pairs: &[(Finding, Ignore)], most: usize) -> String {
    first(
        most,
        ", ",
        pairs.iter().map(|(finding, entry)| format!("{entry} in {}", shown(&finding.package, 80))),
    )
}
