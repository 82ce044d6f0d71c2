//! What a deployment keeps in files, for the [`deploy_core`] engine: the configuration that says what should run, the
//! journal of what is under way, and the record of what was done.
//!
//! | for | use |
//! | --- | --- |
//! | `Pulumi.<stack>.yaml` | [`store::PulumiStack`] |
//! | `kustomization.yaml` | [`store::Kustomization`] |
//! | a chart's values | [`store::HelmValues`] |
//! | any YAML, JSON or TOML file | [`store::YamlFile`], [`store::JsonFile`], [`store::TomlFile`] |
//! | `.env` | [`store::DotenvFile`] |
//! | any of these in a Git repository | [`git::GitStore`] |
//! | who came first in a Git history | [`git::GitAncestry`] |
//! | texts without a file | [`edit`] |
//! | a journal | [`FileJournal`] |
//! | who did what | [`audit::AuditFile`] |
//! | secrets in files, as Docker and Kubernetes mount them | [`FileSecrets`] |
//!
//! These files are their owners': an edit changes the value that was asked for and not a byte more, or is refused.
//!
//! ```
//! use deploy_config::store::Kustomization;
//! use deploy_core::config::{ConfigStore, Edit, Expect, Note};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("kustomization.yaml");
//! # std::fs::write(&path, "images:\n# by CI, and by nobody else\n- name: api\n  newTag: v1\n").unwrap();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = Kustomization::new(&path);
//! let now = store.get("api").await?.expect("it has an entry");
//! assert_eq!(now.value, "api:v1");
//! let edit = Edit::put("api", "api:v2").expecting(Expect::Version(now.version));
//! store.set(&[edit], &Note::new("deploy v2")).await?;
//! assert_eq!(
//!     std::fs::read_to_string(&path).unwrap(),
//!     "images:\n# by CI, and by nobody else\n- name: api\n  newTag: v2\n"
//! );
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! A journal in files is for a machine that stays: an operator's, or a runner with a disk of its own. Where the next run may start on
//! another machine, the journal belongs where that machine can see it, which is what `deploy-k8s` keeps in the cluster.
//!
//! ```
//! use deploy_config::FileJournal;
//! use deploy_core::{manifest::Bundle, memory::{MemoryLock, MemoryTarget}, outcome::Status, rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # let folder = std::env::temp_dir().join(format!("deploy-config-tour-{}", std::process::id()));
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let outcome = Rollout::new(Arc::new(MemoryTarget::new()))
//!     .lock(Arc::new(MemoryLock::new()))
//!     .journal(Arc::new(FileJournal::new(folder)))
//!     .run(&Bundle::builder().build()?, Run::new().named("shop"))
//!     .await?;
//! assert_eq!(outcome.status, Status::Healthy);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

pub mod audit;
pub mod edit;
mod file;
pub mod git;
mod journal;
mod secrets;
pub mod store;

pub use journal::{FileJournal, MAX_RECORD_BYTES};
pub use secrets::{FileSecrets, MAX_SECRET_BYTES};
