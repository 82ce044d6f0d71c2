//! How a release stands, by what is recorded of it. Pure.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};

use super::draft::tells_of_failure;
use super::record::ReleaseStatus;
use super::store::Entry;

/// The revisions of one release, oldest first.
pub(super) struct Standing {
    entries: Vec<Entry>,
}

impl Standing {
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    pub(super) fn newest(&self) -> Option<&Entry> {
        self.entries.last()
    }

    pub(super) fn next_revision(&self) -> u64 {
        self.newest().map_or(1, |newest| newest.revision.saturating_add(1))
    }

    /// Whether it never came to run, or was uninstalled since.
    pub(super) fn is_absent(&self) -> bool {
        // The newest first: it is the one that is deployed, and no record is unpacked.
        !self.since_uninstalled().iter().rev().any(came_to_run)
    }

    pub(super) fn is_uninstalled(&self) -> bool {
        self.newest().is_some_and(|newest| newest.status == ReleaseStatus::Uninstalled)
    }

    /// Oldest first.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A revision by its number.
    pub(super) fn find(&self, revision: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.revision == revision)
    }

    /// Whether a journal may say of any revision what it took over.
    pub(super) fn has_adopted(&self) -> bool {
        self.entries.iter().any(|entry| entry.adopts)
    }

    /// The newest good revision before the present one.
    pub(super) fn last_good(&self) -> Option<&Entry> {
        let (_, before) = self.since_uninstalled().split_last()?;
        let newest = |is: fn(&&Entry) -> bool| before.iter().rev().find(is);
        newest(|entry| entry.status == ReleaseStatus::Deployed).or_else(|| newest(|entry| came_to_run(entry)))
    }

    /// Whether the present revision did not come to run: what was there before it is the way back.
    pub(super) fn is_unsettled(&self) -> bool {
        self.newest()
            .is_some_and(|newest| newest.status.is_pending() || newest.status == ReleaseStatus::Failed)
    }

    /// The revisions whose objects may stand: from the last one that was cleaned up after. As long as a later one has not been cleaned
    /// up after, more than one is deployed; so the oldest of these counts.
    pub(super) fn standing(&self) -> &[Entry] {
        let entries = self.since_uninstalled();
        let deployed = |entry: &Entry| match entry.status {
            ReleaseStatus::Deployed => true,
            ReleaseStatus::Uninstalling => came_to_run(entry),
            _ => false,
        };
        let first = entries.iter().position(deployed).or_else(|| entries.iter().rposition(came_to_run));
        entries.get(first.unwrap_or(0)..).unwrap_or_default()
    }

    /// Revisions of runs that died at them. Only for whoever holds the release's lock.
    pub(super) fn dead(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.status.is_pending())
    }

    /// What runs that died uninstalling left. Only for whoever holds the release's lock.
    pub(super) fn uninstalling(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.status == ReleaseStatus::Uninstalling)
    }

    pub(super) fn deployed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.status == ReleaseStatus::Deployed)
    }

    /// Whether the present revision is nobody's work any more. One of ours is not, as our lock is held; one of Helm's, which takes no
    /// lock, only where that is assumed after an age.
    ///
    /// # Errors
    /// [`Locked`](deploy_core::error::ErrorKind::Locked).
    pub(super) fn check_free(&self, now: Timestamp, dead_after: Option<Duration>) -> Result<()> {
        let Some(newest) = self.newest().filter(|newest| newest.status.is_pending()) else { return Ok(()) };
        if newest.run.is_some() {
            return Ok(());
        }
        let since = newest.created().or(newest.written);
        let old = |age: Duration| since.is_none_or(|since| now.since(since) >= age);
        if dead_after.is_some_and(old) {
            return Ok(());
        }
        let since = since.map(|since| since.to_string());
        Err(Error::locked(&newest.release, "helm", since.as_deref()).help(format!(
            "revision {} is {}: wait until helm is done; if it died, have its revision taken over, or run helm rollback",
            newest.revision, newest.status
        )))
    }

    /// What is to be forgotten, once `present` is deployed and cleaned up after, so that `max` revisions are left; 0 forgets none.
    pub(super) fn forgotten(&self, max: usize, present: u64) -> &[Entry] {
        let older = self.entries.iter().take_while(|entry| entry.revision < present).count();
        let surplus = if max == 0 { 0 } else { (older + 1).saturating_sub(max) };
        self.entries.get(..surplus.min(older)).unwrap_or_default()
    }

    fn since_uninstalled(&self) -> &[Entry] {
        let gone = self.entries.iter().rposition(|entry| entry.status == ReleaseStatus::Uninstalled);
        self.entries.get(gone.map_or(0, |gone| gone + 1)..).unwrap_or_default()
    }
}

/// Whether a revision was what runs. Helm calls one superseded that failed, too, when it goes on from there, and who uninstalls a release
/// marks its newest revision, whatever that was: only the record tells.
pub(super) fn came_to_run(entry: &Entry) -> bool {
    match entry.status {
        ReleaseStatus::Deployed => true,
        ReleaseStatus::Superseded | ReleaseStatus::Uninstalling => {
            // What cannot be read is not passed over in silence: whoever needs it is told.
            entry.record().map_or(true, |record| !tells_of_failure(&record.name, &record.info.description))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use deploy_core::error::ErrorKind;
    use serde_json::json;

    /// Revisions from 1, each with a status, and a description behind a comma; one of Helm's where it begins with `helm `.
    fn standing(statuses: &[&str]) -> Standing {
        let entries = statuses.iter().zip(1..).map(|(status, revision)| {
            let (status, annotations) = match status.strip_prefix("helm ") {
                Some(status) => (status, json!({})),
                None => (*status, json!({"deploy-core/deployment-id": "d"})),
            };
            let (status, description) = status.split_once(", ").unwrap_or((status, "Upgrade complete"));
            let record = json!({"name": "api", "version": revision, "info": {"description": description}});
            let text = STANDARD.encode(STANDARD.encode(record.to_string()));
            Entry::read(&json!({
                "metadata": {
                    "name": format!("sh.helm.release.v1.api.v{revision}"), "namespace": "shop", "labels": {"status": status},
                    "annotations": annotations, "creationTimestamp": "2026-11-21T10:00:00Z",
                },
                "data": {"release": text},
            }))
            .unwrap()
        });
        Standing::of(entries.collect())
    }

    #[test]
    fn what_is_gone_back_to() {
        let check = |statuses: &[&str], expect: Option<u64>| {
            assert_eq!(standing(statuses).last_good().map(|entry| entry.revision), expect, "{statuses:?}");
        };
        check(&[], None);
        check(&["deployed"], None);
        check(&["superseded", "deployed"], Some(1));
        check(&["superseded", "superseded", "deployed"], Some(2));
        check(&["deployed", "failed"], Some(1));
        check(&["superseded", "deployed", "failed", "pending-rollback"], Some(2));
        check(&["superseded", "superseded", "failed"], Some(2));
        check(&["failed", "failed"], None);
        // Deployed, and not yet cleaned up after.
        check(&["deployed", "deployed"], Some(1));
        check(&["superseded", "uninstalled", "failed"], None);
        // Helm goes on from what failed, and calls it superseded.
        let failed = "superseded, Upgrade \"api\" failed: image not found";
        check(&[failed, "deployed"], None);
        check(&["superseded", failed, "deployed"], Some(1));
        check(&["superseded", failed, "superseded", "deployed"], Some(3));
        check(&[failed, "failed"], None);
        // An uninstallation died, and the upgrade after it failed.
        check(&["uninstalling", "failed"], Some(1));
        check(&["superseded", "uninstalling", "failed"], Some(2));
        check(&["superseded", "uninstalling, Upgrade \"api\" failed: timeout", "failed"], Some(1));
        check(&["deployed", "uninstalling, Upgrade \"api\" failed: timeout", "failed"], Some(1));
        check(&["uninstalling, Initial install underway", "failed"], None);
    }

    #[test]
    fn what_cannot_be_read_is_not_passed_over() {
        let mut standing = standing(&["superseded", "superseded", "deployed"]);
        standing.entries[1] = Entry::read(&json!({
            "metadata": {"name": "sh.helm.release.v1.api.v2", "namespace": "shop", "labels": {"status": "superseded"}},
            "data": {"release": ""},
        }))
        .unwrap();
        assert_eq!(standing.last_good().map(|entry| entry.revision), Some(2));
    }

    #[test]
    fn from_where_on_objects_may_stand() {
        let check = |statuses: &[&str], expect: &[u64]| {
            let standing = standing(statuses);
            let revisions: Vec<u64> = standing.standing().iter().map(|entry| entry.revision).collect();
            assert_eq!(revisions, expect, "{statuses:?}");
        };
        check(&[], &[]);
        check(&["superseded", "deployed"], &[2]);
        check(&["superseded", "deployed", "failed", "failed"], &[2, 3, 4]);
        check(&["superseded", "deployed", "failed", "deployed"], &[2, 3, 4]);
        check(&["superseded", "superseded", "pending-upgrade"], &[2, 3]);
        check(&["failed", "pending-install"], &[1, 2]);
        check(&["superseded", "uninstalling"], &[2]);
        check(&["superseded", "uninstalling", "failed"], &[2, 3]);
        check(&["deployed", "uninstalling, Upgrade \"api\" failed: timeout"], &[1, 2]);
        check(&["superseded", "uninstalling, Rollback \"api\" failed: timeout"], &[1, 2]);
        check(&["deployed", "uninstalled", "failed"], &[3]);
        check(&["deployed", "uninstalled"], &[]);
        check(&["failed", "superseded, Release \"api\" failed: timeout", "failed"], &[1, 2, 3]);
        check(&["superseded", "superseded, Preparing upgrade", "failed"], &[1, 2, 3]);
    }

    #[test]
    fn who_works_on_it() {
        let free = |statuses: &[&str], dead_after: Option<u64>| {
            let now = "2026-11-21T10:10:00Z".parse().unwrap();
            standing(statuses).check_free(now, dead_after.map(Duration::from_secs))
        };
        assert!(free(&[], None).is_ok());
        assert!(free(&["deployed"], None).is_ok());
        assert!(free(&["deployed", "pending-upgrade"], None).is_ok(), "ours: its Lease is held by us");
        assert!(free(&["helm pending-upgrade", "deployed"], None).is_ok());
        let error = free(&["deployed", "helm pending-upgrade"], None).unwrap_err();
        assert_eq!((error.kind(), error.holder()), (ErrorKind::Locked, Some("helm")));
        assert!(error.to_string().contains("since 2026-11-21T10:00:00Z"), "{error}");
        assert!(free(&["helm pending-install"], Some(601)).is_err());
        assert!(free(&["helm pending-install"], Some(600)).is_ok());
        assert!(free(&["helm pending-rollback"], Some(0)).is_ok());
    }

    #[test]
    fn what_is_forgotten() {
        let check = |count: usize, max: usize, expect: usize| {
            let standing = standing(&vec!["superseded"; count]);
            assert_eq!(
                standing.forgotten(max, count as u64 + 1).len(),
                expect,
                "{count} and one more, {max}"
            );
        };
        check(0, 10, 0);
        check(9, 10, 0);
        check(10, 10, 1);
        check(12, 3, 10);
        check(5, 1, 5);
        check(5, 0, 0);
    }

    #[test]
    fn whether_it_ever_ran() {
        let absent = |statuses: &[&str]| standing(statuses).is_absent();
        assert!(absent(&[]) && absent(&["failed"]) && absent(&["superseded", "uninstalled"]));
        assert!(absent(&["superseded, Install \"api\" failed: timeout", "failed"]));
        assert!(absent(&["uninstalling, Install \"api\" failed: timeout"]));
        assert!(!absent(&["deployed"]) && !absent(&["superseded", "failed"]) && !absent(&["uninstalling"]));
    }
}
