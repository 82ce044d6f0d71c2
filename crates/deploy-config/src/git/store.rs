//! The config store over files in a repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Expect, Note, PastEntry};
use deploy_core::error::{Error, ErrorKind, Result};

use super::builder::GitStoreBuilder;
use super::files::{Files, Named, Place};
use super::message::Template;
use super::opened::{Keeper, Opened};
use super::push::{self, Change};
use super::repository::{Repository, check_branch};
use super::tree::{self, Blob};
use super::{log, worktree};
use crate::store::text;

/// A config store over files in a Git repository: see the [module](super).
pub struct GitStore {
    pub(super) keeper: Keeper,
    pub(super) files: Files,
    pub(super) message: Template,
    /// The name of the branch that each change gets, if it gets one.
    pub(super) branches: Option<Template>,
    pub(super) push: bool,
    pub(super) retries: u32,
    pub(super) dirty: bool,
    pub(super) last: Mutex<Option<Committed>>,
}

/// A commit that a [`GitStore`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// Its id.
    pub commit: String,
    /// The branch that it is on: the repository's, or the one made for the change.
    pub branch: String,
    /// How often others pushed first.
    pub rejected: u32,
    /// Why the open work tree is not at this commit, though it was pushed: `git pull` brings it there.
    pub work_tree_behind: Option<String>,
}

/// A file with the edits of it, whose keys are those inside of it.
struct FileEdits {
    name: String,
    file: Named,
    edits: Vec<Edit>,
}

impl GitStore {
    /// Options for a store in `repository`.
    pub fn builder(repository: Repository) -> GitStoreBuilder {
        GitStoreBuilder::new(repository)
    }

    /// The commit of the last [`set`](ConfigStore::set) that changed something; its branch is the one to open a pull request from.
    pub fn last_commit(&self) -> Option<Committed> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn repository(&self) -> &Repository {
        &self.keeper.repository
    }

    /// Where reading and writing begin: the remote's branch as it is now, or the branch here where nothing is pushed.
    async fn base(&self, opened: &Opened) -> Result<String> {
        let reference = self.repository().branch_ref();
        let found =
            if self.push { opened.fetch(&reference).await? } else { opened.commit(&reference).await? };
        found.ok_or_else(|| push::no_branch(&reference))
    }

    async fn get_in(&self, opened: &Opened, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let places = keys.iter().map(|key| self.files.place(key)).collect::<Result<Vec<_>>>()?;
        let base = self.base(opened).await?;
        let paths: BTreeSet<&str> = places.iter().map(|place| place.file.path.as_str()).collect();
        let blobs = tree::read(opened, &base, &paths.into_iter().collect::<Vec<_>>()).await?;
        let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, place) in places.iter().enumerate() {
            files.entry(place.name).or_default().push(index);
        }
        let mut entries = vec![None; keys.len()];
        for (name, here) in files {
            let here: Vec<(usize, &Place<'_>)> =
                here.into_iter().filter_map(|index| Some((index, places.get(index)?))).collect();
            let Some((_, Place { file, .. })) = here.first() else { continue };
            let bytes = blobs.get(&file.path).map(|blob| blob.bytes.clone());
            let inner: Vec<&str> = here.iter().map(|(_, place)| place.key).collect();
            let found = text::get(file.kind.form(), bytes, &inner, &format!("{name}#"))
                .map_err(|error| error.inside(&file.path))?;
            for ((index, _), entry) in here.into_iter().zip(found) {
                if let Some(slot) = entries.get_mut(index) {
                    *slot = entry;
                }
            }
        }
        Ok(entries)
    }

    async fn set_in(&self, opened: &Opened, edits: &[Edit], note: &Note) -> Result<Option<Committed>> {
        let changing = Changing { store: self, files: self.grouped(edits)?, edits, note, state: None };
        match &self.branches {
            Some(template) => self.propose(opened, changing, template).await,
            None => self.write(opened, changing).await,
        }
    }

    /// On the branch itself.
    async fn write(&self, opened: &Opened, mut changing: Changing<'_>) -> Result<Option<Committed>> {
        let branch = self.repository().branch_name();
        if opened.work_tree_folder().is_some() {
            changing.state = Some(worktree::check(opened, branch, self.dirty).await?);
        }
        if !self.push {
            let base = self.base(opened).await?;
            let Some(commit) = changing.make(opened, Some(&base)).await? else { return Ok(None) };
            worktree::forward(opened, &commit).await?;
            return Ok(Some(Committed {
                commit,
                branch: branch.to_owned(),
                rejected: 0,
                work_tree_behind: None,
            }));
        }
        let reference = self.repository().branch_ref();
        let Some(arrived) = push::publish(opened, &reference, true, self.retries, &changing).await? else {
            return Ok(None);
        };
        let behind = match &changing.state {
            Some(_) => worktree::forward(opened, &arrived.commit).await.err(),
            None => None,
        };
        Ok(Some(Committed {
            commit: arrived.commit,
            branch: branch.to_owned(),
            rejected: arrived.rejected,
            work_tree_behind: behind.map(|error| error.to_string()),
        }))
    }

    /// On a branch of its own.
    async fn propose(
        &self,
        opened: &Opened,
        changing: Changing<'_>,
        template: &Template,
    ) -> Result<Option<Committed>> {
        let branch = template.branch(changing.edits, changing.note)?;
        check_branch(&branch)?;
        if branch == self.repository().branch_name() {
            return Err(
                Error::invalid("the branch for the change is the base branch").on(format!("branch {branch}"))
            );
        }
        let reference = format!("refs/heads/{branch}");
        let proposing = Proposing(changing);
        if !self.push {
            let there = opened.commit(&reference).await?;
            let Some(commit) = proposing.make(opened, there.as_deref()).await? else { return Ok(None) };
            if there.is_none() {
                // Only if it is still not there.
                opened.git.out(&["update-ref", &reference, &commit, ""]).await?;
            }
            return Ok(Some(Committed { commit, branch, rejected: 0, work_tree_behind: None }));
        }
        let arrived = push::publish(opened, &reference, false, self.retries, &proposing).await?;
        Ok(arrived.map(|arrived| Committed {
            commit: arrived.commit,
            branch,
            rejected: arrived.rejected,
            work_tree_behind: None,
        }))
    }

    /// The edits of each file.
    fn grouped(&self, edits: &[Edit]) -> Result<Vec<FileEdits>> {
        text::check(edits)?;
        let mut files: BTreeMap<String, FileEdits> = BTreeMap::new();
        for edit in edits {
            let place = self.files.place(&edit.key)?;
            let refused = |why| Err(Error::invalid(why).on(format!("key \"{}\"", edit.key)));
            let mut inner = edit.clone();
            place.key.clone_into(&mut inner.key);
            let file = files.entry(place.file.path.clone()).or_insert_with(|| FileEdits {
                name: place.name.to_owned(),
                file: place.file.clone(),
                edits: Vec::new(),
            });
            if file.file.kind != place.file.kind {
                return refused("its file goes by two names, as two kinds");
            }
            if file.edits.iter().any(|known| known.key == inner.key) {
                return refused("it is named twice, by two names of its file");
            }
            file.edits.push(inner);
        }
        Ok(files.into_values().collect())
    }
}

/// A set of edits, on whatever the branch is.
struct Changing<'a> {
    store: &'a GitStore,
    files: Vec<FileEdits>,
    edits: &'a [Edit],
    note: &'a Note,
    /// The work tree that must follow.
    state: Option<worktree::State>,
}

impl Changing<'_> {
    /// The files that the edits change in `commit`.
    async fn changed(
        &self,
        opened: &Opened,
        commit: &str,
        as_expected: bool,
    ) -> Result<BTreeMap<String, Blob>> {
        let paths: Vec<&str> = self.files.iter().map(|file| file.file.path.as_str()).collect();
        let mut blobs = tree::read(opened, commit, &paths).await?;
        let mut changed = BTreeMap::new();
        for FileEdits { name, file, edits } in &self.files {
            let blob = blobs.remove(&file.path);
            let mode = blob.as_ref().map(|blob| blob.mode.clone());
            let mut edits = edits.clone();
            if !as_expected {
                for edit in &mut edits {
                    edit.expect = Expect::Any;
                }
            }
            let bytes = blob.map(|blob| blob.bytes);
            let new = text::edit(file.kind.form(), bytes, &edits, &format!("{name}#"))
                .map_err(|error| error.inside(&file.path))?;
            if let Some(new) = new {
                let mut blob = tree::plain(new);
                if let Some(mode) = mode {
                    blob.mode = mode;
                }
                changed.insert(file.path.clone(), blob);
            }
        }
        Ok(changed)
    }
}

#[async_trait]
impl Change for Changing<'_> {
    async fn make(&self, opened: &Opened, base: Option<&str>) -> Result<Option<String>> {
        let Some(base) = base else { return Ok(None) };
        if let Some(state) = &self.state
            && !opened.is_before(&state.head, base).await?
        {
            return Err(Error::new(ErrorKind::Conflict, "the branch has commits that are not on the remote")
                .on("work tree")
                .help("push them first, or take them away"));
        }
        let changed = self.changed(opened, base, true).await?;
        if changed.is_empty() {
            return Ok(None);
        }
        let message = self.store.message.message(self.edits, self.note)?;
        let commit =
            tree::commit(opened, Some(base), &changed, &message, self.store.repository().signs()).await?;
        if let Some(state) = &self.state {
            state.fits(opened, &commit).await?;
        }
        Ok(Some(commit))
    }
}

/// The same, on a branch of its own, which an earlier run may have made.
struct Proposing<'a>(Changing<'a>);

#[async_trait]
impl Change for Proposing<'_> {
    async fn make(&self, opened: &Opened, there: Option<&str>) -> Result<Option<String>> {
        let base = self.0.store.base(opened).await?;
        let Some(commit) = self.0.make(opened, Some(&base)).await? else { return Ok(None) };
        match there {
            None => Ok(Some(commit)),
            Some(there) if self.0.changed(opened, there, false).await?.is_empty() => {
                Ok(Some(there.to_owned()))
            }
            Some(_) => Err(Error::new(
                ErrorKind::AlreadyExists,
                "the branch for the change is there, with something else",
            )
            .help("merge or delete it, or put {change} into its name")),
        }
    }
}

#[async_trait]
impl ConfigStore for GitStore {
    fn describe(&self) -> String {
        format!("Git {} ({})", self.repository(), self.repository().branch_name())
    }

    fn capabilities(&self) -> ConfigCapabilities {
        ConfigCapabilities::full()
    }

    /// Reads what the branch is now: one fetch.
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        Ok(self.get_all(&[key.to_owned()]).await?.pop().flatten())
    }

    /// Of one commit: one fetch, whatever the number of files.
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let read = async {
            let turn = self.keeper.turn().await?;
            let result = self.get_in(&turn.opened, keys).await;
            turn.end(result)
        };
        read.await.map_err(|error| error.during("read").inside(self.repository()))
    }

    /// One commit and one push, whatever the number of files. Cancel safe: the remote has the commit whole or not at all.
    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        if edits.is_empty() {
            return Ok(());
        }
        let write = async {
            let turn = self.keeper.turn().await?;
            let result = self.set_in(&turn.opened, edits, note).await;
            turn.end(result)
        };
        let made = write.await.map_err(|error| error.during("commit to").inside(self.repository()))?;
        if made.is_some() {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = made;
        }
        Ok(())
    }

    /// From the commits that changed the key's file, along the branch's line of first parents. A version is the value's digest, as in
    /// [`get`](ConfigStore::get); the note is the commit's message. A commit in which the file cannot be read is passed over; where it had
    /// another path is not looked. A clone fetches as much of the history as it takes.
    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        let read = async {
            let turn = self.keeper.turn().await?;
            let result = async {
                let place = self.files.place(key)?;
                if limit == 0 {
                    return Ok(Vec::new());
                }
                let tip = self.base(&turn.opened).await?;
                log::history(&turn.opened, &self.repository().branch_ref(), &tip, &place, limit).await
            };
            let result = result.await;
            turn.end(result)
        };
        read.await.map_err(|error| error.during("read the history of").inside(self.repository()))
    }
}

impl fmt::Debug for GitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitStore").field("repository", self.repository()).finish_non_exhaustive()
    }
}
