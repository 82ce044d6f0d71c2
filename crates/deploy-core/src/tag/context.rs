//! What a selection goes by beside the policy: the time, what runs, what is held, the history.

use std::collections::BTreeSet;

use super::history::History;
use super::hold::Hold;
use super::judge::Judge;
use super::order::OrderBy;
use super::policy::TagPolicy;
use crate::ancestry::Ancestry;
use crate::clock::Timestamp;
use crate::error::Result;

/// What a selection goes by beside the policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The time now: a tag that is further ahead than the policy allows is out.
    pub now: Timestamp,
    /// The tag that runs; nothing older is chosen, unless the policy allows it.
    pub running: Option<String>,
    /// The holds on this image in this environment, all of which are honoured ([`Holds::of`](super::Holds::of) finds them).
    pub holds: Vec<Hold>,
    /// Where commits stand, for `order=ancestry`.
    pub history: Option<History>,
}

impl Context {
    /// At this time; nothing runs, nothing is held.
    pub fn at(now: Timestamp) -> Self {
        Self { now, running: None, holds: Vec::new(), history: None }
    }

    /// This tag runs.
    #[must_use]
    pub fn running(mut self, tag: impl Into<String>) -> Self {
        self.running = Some(tag.into());
        self
    }

    /// These holds are honoured, and no others.
    #[must_use]
    pub fn holds(mut self, holds: impl IntoIterator<Item = Hold>) -> Self {
        self.holds = holds.into_iter().collect();
        self
    }

    /// Commits stand so.
    #[must_use]
    pub fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// Asks `ancestry` once for the line to `head` and all commits that `policy` with `order=ancestry` needs of it; for any other order
    /// nothing is asked.
    ///
    /// # Errors
    /// What [`Ancestry::order`] answers: no selection goes on without an answer. What [`select`](super::select) finds wrong.
    pub async fn ask<T: AsRef<str> + Sync>(
        self,
        ancestry: &dyn Ancestry,
        head: &str,
        policy: &TagPolicy,
        tags: &[T],
    ) -> Result<Self> {
        let OrderBy::Ancestry(_) = policy.order else { return Ok(self) };
        let judge = Judge::of_commits(policy, &self)?;
        let candidates = tags.iter().filter_map(|tag| judge.candidate(tag.as_ref()));
        let others =
            self.running.iter().map(String::as_str).chain(self.holds.iter().map(|hold| hold.tag.as_str()));
        let commits: BTreeSet<&str> = candidates.chain(others.filter_map(|tag| policy.commit(tag))).collect();
        let commits: Vec<String> = commits.into_iter().map(str::to_owned).collect();
        let history = History::read(ancestry, head, &commits).await?;
        Ok(self.history(history))
    }
}
