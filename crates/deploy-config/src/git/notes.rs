//! The record, in Git's notes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::error::{Error, ErrorKind, Result};

use super::opened::{Keeper, Opened, is_id};
use super::push::{self, Change};
use super::repository::{Repository, check_branch};
use super::tree;

/// The fact of a record that names the commit.
const COMMIT: &str = "commit";

/// How often a note is written anew because somebody else pushed first.
const RETRIES: u32 = 100;

/// Keeps the record as notes on commits, under `refs/notes/deploy`: each record is a line of JSON in the note of the commit that its fact
/// `commit` names by its whole id, or else of the branch's newest commit. Notes are pushed one by one, and a rejected push is made anew;
/// a line of somebody else is never lost. No commit changes by it: what a commit itself says of a deployment are the trailers that
/// [`GitStore`](super::GitStore) writes.
///
/// To read them: `git fetch origin refs/notes/deploy:refs/notes/deploy && git log --notes=deploy`.
#[derive(Debug)]
pub struct GitNotes {
    keeper: Keeper,
    name: String,
}

impl GitNotes {
    /// Notes in `repository`. In a work tree they are pushed to its remote, and nothing else of it changes.
    pub fn new(repository: Repository) -> Self {
        Self { keeper: Keeper::new(repository), name: "deploy".to_owned() }
    }

    /// What stands behind `refs/notes/`. Default: `deploy`.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    async fn record_in(&self, opened: &Opened, record: &AuditRecord) -> Result<()> {
        check_branch(&self.name)?;
        let repository = &self.keeper.repository;
        let named = record.facts.iter().find(|(name, _)| name == COMMIT).map(|(_, value)| value.as_str());
        let commit = match named {
            Some(id) if is_id(id) => id.to_ascii_lowercase(),
            Some(other) => {
                return Err(Error::invalid("this is no whole id of a commit")
                    .on(format!("fact \"commit\" {}", other.escape_debug()))
                    .help("give all of its digits"));
            }
            None => {
                let branch = repository.branch_ref();
                opened.fetch(&branch).await?.ok_or_else(|| push::no_branch(&branch))?
            }
        };
        let mut line = serde_json::to_vec(record)
            .map_err(|error| Error::new(ErrorKind::Internal, "the record cannot be written").source(error))?;
        line.push(b'\n');
        let adding = Adding { commit, line, signs: repository.signs() };
        push::publish(opened, &format!("refs/notes/{}", self.name), false, RETRIES, &adding).await?;
        Ok(())
    }
}

/// A line more in the note of a commit.
struct Adding {
    commit: String,
    line: Vec<u8>,
    signs: bool,
}

impl Adding {
    /// Where notes of the commit may stand: Git spreads them over folders as they become many.
    fn paths(&self) -> Vec<String> {
        let (first, rest) = self.commit.split_at(2);
        let (second, last) = rest.split_at(2);
        vec![format!("{first}/{rest}"), self.commit.clone(), format!("{first}/{second}/{last}")]
    }
}

#[async_trait]
impl Change for Adding {
    async fn make(&self, opened: &Opened, base: Option<&str>) -> Result<Option<String>> {
        let paths = self.paths();
        let names: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut there = match base {
            Some(base) => tree::read(opened, base, &names).await?,
            None => BTreeMap::new(),
        };
        let path = names
            .iter()
            .find(|path| there.contains_key(**path))
            .or(names.first())
            .copied()
            .unwrap_or_default();
        let mut note = there.remove(path).unwrap_or_else(|| tree::plain(Vec::new()));
        if note.bytes.last().is_some_and(|last| *last != b'\n') {
            note.bytes.push(b'\n');
        }
        note.bytes.extend_from_slice(&self.line);
        let files = BTreeMap::from([(path.to_owned(), note)]);
        tree::commit(opened, base, &files, "Notes added by deploy\n", self.signs).await.map(Some)
    }
}

#[async_trait]
impl AuditSink for GitNotes {
    /// Adds a line to a note, and pushes it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a fact `commit` that is no whole id; as for [`GitStore`](super::GitStore).
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        let turn = self.keeper.turn().await?;
        let result = self.record_in(&turn.opened, record).await;
        turn.end(result).map_err(|error| error.during("note in").inside(&self.keeper.repository))
    }
}
