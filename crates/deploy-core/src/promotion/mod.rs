//! From a pushed image to production, with a way back.
//!
//! A [`Promotion`] knows images and [environments](Environment) in their order. For each environment it chooses what is to run there, asks
//! the gates, writes it down, deploys it, checks it and records it; what fails is undone backwards, the record of what should run included,
//! and is held, so that it is not chosen again.
//!
//! ```
//! use deploy_core::config::{ConfigStore, Edit, Note};
//! use deploy_core::memory::{MemoryConfigStore, MemoryJournal, MemoryRegistry, MemorySource, MemoryTarget};
//! use deploy_core::promotion::{Environment, Form, Promotion, Status};
//! use deploy_core::{rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let registry = MemoryRegistry::new();
//! for tag in ["main.20261120-080000.1a2b3c4", "main.20261121-080000.5d6e7f8", "try.20261121-090000.9a8b7c6"] {
//!     registry.put(&format!("registry.example/shop/api:{tag}").parse()?, "commit");
//! }
//! let environment = |name: &str| {
//!     let store = MemoryConfigStore::new();
//!     let rollout = Rollout::new(Arc::new(MemoryTarget::new())).journal(Arc::new(MemoryJournal::new()));
//!     let source = MemorySource::new("api.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: 'x:1'}]}}");
//!     Environment::new(name, Arc::new(store.clone()))
//!         .writes("api", "api/tag", Form::Tag)
//!         .create_missing(true)
//!         .policy("scheme=branch.timestamp.sha branch=main".parse().expect("a policy"))
//!         .deploys(rollout, Arc::new(source))
//! };
//! let promotion = Promotion::new("shop", Arc::new(registry))
//!     .image("api", "registry.example/shop/api".parse()?)
//!     .environment(environment("dev"))
//!     .environment(environment("production"));
//! let promoted = promotion.run(Run::new()).await?;
//! assert_eq!(promoted.len(), 2);
//! assert!(promoted.iter().all(|each| each.status == Status::Promoted));
//! assert_eq!(promoted[1].to_string(), "production: promoted api: main.20261121-080000.5d6e7f8");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! # The order of effects
//! gates ─► journal ─► write config ─► deploy ─► checks ─► record. Backwards: the target is brought back by its
//! [rollout](crate::rollout), then what was written down is taken back, then the tags that failed are held, then that is recorded.
//!
//! # Killed anywhere, run again
//! With a journal, the next run of the same promotion finds what was half done. What was going forward is gone on with if it is still what is
//! wanted; if something else is, that takes its place, with what stood there before the *first* of them as the way back; if nothing may
//! run any more, it is taken back. What was going backwards is taken back first, always. A record may be made twice, with the same run in
//! it; what keeps records can tell.
//!
//! # The halves alone
//! Without [`Environment::deploys`] a promotion only writes down (somebody else deploys what it finds there); and
//! [`Promotion::deploy`] only deploys what is written down.

mod account;
mod alike;
mod ask;
mod back;
mod bring;
mod candidate;
mod environment;
mod promoted;
mod record;
mod sync;
mod walk;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use candidate::Wanted;
pub use environment::Environment;
pub use promoted::{Promoted, Status};
pub use record::Record;
pub use sync::{Difference, Synced};
pub use written::Form;

use crate::ancestry::Ancestry;
use crate::audit::AuditSink;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Reference, Repository};
use crate::journal::Phase;
use crate::lock::check_name;
use crate::registry::Registry;
use crate::run::Run;

/// Images by the names that stores and manifests know them by.
type Images = BTreeMap<String, Reference>;

/// Brings images through environments. See the [module](self).
#[derive(Clone)]
pub struct Promotion {
    name: String,
    registry: Arc<dyn Registry>,
    images: BTreeMap<String, Repository>,
    environments: Vec<Environment>,
    audit: Option<Arc<dyn AuditSink>>,
    ancestry: Option<(Arc<dyn Ancestry>, String)>,
    by: String,
}

impl Promotion {
    /// A promotion called `name`, of images in `registry`.
    pub fn new(name: impl Into<String>, registry: Arc<dyn Registry>) -> Self {
        Self {
            name: name.into(),
            registry,
            images: BTreeMap::new(),
            environments: Vec::new(),
            audit: None,
            ancestry: None,
            by: "unnamed".to_owned(),
        }
    }

    /// Adds the image called `name`: by this name manifests are given it (a container's name, or the image they say), and environments
    /// [write](Environment::writes) it.
    #[must_use]
    pub fn image(mut self, name: impl Into<String>, repository: Repository) -> Self {
        self.images.insert(name.into(), repository);
        self
    }

    /// Adds an environment after those that are there.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environments.push(environment);
        self
    }

    /// Records here what is promoted, refused, undone.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Who promotes, for the record and for whoever finds the lock taken: a person, a pipeline. Default `unnamed`.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = who.into();
        self
    }

    /// What knows the order of commits up to `head`, for policies with `order=ancestry`.
    #[must_use]
    pub fn ancestry(mut self, ancestry: Arc<dyn Ancestry>, head: impl Into<String>) -> Self {
        self.ancestry = Some((ancestry, head.into()));
        self
    }

    /// Promotes through all environments in their order, until one does not succeed: to the first the newest image that may run there, to
    /// each other what the one before has.
    ///
    /// What was done is returned, up to the environment that did not succeed. Cancelling the run stops it and undoes what it was at; dropped,
    /// it stops where it is, and the next run takes it up.
    ///
    /// # Errors
    /// Whatever kept it from starting to write in an environment: bad input, [`NotFound`](ErrorKind::NotFound) if no image may run,
    /// [`Locked`](ErrorKind::Locked), what a store or the registry meets. What environments before had promoted stays. That a gate said no
    /// and what failed after the first write is no error: it is in [`Promoted`].
    pub async fn run(&self, run: Run) -> Result<Vec<Promoted>> {
        self.check()?;
        let (mut all, mut failed, mut stopped) = (Vec::new(), None, false);
        for (index, environment) in self.environments.iter().enumerate() {
            // Whatever stopped it, nothing stays half done further on.
            if stopped && !self.is_half_done(environment).await? {
                continue;
            }
            match Box::pin(self.walk(index, Some(&Wanted::next()), &run)).await {
                Ok(promoted) => {
                    stopped |= !promoted.status.is_success();
                    all.push(promoted);
                }
                Err(error) => {
                    stopped = true;
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(all), Err)
    }

    async fn is_half_done(&self, environment: &Environment) -> Result<bool> {
        let Some(journal) = environment.journal_kept() else { return Ok(false) };
        let intent = journal.load(&walk::journal_name(&self.run_name(environment))).await?;
        Ok(intent.is_some_and(|intent| intent.phase != Phase::Done))
    }

    /// Promotes to one environment.
    ///
    /// # Errors
    /// As for [`run`](Self::run); [`InvalidInput`](ErrorKind::InvalidInput) if there is no such environment.
    pub async fn promote(&self, environment: &str, wanted: &Wanted, run: Run) -> Result<Promoted> {
        self.check()?;
        Box::pin(self.walk(self.index(environment)?, Some(wanted), &run)).await
    }

    /// Deploys to one environment what is written down for it, and writes nothing down: what a pipeline does that a commit starts. Gates are
    /// asked. What fails is brought back and held; what is written down stays.
    ///
    /// # Errors
    /// As for [`promote`](Self::promote).
    pub async fn deploy(&self, environment: &str, run: Run) -> Result<Promoted> {
        self.check()?;
        Box::pin(self.walk(self.index(environment)?, None, &run)).await
    }

    fn index(&self, environment: &str) -> Result<usize> {
        let found = self.environments.iter().position(|each| each.name == environment);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.environments.iter().map(|each| each.name.as_str()).collect();
            Error::invalid(format!("there is no environment \"{environment}\""))
                .during("promote")
                .help(format!("there are {}", names.join(", ")))
        })
    }

    fn get(&self, index: usize) -> Result<&Environment> {
        self.environments
            .get(index)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "there is no such environment"))
    }

    /// Refuses what can only be a mistake, before anything is asked.
    fn check(&self) -> Result<()> {
        let mistake = |what: String| Err(Error::invalid(what).during("promote").on(&self.name));
        if self.environments.is_empty() {
            return mistake("it has no environment".to_owned());
        }
        for (index, environment) in self.environments.iter().enumerate() {
            let name = &environment.name;
            check_name(&walk::journal_name(&self.run_name(environment)))?;
            if self.environments.iter().take(index).any(|other| other.name == *name) {
                return mistake(format!("the environment {name} stands twice"));
            }
            if environment.lines.is_empty() {
                return mistake(format!("nothing says where the images of {name} are written down"));
            }
            for line in &environment.lines {
                if !self.images.contains_key(&line.image) {
                    return mistake(format!(
                        "{name} writes the image \"{}\", which the promotion does not have",
                        line.image
                    ));
                }
                if environment.lines.iter().filter(|other| other.key == line.key).count() > 1 {
                    return mistake(format!("{name} writes the key \"{}\" twice", line.key));
                }
            }
        }
        Ok(())
    }

    fn run_name(&self, environment: &Environment) -> String {
        environment.run_name.clone().unwrap_or_else(|| format!("{}-{}", self.name, environment.name))
    }
}
