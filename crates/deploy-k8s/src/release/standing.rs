//! How a release stands, by what is recorded of it. Pure.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};

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
        let ran = [ReleaseStatus::Deployed, ReleaseStatus::Superseded, ReleaseStatus::Uninstalling];
        self.since_uninstalled().iter().all(|entry| !ran.contains(&entry.status))
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

    /// The newest good revision before the present one.
    pub(super) fn last_good(&self) -> Option<&Entry> {
        let (_, before) = self.since_uninstalled().split_last()?;
        newest_of(before, &ReleaseStatus::Deployed).or_else(|| newest_of(before, &ReleaseStatus::Superseded))
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
        let deployed =
            |entry: &Entry| matches!(entry.status, ReleaseStatus::Deployed | ReleaseStatus::Uninstalling);
        let first = entries
            .iter()
            .position(deployed)
            .or_else(|| entries.iter().rposition(|entry| entry.status == ReleaseStatus::Superseded));
        entries.get(first.unwrap_or(0)..).unwrap_or_default()
    }

    /// Revisions of runs that died at them. Only for whoever holds the release's lock.
    pub(super) fn dead(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.status.is_pending())
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

fn newest_of<'a>(entries: &'a [Entry], status: &ReleaseStatus) -> Option<&'a Entry> {
    entries.iter().rev().find(|entry| entry.status == *status)
}
