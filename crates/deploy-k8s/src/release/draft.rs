//! A revision as it will be recorded. Pure.

use std::collections::BTreeMap;

use deploy_core::chart::Chart;
use deploy_core::clock::Timestamp;
use deploy_core::manifest::GIT_REVISION;
use deploy_core::plan::Snapshot;
use serde_json::{Map, Value, json};

use super::hook::HookEvent;
use super::owner::Owner;
use super::record::{Hook, Info, Record, ReleaseStatus};
use super::standing::Standing;

/// What a plan of a release is for, and what it keeps for its steps.
pub(super) struct Draft {
    pub(super) purpose: Purpose,
    /// The revision as it is recorded before the first write; none where a first one that failed is removed.
    pub(super) record: Option<Record>,
    /// The user's own labels of its Secret.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) owner: Owner,
    /// How the release stood when it was planned.
    pub(super) standing: Standing,
    /// The objects that are taken over, as they stood before.
    pub(super) adopted: Snapshot,
    /// Whether an earlier journal of such objects stands.
    pub(super) is_journaled: bool,
    /// What revisions that never came to run took over, and this one does not want: it is brought back.
    pub(super) given_back: Snapshot,
}

impl Draft {
    /// What is planned first: nothing is known of objects yet.
    pub(super) fn new(
        purpose: Purpose,
        record: Option<Record>,
        labels: BTreeMap<String, String>,
        owner: Owner,
        standing: Standing,
    ) -> Self {
        let (adopted, given_back) = (Snapshot::default(), Snapshot::default());
        Self { purpose, record, labels, owner, standing, adopted, is_journaled: false, given_back }
    }

    /// Whether a journal says how objects looked before the release took them.
    pub(super) fn is_adopting(&self) -> bool {
        !self.adopted.entries.is_empty() || !self.given_back.entries.is_empty()
    }

    /// Whether what later revisions brought goes before anything is waited for: what failed may hold the place of what is gone back to.
    /// What a person goes back from serves until that which takes its place does.
    pub(super) fn deletes_first(&self) -> bool {
        self.purpose.goes_back() && self.standing.is_unsettled()
    }

    /// Whether hooks run once all else is well.
    pub(super) fn has_hooks_after(&self) -> bool {
        let Some((record, event)) = self.record.as_ref().zip(self.purpose.after()) else { return false };
        record.hooks.iter().any(|hook| hook.events.iter().any(|word| word == event.as_str()))
    }
}

/// What brings a revision about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// There is none that ever came to run.
    Install,
    Upgrade,
    Rollback {
        to: u64,
    },
    /// A first one that failed goes.
    Removal,
}

impl Purpose {
    /// The status while it is under way.
    fn pending(self) -> ReleaseStatus {
        match self {
            Self::Install => ReleaseStatus::PendingInstall,
            Self::Upgrade => ReleaseStatus::PendingUpgrade,
            Self::Rollback { .. } | Self::Removal => ReleaseStatus::PendingRollback,
        }
    }

    pub(super) fn before(self) -> Option<HookEvent> {
        match self {
            Self::Install => Some(HookEvent::PreInstall),
            Self::Upgrade => Some(HookEvent::PreUpgrade),
            Self::Rollback { .. } => Some(HookEvent::PreRollback),
            Self::Removal => None,
        }
    }

    pub(super) fn after(self) -> Option<HookEvent> {
        match self {
            Self::Install => Some(HookEvent::PostInstall),
            Self::Upgrade => Some(HookEvent::PostUpgrade),
            Self::Rollback { .. } => Some(HookEvent::PostRollback),
            Self::Removal => None,
        }
    }

    /// Whether it brings back what was recorded before.
    pub(super) fn goes_back(self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::Removal)
    }

    fn under_way(self) -> String {
        match self {
            Self::Install => "Initial install underway".to_owned(),
            Self::Upgrade => "Preparing upgrade".to_owned(),
            Self::Rollback { to } => format!("Rolling back to {to}"),
            Self::Removal => "Removing".to_owned(),
        }
    }

    /// What is said of a revision that is deployed.
    pub(super) fn complete(self) -> String {
        match self {
            Self::Install => "Install complete".to_owned(),
            Self::Upgrade => "Upgrade complete".to_owned(),
            Self::Rollback { to } => format!("Rollback to {to}"),
            Self::Removal => "Removed".to_owned(),
        }
    }

    /// What is said of a revision that failed.
    pub(super) fn failed(self, release: &str, why: &str) -> String {
        let what = match self {
            Self::Install => "Install",
            Self::Upgrade => "Upgrade",
            Self::Rollback { .. } | Self::Removal => "Rollback",
        };
        format!("{what} \"{release}\" failed: {}", shortened(why))
    }
}

/// What a revision is made of.
pub(super) struct Content {
    pub(super) manifest: String,
    pub(super) hooks: Vec<Hook>,
    pub(super) chart: Value,
    pub(super) config: Map<String, Value>,
    pub(super) notes: String,
}

impl Content {
    /// Of objects that are released.
    pub(super) fn new(manifest: String, hooks: Vec<Hook>, chart: &Chart, git_revision: Option<&str>) -> Self {
        let mut metadata = chart.metadata.clone();
        if let Some(revision) = git_revision {
            // Helm keeps what a chart says of itself, and copies it to no other revision but one that goes back to this.
            if let Some(annotations) =
                metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
            {
                annotations.insert(GIT_REVISION.to_owned(), revision.into());
            }
        }
        Self {
            manifest,
            hooks,
            chart: json!({"metadata": metadata, "values": chart.defaults}),
            config: chart.values.clone(),
            notes: chart.notes.clone(),
        }
    }

    /// Of a revision that is gone back to.
    pub(super) fn of(record: Record) -> Self {
        let Record { manifest, mut hooks, chart, config, info, .. } = record;
        for hook in &mut hooks {
            hook.rest.remove("last_run");
        }
        Self { manifest, hooks, chart, config, notes: info.notes }
    }
}

impl Record {
    /// A revision on its way.
    pub(super) fn pending(
        (namespace, name): (&str, &str),
        revision: u64,
        purpose: Purpose,
        content: Content,
        first_deployed: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let mut more = Map::new();
        if let Purpose::Rollback { to } = purpose {
            more.insert("rollback_revision".to_owned(), to.into());
        }
        Self {
            name: name.to_owned(),
            info: Info {
                first_deployed: first_deployed.unwrap_or(now).into(),
                last_deployed: now.into(),
                description: purpose.under_way(),
                status: purpose.pending(),
                notes: content.notes,
                rest: more,
                ..Info::default()
            },
            chart: content.chart,
            config: content.config,
            manifest: content.manifest,
            hooks: content.hooks,
            version: revision,
            namespace: namespace.to_owned(),
            // Helm 4 goes on as it finds this, and Helm 3 by what it finds on the objects.
            apply_method: Some("ssa".to_owned()),
            rest: Map::new(),
        }
    }
}

/// What is said of a revision whose run died at it.
pub(super) fn interrupted(by: &str, run: &str) -> String {
    format!("{INTERRUPTED}{by} died at it, and {run} took over")
}

const INTERRUPTED: &str = "interrupted: ";

/// Whether a description says of a revision that it never came to run, in our words or in Helm's (`pkg/action`).
pub(super) fn tells_of_failure(release: &str, description: &str) -> bool {
    // Who died at one of these, nobody said. The last is what `helm install --replace` says of what failed or was uninstalled.
    const OPEN: [&str; 3] = ["Initial install underway", "Preparing upgrade", "superseded by new release"];
    let failed = |what: &str| {
        let rest =
            description.strip_prefix(what).and_then(|rest| rest.strip_prefix(&format!(" \"{release}\"")));
        rest.is_some_and(|rest| rest.starts_with(" failed: "))
    };
    ["Install", "Release", "Upgrade", "Rollback"].into_iter().any(failed)
        || OPEN.contains(&description)
        || description.starts_with("Rolling back to ")
        || description.starts_with(INTERRUPTED)
}

/// A reason for a record: tables show it, and the record must not grow with it.
pub(super) fn shortened(why: &str) -> String {
    const MAX: usize = 1000;
    let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(shortened("a\n  b"), "a b");
        let long = shortened(&"ä".repeat(2000));
        assert_eq!(long.chars().count(), 1001);
        assert_eq!(
            Purpose::Upgrade.failed("shop", "image not found"),
            "Upgrade \"shop\" failed: image not found"
        );
    }

    #[test]
    fn what_never_came_to_run_says_so() {
        let tells = |description: &str| tells_of_failure("shop", description);
        let purposes = [Purpose::Install, Purpose::Upgrade, Purpose::Rollback { to: 3 }];
        for purpose in purposes {
            assert!(
                tells(&purpose.failed("shop", "image not found")) && tells(&purpose.under_way()),
                "{purpose:?}"
            );
            assert!(!tells(&purpose.complete()), "{purpose:?}");
        }
        assert!(tells(&interrupted("helm", "d-1")));
        // Helm's own words.
        assert!(
            tells("Release \"shop\" failed: context deadline exceeded") && tells("superseded by new release")
        );
        for good in
            ["", "Rollback to 3", "Upgrade failed over to the other zone", "Release \"web\" failed: x"]
        {
            assert!(!tells(good), "{good}");
        }
    }

    #[test]
    fn the_commit_is_the_charts_to_tell() {
        let chart = Chart::new("shop", "1.0.0");
        let content = Content::new(String::new(), Vec::new(), &chart, Some("4f1c2d9"));
        assert_eq!(content.chart["metadata"]["annotations"][GIT_REVISION], "4f1c2d9");
        assert_eq!(content.chart["metadata"]["apiVersion"], "v2");
    }
}
