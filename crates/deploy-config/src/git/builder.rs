//! How a store in a repository is made.

use std::sync::Mutex;

use deploy_core::error::{Error, Result};

use super::files::Files;
use super::message::Template;
use super::opened::Keeper;
use super::repository::Repository;
use super::store::GitStore;
use crate::store::FileKind;

/// Options for a [`GitStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GitStoreBuilder {
    repository: Repository,
    files: Vec<(Option<String>, String, FileKind)>,
    message: String,
    branches: Option<String>,
    push: bool,
    retries: u32,
    dirty: bool,
}

impl GitStoreBuilder {
    pub(super) fn new(repository: Repository) -> Self {
        Self {
            repository,
            files: Vec::new(),
            message: "{message}".to_owned(),
            branches: None,
            push: true,
            retries: 20,
            dirty: false,
        }
    }

    /// The file at `path`, from the repository's top. Its keys are `name#key`, with the keys of its kind.
    pub fn file(mut self, name: impl Into<String>, path: impl Into<String>, kind: FileKind) -> Self {
        self.files.push((Some(name.into()), path.into(), kind));
        self
    }

    /// Files that lie alike: one star stands for the name, which is no path. With `apps/*/kustomization.yaml` the keys `shop#…` are in
    /// `apps/shop/kustomization.yaml`. A [`GitStoreBuilder::file`] of that name goes before.
    pub fn files(mut self, pattern: impl Into<String>, kind: FileKind) -> Self {
        self.files.push((None, pattern.into(), kind));
        self
    }

    /// A commit's message: `{message}` is the note's, or where that is empty one line that says what is set; `{name}` is the note's fact of that
    /// name. Behind it every fact is a trailer. Default: `{message}`.
    pub fn message(self, template: impl Into<String>) -> Self {
        Self { message: template.into(), ..self }
    }

    /// Leaves the branch alone, and makes one for each change, to open a pull request from; [`GitStore::last_commit`] has its name. Places in
    /// the template are as in [`GitStoreBuilder::message`], and `{change}`, which is the same for the same edits. What no branch may be called
    /// becomes a dash. The same change proposed again is no change. What is read stays the branch, until somebody merges.
    pub fn branch_per_change(self, template: impl Into<String>) -> Self {
        Self { branches: Some(template.into()), ..self }
    }

    /// Whether commits are pushed. Default: yes. Without, which only a work tree can do, nothing is fetched either: the store is the branch
    /// as it is here.
    pub fn push(self, push: bool) -> Self {
        Self { push, ..self }
    }

    /// How often a change is made anew because somebody else pushed first. Default: 20.
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Works in a dirty work tree too, as long as nothing of what is changed there, staged or not, is in the way. It all stays as it is.
    pub fn allow_dirty(self, allow: bool) -> Self {
        Self { dirty: allow, ..self }
    }

    /// The store. Nothing is run yet.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for names, paths and templates that are none.
    pub fn build(self) -> Result<GitStore> {
        self.repository.check()?;
        let mut files = Files::default();
        for (name, path, kind) in &self.files {
            match name {
                Some(name) => files.add(name, path, *kind)?,
                None => files.add_pattern(path, *kind)?,
            }
        }
        if files.is_empty() {
            return Err(Error::invalid("it has no files").on(&self.repository).help("name one"));
        }
        if !self.push && self.repository.folder().is_none() {
            return Err(
                Error::invalid("what is not pushed from a temporary clone is lost").on(&self.repository)
            );
        }
        Ok(GitStore {
            keeper: Keeper::new(self.repository),
            files,
            message: Template::parse(&self.message)?,
            branches: self.branches.as_deref().map(Template::parse).transpose()?,
            push: self.push,
            retries: self.retries,
            dirty: self.dirty,
            last: Mutex::default(),
        })
    }
}
