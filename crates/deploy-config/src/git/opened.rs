//! A repository that is open: a temporary clone, or a person's own.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use deploy_core::error::{Error, ErrorKind, Result};
use tempfile::TempDir;
use tokio::sync;
use tokio::task::spawn_blocking;

use super::repository::Repository;
use super::run::Git;

/// Enough for every history.
const WHOLE: &str = "2147483647";

/// A repository, opened once and kept until a call was broken off in it.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) repository: Repository,
    kept: sync::Mutex<Option<Opened>>,
}

/// One call's turn: others of this process wait, and in a work tree those of other processes.
pub(super) struct Turn<'a> {
    kept: sync::MutexGuard<'a, Option<Opened>>,
    pub(super) opened: Opened,
    _lock: Option<File>,
}

/// A repository that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) git: Git,
    git_dir: PathBuf,
    common_dir: PathBuf,
    remote: String,
    work_tree: Option<PathBuf>,
    /// What a clone has of the remote.
    fetched: Fetched,
    /// The clone, which goes with it.
    _folder: Option<TempDir>,
}

/// The references that were fetched.
type Fetched = Mutex<BTreeSet<String>>;

impl Keeper {
    pub(super) fn new(repository: Repository) -> Self {
        Self { repository, kept: sync::Mutex::default() }
    }

    /// Waits for its turn, and opens the repository if that is not done.
    pub(super) async fn turn(&self) -> Result<Turn<'_>> {
        let mut kept = self.kept.lock().await;
        // It is put back at the end of an orderly turn: what was broken off may have left anything in a clone.
        let opened = match kept.take() {
            Some(opened) => opened,
            None => Opened::new(&self.repository).await?,
        };
        let lock = match &opened.work_tree {
            Some(_) => Some(locked(opened.common_dir.clone()).await?),
            None => None,
        };
        Ok(Turn { kept, opened, _lock: lock })
    }
}

impl Turn<'_> {
    /// Ends the turn in good order.
    pub(super) fn end<T>(mut self, result: Result<T>) -> Result<T> {
        use ErrorKind::{
            AlreadyExists, Conflict, Forbidden, InvalidInput, NotFound, Unauthorized, Unsupported,
        };
        // After any other failure git may have been killed in there.
        let orderly = result.as_ref().err().is_none_or(|error| {
            matches!(
                error.kind(),
                AlreadyExists | Conflict | Forbidden | InvalidInput | NotFound | Unauthorized | Unsupported
            )
        });
        if orderly {
            *self.kept = Some(self.opened);
        }
        result
    }
}

/// Who waited for it has it when the one before is done, or dead. What a git left that was killed among our references goes: whoever
/// writes there has this lock.
async fn locked(common_dir: PathBuf) -> Result<File> {
    let work = move || -> io::Result<File> {
        let path = common_dir.join("deploy-config.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        remove_locks(&common_dir.join("refs/deploy-config"))?;
        Ok(file)
    };
    match spawn_blocking(work).await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => {
            Err(Error::new(ErrorKind::Forbidden, "the work tree's repository cannot be locked")
                .help("see who owns its .git folder")
                .source(error))
        }
        Err(stopped) => Err(Error::new(ErrorKind::Internal, "the thread was stopped").source(stopped)),
    }
}

/// Removes git's lock files in a folder and those below; none is fine.
fn remove_locks(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let (entry, lock) = (entry?, Some("lock".as_ref()));
        if entry.file_type()?.is_dir() {
            remove_locks(&entry.path())?;
        } else if entry.path().extension() == lock {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

impl Opened {
    async fn new(repository: &Repository) -> Result<Self> {
        repository.check()?;
        repository.check_version().await?;
        match repository.folder() {
            Some(folder) => Self::work_tree(repository, folder).await,
            None => Self::clone(repository).await,
        }
    }

    /// Nothing is fetched yet.
    async fn clone(repository: &Repository) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(no_folder)?;
        let git_dir = folder.path().join("repository");
        let git = repository.git(folder.path()).await?;
        git.out(&["init", "--quiet", "--bare", "--template=", "repository"]).await?;
        Ok(Self {
            git: git.variable("GIT_DIR", &git_dir),
            common_dir: git_dir.clone(),
            git_dir,
            remote: repository.remote_name().to_owned(),
            work_tree: None,
            fetched: Fetched::default(),
            _folder: Some(folder),
        })
    }

    async fn work_tree(repository: &Repository, folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, "there is no such folder"));
        }
        let git = repository.git(folder).await?;
        let asked =
            ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--show-toplevel"];
        let out = git.line(&asked).await?;
        let mut lines = out.lines().map(PathBuf::from);
        let (Some(git_dir), Some(common_dir), Some(top)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Error::invalid("git does not say where the work tree is"));
        };
        Ok(Self {
            git: git.folder(&top).variable("GIT_DIR", &git_dir).variable("GIT_WORK_TREE", &top),
            git_dir,
            common_dir,
            remote: repository.remote_name().to_owned(),
            work_tree: Some(top),
            fetched: Fetched::default(),
            _folder: None,
        })
    }

    pub(super) fn work_tree_folder(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    pub(super) fn remote(&self) -> &str {
        &self.remote
    }

    /// The commit that `reference` of the remote is now, with what it holds; `None` if there is no such reference.
    ///
    /// A clone takes no more than that commit at first, and later what came since.
    pub(super) async fn fetch(&self, reference: &str) -> Result<Option<String>> {
        let depth = match self.work_tree {
            None if !self.fetched().contains(reference) => Some("1"),
            _ => None,
        };
        self.fetch_to(reference, depth).await
    }

    /// The same, with so many commits before it. The repository of a work tree is left as it is.
    pub(super) async fn deepen(&self, reference: &str, depth: Option<&str>) -> Result<()> {
        if self.work_tree.is_none() {
            self.fetch_to(reference, Some(depth.unwrap_or(WHOLE))).await?;
        }
        Ok(())
    }

    fn fetched(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch_to(&self, reference: &str, depth: Option<&str>) -> Result<Option<String>> {
        let kept = kept_as(reference);
        let refspec = format!("+{reference}:{kept}");
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap="];
        arguments.extend(["--no-recurse-submodules"]);
        arguments.extend(depth.as_deref());
        arguments.extend(["--", &self.remote, &refspec]);
        let ran = self.git.run(&arguments).await?;
        if ran.success() {
            self.fetched().insert(reference.to_owned());
            return self.commit(&kept).await;
        }
        if ran.told.contains(&format!("couldn't find remote ref {reference}")) {
            return Ok(None);
        }
        Err(self.git.failed(&ran))
    }

    /// The commit that a name stands for here.
    pub(super) async fn commit(&self, name: &str) -> Result<Option<String>> {
        let asked = format!("{name}^{{commit}}");
        let ran = self.git.run(&["rev-parse", "--verify", "--quiet", &asked]).await?;
        let id = String::from_utf8_lossy(&ran.out).trim().to_owned();
        Ok((ran.success() && is_id(&id)).then_some(id))
    }

    /// All commits of all branches and tags, without files where the server can leave them out.
    pub(super) async fn fetch_history(&self) -> Result<()> {
        self.git.out(&["config", "remote.origin.url", &self.remote]).await?;
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let mut arguments =
            vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=tree:0", "--", "origin"];
        arguments.extend(refs);
        self.git.out(&arguments).await.map(|_| ())
    }

    /// Git that asks no server for what is not here.
    pub(super) fn offline(&self) -> Git {
        self.git.variable("GIT_ALLOW_PROTOCOL", "none").variable("GIT_NO_LAZY_FETCH", "1")
    }

    /// Whether `commit` is `of` or comes before it; both are here.
    pub(super) async fn is_before(&self, commit: &str, of: &str) -> Result<bool> {
        let ran = self.git.run(&["merge-base", "--is-ancestor", commit, of]).await?;
        match ran.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(self.git.failed(&ran)),
        }
    }

    /// The commits whose parents are not here, though they have some.
    pub(super) fn cut_off(&self) -> Result<BTreeSet<String>> {
        match fs::read_to_string(self.common_dir.join("shallow")) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(Error::new(ErrorKind::Internal, "the repository cannot be read").source(error)),
        }
    }
}

/// Where a reference of the remote is kept here, where nobody else keeps any.
fn kept_as(reference: &str) -> String {
    reference.replacen("refs/", "refs/deploy-config/", 1)
}

/// A whole id, of SHA-1 or SHA-256.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(super) fn no_folder(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "no temporary folder can be made")
        .help("see the disk's space")
        .source(error)
}
