//! Commits in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;

use crate::ancestry::Ancestry;
use crate::error::{Error, ErrorKind, Result};

/// The fewest characters of a commit that stand for the whole.
const MIN_ABBREVIATION: usize = 7;

/// Commits and their parents, in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryAncestry(BTreeMap<String, Vec<String>>);

impl MemoryAncestry {
    /// Commits in a line, the oldest first.
    pub fn line<C: Into<String>>(commits: impl IntoIterator<Item = C>) -> Self {
        let mut parents = BTreeMap::new();
        let mut last: Option<String> = None;
        for commit in commits {
            let commit = commit.into();
            parents.insert(commit.clone(), last.replace(commit).into_iter().collect());
        }
        Self(parents)
    }

    /// The same, with a commit more: a branch, or with several parents a merge into the first.
    #[must_use]
    pub fn commit<C: Into<String>>(
        mut self,
        commit: impl Into<String>,
        parents: impl IntoIterator<Item = C>,
    ) -> Self {
        self.0.insert(commit.into(), parents.into_iter().map(Into::into).collect());
        self
    }

    /// The whole name of a commit that may be abbreviated.
    fn whole(&self, commit: &str) -> Result<&str> {
        if let Some((whole, _)) = self.0.get_key_value(commit) {
            return Ok(whole);
        }
        let longer = self
            .0
            .range::<str, _>((Bound::Included(commit), Bound::Unbounded))
            .map(|(whole, _)| whole.as_str());
        let mut longer =
            longer.take_while(|whole| commit.len() >= MIN_ABBREVIATION && whole.starts_with(commit));
        let about = format!("commit {}", commit.escape_default());
        match (longer.next(), longer.next()) {
            (Some(whole), None) => Ok(whole),
            (Some(_), Some(_)) => Err(Error::invalid("more than one commit begins so").on(about)),
            (None, _) => Err(Error::new(ErrorKind::NotFound, "no such commit").on(about)),
        }
    }
}

#[async_trait]
impl Ancestry for MemoryAncestry {
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool> {
        let ancestor = self.whole(ancestor)?;
        let mut seen = BTreeSet::new();
        let mut next = vec![self.whole(descendant)?];
        while let Some(commit) = next.pop() {
            if commit == ancestor {
                return Ok(true);
            }
            if seen.insert(commit) {
                next.extend(self.0.get(commit).into_iter().flatten().map(String::as_str));
            }
        }
        Ok(false)
    }

    async fn order(&self, head: &str, commits: &[String]) -> Result<Vec<Option<u64>>> {
        let mut line = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(self.whole(head)?);
        while let Some(commit) = next.filter(|commit| seen.insert(*commit)) {
            line.push(commit);
            next = self.0.get(commit).and_then(|parents| parents.first()).map(String::as_str);
        }
        let places: BTreeMap<&str, u64> = line.into_iter().rev().zip(0..).collect();
        commits.iter().map(|commit| Ok(places.get(self.whole(commit)?).copied())).collect()
    }
}
