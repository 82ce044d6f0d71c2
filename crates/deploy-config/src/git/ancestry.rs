//! Which commit came before which, as git knows it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deploy_core::ancestry::Ancestry;
use deploy_core::error::{Error, ErrorKind, Result};

use super::opened::{Keeper, Opened, is_id};
use super::repository::Repository;

/// The fewest digits of a commit that stand for the whole.
const MIN_DIGITS: usize = 7;

/// The history of a repository.
///
/// In a work tree it is what is there: nothing is fetched, and a history that was cut off (a shallow clone, as CI makes them) is an error
/// wherever the answer could hang on it. At a URL the commits of all branches and tags are fetched, without files where the server can do
/// that; again only when a commit is asked for that is not known.
///
/// An answer takes two runs of git, three for a "no" from a history that is cut off, whatever the number of commits.
#[derive(Debug)]
pub struct GitAncestry {
    keeper: Keeper,
}

impl GitAncestry {
    /// The history of `repository`; its branch does not matter.
    pub fn new(repository: Repository) -> Self {
        Self { keeper: Keeper::new(repository) }
    }

    /// The whole ids of commits that may be abbreviated.
    async fn resolved(&self, opened: &Opened, commits: &[&str]) -> Result<Vec<String>> {
        commits.iter().try_for_each(|commit| check(commit))?;
        match resolve(opened, commits).await {
            Err(error) if error.kind() == ErrorKind::NotFound && opened.work_tree_folder().is_none() => {
                opened.fetch_history().await?;
                resolve(opened, commits).await
            }
            result => result,
        }
    }

    async fn order_in(&self, opened: &Opened, head: &str, commits: &[String]) -> Result<Vec<Option<u64>>> {
        let asked: Vec<&str> = std::iter::once(head).chain(commits.iter().map(String::as_str)).collect();
        let ids = self.resolved(opened, &asked).await?;
        let Some((head, ids)) = ids.split_first() else { return Ok(Vec::new()) };
        let line = opened.offline().out(&["rev-list", "--first-parent", head, "--"]).await?;
        let line = String::from_utf8_lossy(&line);
        let line: Vec<&str> = line.lines().rev().collect();
        let places: BTreeMap<&str, u64> = line.iter().copied().zip(0..).collect();
        let found: Vec<Option<u64>> = ids.iter().map(|id| places.get(id.as_str()).copied()).collect();
        if found.contains(&None)
            && line.first().is_some_and(|first| opened.cut_off().is_ok_and(|cut| cut.contains(*first)))
        {
            return Err(cut_off());
        }
        Ok(found)
    }

    async fn is_ancestor_in(&self, opened: &Opened, ancestor: &str, descendant: &str) -> Result<bool> {
        let ids = self.resolved(opened, &[ancestor, descendant]).await?;
        let [ancestor, descendant] = ids.as_slice() else { return Ok(false) };
        if opened.is_before(ancestor, descendant).await? {
            return Ok(true);
        }
        // A "no" is certain where nothing is missing, or where it is the other way round.
        if !opened.cut_off()?.is_empty() && !opened.is_before(descendant, ancestor).await? {
            return Err(cut_off());
        }
        Ok(false)
    }
}

fn check(commit: &str) -> Result<()> {
    let digits = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && (MIN_DIGITS..=64).contains(&commit.len()) { Ok(()) } else { Err(unknown(commit)) }
}

fn about(commit: &str) -> String {
    format!("commit {}", commit.escape_default())
}

fn unknown(commit: &str) -> Error {
    Error::new(ErrorKind::NotFound, "no such commit").on(about(commit)).help("fetch it, or see its name")
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Unsupported, "the history is cut off before the answer (a shallow clone)")
        .help("git fetch --unshallow; with actions/checkout, fetch-depth: 0")
}

async fn resolve(opened: &Opened, commits: &[&str]) -> Result<Vec<String>> {
    let mut input = String::new();
    for commit in commits {
        input.push_str(&commit.to_ascii_lowercase());
        input.push_str("^{commit}\n");
    }
    let git = opened.offline().input(input);
    let ran = git.run(&["cat-file", "--batch-check=%(objectname)"]).await?;
    if !ran.success() {
        return Err(git.failed(&ran));
    }
    let out = String::from_utf8_lossy(&ran.out);
    let mut ids = Vec::with_capacity(commits.len());
    for (commit, line) in commits.iter().zip(out.lines()) {
        // As an object it is called ambiguous, as a commit missing: why, is told beside.
        let ambiguous = format!("short object ID {} is ambiguous", commit.to_ascii_lowercase());
        if line.ends_with(" ambiguous") || ran.told.contains(&ambiguous) {
            return Err(Error::invalid("more than one commit begins so")
                .on(about(commit))
                .help("give more digits"));
        }
        if !is_id(line) {
            return Err(unknown(commit));
        }
        // Git looks for a branch or tag of this name first.
        if !line.starts_with(&commit.to_ascii_lowercase()) {
            return Err(Error::invalid("a branch or tag is called so")
                .on(about(commit))
                .help("give the whole id"));
        }
        ids.push(line.to_owned());
    }
    if ids.len() == commits.len() {
        Ok(ids)
    } else {
        Err(Error::new(ErrorKind::Internal, "git did not answer for every commit"))
    }
}

#[async_trait]
impl Ancestry for GitAncestry {
    async fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool> {
        let turn = self.keeper.turn().await?;
        let result = self.is_ancestor_in(&turn.opened, ancestor, descendant).await;
        turn.end(result).map_err(|error| error.inside(&self.keeper.repository))
    }

    async fn order(&self, head: &str, commits: &[String]) -> Result<Vec<Option<u64>>> {
        let turn = self.keeper.turn().await?;
        let result = self.order_in(&turn.opened, head, commits).await;
        turn.end(result).map_err(|error| error.inside(&self.keeper.repository))
    }
}
