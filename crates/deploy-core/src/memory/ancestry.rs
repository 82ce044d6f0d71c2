//! Commits in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::ancestry::Ancestry;
use crate::error::{Error, ErrorKind, Result};

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

    /// The same, with a commit more: a branch, or with several parents a merge.
    #[must_use]
    pub fn commit<C: Into<String>>(
        mut self,
        commit: impl Into<String>,
        parents: impl IntoIterator<Item = C>,
    ) -> Self {
        self.0.insert(commit.into(), parents.into_iter().map(Into::into).collect());
        self
    }

    fn known(&self, commit: &str) -> Result<()> {
        if self.0.contains_key(commit) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "no such commit")
            .on(format!("commit {}", commit.escape_default())))
    }
}

#[async_trait]
impl Ancestry for MemoryAncestry {
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool> {
        self.known(ancestor)?;
        self.known(descendant)?;
        let mut seen = BTreeSet::new();
        let mut next = vec![descendant];
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
}
