//! Values in a Git repository: one commit and one push for a change, however many files it touches.
//!
//! [`GitStore`] is a config store over any of the files that [`store`](crate::store) knows. [`GitAncestry`] knows which commit came
//! before which, and [`GitNotes`] keeps the record in Git's notes.
//!
//! ```
//! use deploy_config::git::{GitStore, Repository};
//! use deploy_config::store::FileKind;
//! use deploy_core::config::{ConfigStore, Edit, Note};
//!
//! # #[allow(clippy::disallowed_methods)]
//! # fn git(folder: &std::path::Path, arguments: &[&str]) {
//! #     let mut git = std::process::Command::new("git");
//! #     git.env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir(folder).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
//! #     assert!(git.args(arguments).output().unwrap().status.success());
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "config.git"]);
//! # git(folder.path(), &["clone", "--quiet", "config.git", "here"]);
//! # let here = folder.path().join("here");
//! # std::fs::create_dir_all(here.join("apps/shop")).unwrap();
//! # std::fs::write(here.join("apps/shop/kustomization.yaml"), "images:\n- name: api\n  newTag: v1\n").unwrap();
//! # git(&here, &["add", "."]);
//! # git(&here, &["commit", "--quiet", "-m", "first"]);
//! # git(&here, &["push", "--quiet", "origin", "HEAD:main"]);
//! # let url = format!("file://{}", folder.path().join("config.git").display());
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let repository = Repository::at(&url).branch("main").author("deploy", "deploy@acme.example");
//! # let repository = repository.variable("GIT_CONFIG_GLOBAL", "/dev/null");
//! let store = GitStore::builder(repository)
//!     .files("apps/*/kustomization.yaml", FileKind::Kustomization)
//!     .message("deploy: {message}")
//!     .build()?;
//! assert_eq!(store.get("shop#api").await?.expect("it is there").value, "api:v1");
//! let note = Note::new("v2 of the shop").fact("image", "api:v2").fact("revision", "4f1c2d9");
//! store.set(&[Edit::put("shop#api", "api:v2")], &note).await?;
//! let past = store.history("shop#api", 10).await?;
//! assert_eq!(past[0].value.as_deref(), Some("api:v2"));
//! assert_eq!(past[0].note.as_deref(), Some("deploy: v2 of the shop\n\nImage: api:v2\nRevision: 4f1c2d9"));
//! assert_eq!(past[1].value.as_deref(), Some("api:v1"));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Keys
//!
//! A key is `file#key`: a file by the name that the builder gave it, and a key as the store of that kind of file has it
//! (`shop#image.tag`). So stores of several environments have the same keys in different files.
//!
//! # What it keeps to
//!
//! - **Fresh.** Every call fetches the branch first: `get` is one fetch, `set` one fetch and one push. A clone at a URL is shallow and
//!   temporary, and kept as long as the store.
//! - **All or nothing.** All edits are one commit, made without a work tree: no filter, hook or line-ending conversion touches a file, and
//!   an edit changes what it was asked to and not a byte more. The server moves the branch to the commit, or does not.
//! - **Never blindly merged.** If somebody pushed first, their state is fetched, expectations are checked on it, and the edits are made
//!   anew. Nothing is ever forced.
//! - **Once.** If the answer to a push is lost, the remote is looked up before anything is sent again. Until that is certain it is
//!   [`OutcomeUnknown`](deploy_core::error::ErrorKind::OutcomeUnknown). What stands already makes no commit and no push.
//! - **Cancelled or killed** at any point, the remote has the commit or not; a clone is thrown away and made anew.
//! - **Errors**: a protected branch or a hook that declines is [`Forbidden`](deploy_core::error::ErrorKind::Forbidden) with the remote's
//!   words; missing credentials are [`Unauthorized`](deploy_core::error::ErrorKind::Unauthorized); a repository or branch that is not there
//!   is [`NotFound`](deploy_core::error::ErrorKind::NotFound). Credentials show in none of them.
//!
//! # An open work tree
//!
//! [`Repository::work_tree`] works in a person's own clone. A detached HEAD, another branch, a merge or rebase in progress, commits that
//! are not pushed, and anything uncommitted in files that git knows are a [`Conflict`](deploy_core::error::ErrorKind::Conflict); with
//! [`GitStoreBuilder::allow_dirty`] only what is in the way of the change. Values are read from the branch of the remote, not from the files.
//! The commit is pushed first, and only then do branch, index and files follow it (`git merge --ff-only`): a push that fails leaves the work
//! tree as it was, without a commit. If they cannot follow, [`Committed::work_tree_behind`] says why. One process at a time works there
//! (the file `deploy-config.lock` in its `.git`). Its hooks run for push and merge, as for its owner; those for commits do not.
//!
//! # The git program
//!
//! Git itself does the work (2.31 or later), so that credentials, SSH keys, proxies, signing and protocols are those that work by hand. The
//! libraries cannot yet take its place: gix 0.90 does not push, sign or run hooks, and git2 0.21 needs OpenSSL for HTTPS and SSH, a second TLS
//! stack. Git asks nobody anything (`GIT_TERMINAL_PROMPT=0`; `ssh -oBatchMode=yes`, where `core.sshCommand` does not say otherwise), speaks
//! English, and is given no shell. Its configuration is the user's, but for what would change the outcome: pruning, following tags,
//! submodules, collecting garbage; in a clone, hooks. `GIT_SSH_COMMAND` and [`Repository::config`] go before. Credentials for HTTP reach it by
//! its environment, not by its arguments.

mod address;
mod ancestry;
mod builder;
mod files;
mod log;
mod message;
mod notes;
mod opened;
mod push;
mod repository;
mod run;
mod store;
mod tree;
mod words;
mod worktree;

pub use ancestry::GitAncestry;
pub use builder::GitStoreBuilder;
pub use notes::GitNotes;
pub use repository::Repository;
pub use store::{Committed, GitStore};
