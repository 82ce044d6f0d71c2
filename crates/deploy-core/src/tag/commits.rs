//! The tags of several images, by their commits.

use std::cmp::Ordering;

use super::field::same_commit;
use super::order::Key;

/// A tag that is in.
pub(super) struct Entry<'a> {
    /// Its commit, or its version.
    pub(super) source: &'a str,
    pub(super) key: Key<'a>,
    pub(super) tag: &'a str,
    /// Which member.
    pub(super) number: usize,
    /// Which of its tags.
    pub(super) index: usize,
}

impl Entry<'_> {
    pub(super) fn is_before(&self, other: &Self) -> bool {
        self.key.cmp(&other.key).then_with(|| self.tag.cmp(other.tag)) == Ordering::Less
    }
}

/// The tags of one commit.
pub(super) struct Commit<'e> {
    /// The longest of its names; the others are the beginning of it.
    pub(super) name: &'e str,
    pub(super) sources: Vec<&'e str>,
    pub(super) key: Key<'e>,
    /// The newest tag of each member.
    pub(super) best: Vec<Option<&'e Entry<'e>>>,
    /// Whether two commits begin as one of the names.
    pub(super) is_two: bool,
}

impl<'e> Commit<'e> {
    pub(super) fn new(entry: &'e Entry<'e>, members: usize) -> Self {
        let mut commit = Self {
            name: entry.source,
            sources: Vec::new(),
            key: entry.key,
            best: vec![None; members],
            is_two: false,
        };
        commit.add(entry, members);
        commit
    }

    /// Sources come sorted, so the shortest name of a commit comes first.
    pub(super) fn begins(&self, source: &str) -> bool {
        let shortest = self.sources.first().copied().unwrap_or(self.name);
        shortest == source || same_commit(shortest, source)
    }

    pub(super) fn add(&mut self, entry: &'e Entry<'e>, members: usize) {
        self.is_two |= !entry.source.starts_with(self.name);
        self.name = entry.source;
        self.sources.push(entry.source);
        self.sources.dedup();
        if entry.key.cmp(&self.key).is_gt() {
            self.key = entry.key;
        }
        self.best.resize(members, None);
        if let Some(best) = self.best.get_mut(entry.number)
            && best.is_none_or(|best| best.is_before(entry))
        {
            *best = Some(entry);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.is_two && self.best.iter().all(Option::is_some)
    }
}
