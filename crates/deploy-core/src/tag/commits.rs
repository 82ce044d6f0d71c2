//! The tags of several images, by their commits.

use std::cmp::Ordering;

use super::field::same_commit;
use super::order::Key;
use super::verdict::Verdict;

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
    fn is_before(&self, other: &Self) -> bool {
        self.key.cmp(&other.key).then_with(|| self.tag.cmp(other.tag)) == Ordering::Less
    }
}

/// The tags of one commit.
pub(super) struct Commit<'e> {
    /// The longest of its names; the others are the beginning of it.
    pub(super) name: &'e str,
    shortest: &'e str,
    /// Its newest tag in any image.
    key: Key<'e>,
    pub(super) entries: Vec<&'e Entry<'e>>,
    /// The newest tag of each member.
    pub(super) best: Vec<Option<&'e Entry<'e>>>,
    /// Whether two commits begin as one of the names.
    pub(super) is_two: bool,
}

impl<'e> Commit<'e> {
    /// All commits, the newest first. Whether names may be `abbreviated` decides which are the same.
    pub(super) fn all(entries: &'e mut [Entry<'e>], members: usize, abbreviated: bool) -> Vec<Self> {
        // The shortest name of a commit comes first.
        entries.sort_by(|left, right| left.source.cmp(right.source));
        let mut commits: Vec<Self> = Vec::new();
        for entry in &*entries {
            let is_same = |commit: &&mut Self| {
                commit.shortest == entry.source || (abbreviated && same_commit(commit.shortest, entry.source))
            };
            match commits.last_mut().filter(is_same) {
                Some(commit) => commit.add(entry),
                None => commits.push(Self::new(entry, members)),
            }
        }
        commits.sort_by(|left, right| right.key.cmp(&left.key).then_with(|| right.name.cmp(left.name)));
        commits
    }

    fn new(entry: &'e Entry<'e>, members: usize) -> Self {
        let (name, best) = (entry.source, vec![None; members]);
        let mut commit =
            Self { name, shortest: name, key: entry.key, entries: Vec::new(), best, is_two: false };
        commit.add(entry);
        commit
    }

    fn add(&mut self, entry: &'e Entry<'e>) {
        self.is_two |= !entry.source.starts_with(self.name);
        self.name = entry.source;
        self.entries.push(entry);
        if entry.key.cmp(&self.key).is_gt() {
            self.key = entry.key;
        }
        if let Some(best) = self.best.get_mut(entry.number)
            && best.is_none_or(|best| best.is_before(entry))
        {
            *best = Some(entry);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.is_two && self.best.iter().all(Option::is_some)
    }

    /// What an entry of this commit is, if it was chosen.
    pub(super) fn verdict(&self, entry: &Entry<'_>) -> Verdict {
        match self.best.get(entry.number).copied().flatten() {
            Some(best) if best.index == entry.index => Verdict::Chosen,
            Some(best) if best.key.cmp(&entry.key).is_eq() => Verdict::Tied,
            _ => Verdict::Older,
        }
    }
}
