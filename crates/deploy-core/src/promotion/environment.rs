//! One environment: what is written down for it, where it is deployed, and what must say yes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::written::{Form, Line};
use crate::config::ConfigStore;
use crate::guard::{Check, Gate};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::rollout::Rollout;
use crate::run::OnFailure;
use crate::source::Source;
use crate::tag::{Holds, TagPolicy};

/// How an environment is deployed.
#[derive(Clone)]
pub(super) struct Deployment {
    pub(super) rollout: Rollout,
    pub(super) source: Arc<dyn Source>,
}

/// An environment of a [`Promotion`](super::Promotion).
#[derive(Clone)]
pub struct Environment {
    pub(super) name: String,
    pub(super) run_name: Option<String>,
    pub(super) store: Arc<dyn ConfigStore>,
    pub(super) lines: Vec<Line>,
    pub(super) policy: Option<TagPolicy>,
    pub(super) policies: BTreeMap<String, TagPolicy>,
    pub(super) namespace: Option<String>,
    pub(super) deployment: Option<Deployment>,
    pub(super) gates: Vec<Arc<dyn Gate>>,
    pub(super) checks: Vec<Arc<dyn Check>>,
    pub(super) holds: Option<Holds>,
    pub(super) create_missing: bool,
    pub(super) on_failure: Option<OnFailure>,
    own_lock: Option<Arc<dyn Lock>>,
    own_journal: Option<Arc<dyn Journal>>,
}

impl Environment {
    /// An environment of which `store` says what should run there.
    pub fn new(name: impl Into<String>, store: Arc<dyn ConfigStore>) -> Self {
        Self {
            name: name.into(),
            run_name: None,
            store,
            lines: Vec::new(),
            policy: None,
            policies: BTreeMap::new(),
            namespace: None,
            deployment: None,
            gates: Vec::new(),
            checks: Vec::new(),
            holds: None,
            create_missing: false,
            on_failure: None,
            own_lock: None,
            own_journal: None,
        }
    }

    /// Which tags may run here, and which of them is the newest, for every image without [a policy of its own](Self::policy_of).
    #[must_use]
    pub fn policy(mut self, policy: TagPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The policy of one image.
    #[must_use]
    pub fn policy_of(mut self, image: impl Into<String>, policy: TagPolicy) -> Self {
        self.policies.insert(image.into(), policy);
        self
    }

    /// Writes the image called `image` under `key` of the store, in this form. An image may stand in several places; the first one that
    /// has a tag is read.
    #[must_use]
    pub fn writes(mut self, image: impl Into<String>, key: impl Into<String>, form: Form) -> Self {
        self.lines.push(Line { image: image.into(), key: key.into(), form });
        self
    }

    /// Lets a key be made that is not there yet. Default: a missing key is an error, because it is more often a typing mistake.
    #[must_use]
    pub fn create_missing(mut self, create: bool) -> Self {
        self.create_missing = create;
        self
    }

    /// Deploys the manifests of `source`, with the images put in place of what they say. Without this, writing down is all: somebody else
    /// deploys.
    ///
    /// The [lock](Rollout::lock) and the [journal](Rollout::journal) of the rollout are the promotion's too, under a name of its own.
    #[must_use]
    pub fn deploys(mut self, rollout: Rollout, source: Arc<dyn Source>) -> Self {
        self.deployment = Some(Deployment { rollout, source });
        self
    }

    /// The namespace of objects that name none.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Under which name the rollout runs. Default: the promotion's name, `-`, and the environment's.
    #[must_use]
    pub fn runs_as(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Asks this gate before anything is written; all must say yes, in this order.
    #[must_use]
    pub fn gate(mut self, gate: Arc<dyn Gate>) -> Self {
        self.gates.push(gate);
        self
    }

    /// Asks this check once all is healthy, or once it is written down where nothing is deployed from here. A no undoes the promotion.
    #[must_use]
    pub fn check(mut self, check: Arc<dyn Check>) -> Self {
        self.checks.push(check);
        self
    }

    /// What to do when it fails here: undo it, or leave target and store as they are for a person to look at. Default: as the
    /// [run](crate::run::Policy::on_failure) says.
    #[must_use]
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = Some(on_failure);
        self
    }

    /// Honours these holds, and adds one for each tag that failed.
    #[must_use]
    pub fn holds(mut self, holds: Holds) -> Self {
        self.holds = Some(holds);
        self
    }

    /// Takes this lock instead of the rollout's.
    #[must_use]
    pub fn lock(mut self, lock: Arc<dyn Lock>) -> Self {
        self.own_lock = Some(lock);
        self
    }

    /// Journals here instead of the rollout's journal. Without any, a promotion that is killed is not taken up again.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.own_journal = Some(journal);
        self
    }

    pub(super) fn policy_for(&self, image: &str) -> Option<&TagPolicy> {
        self.policies.get(image).or(self.policy.as_ref())
    }

    pub(super) fn lock_kept(&self) -> Option<&dyn Lock> {
        let of_rollout = || self.deployment.as_ref()?.rollout.lock_kept();
        self.own_lock.as_deref().or_else(of_rollout)
    }

    pub(super) fn journal_kept(&self) -> Option<&dyn Journal> {
        let of_rollout = || self.deployment.as_ref()?.rollout.journal_kept();
        self.own_journal.as_deref().or_else(of_rollout)
    }
}
