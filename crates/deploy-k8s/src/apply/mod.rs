//! The target [`Apply`]: kubectl-style, by server-side apply, with no record in the cluster but the objects themselves.
//!
//! ```no_run
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::{rollout::Rollout, run::Run};
//! use deploy_k8s::{Apply, Cluster};
//! use std::sync::Arc;
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let cluster = Cluster::builder().context("dev").build().await?;
//! let bundle = Bundle::builder().objects(read("app.yaml", b"...")?).namespace("shop").build()?;
//! let outcome = Rollout::new(Arc::new(Apply::new(cluster))).run(&bundle, Run::new()).await?;
//! println!("{outcome}");
//! # Ok(())
//! # }
//! ```

mod apply_set;
mod ask;
mod autoscaled;
mod coming;
mod conflict;
mod contents;
mod deletion;
mod diagnose;
mod feed;
mod foretell;
mod immutable;
mod lenient;
mod locate;
mod member;
mod observe;
mod ownership;
mod plan;
mod prepare;
mod prune;
mod restore;
mod since;
mod status;
mod unstick;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::health::{HealthRule, Judge, Patience};
use deploy_core::manifest::{Bundle, DEPLOYMENT_ID, GIT_REVISION, ObjectId};
use deploy_core::plan::{Depth, Plan, Snapshot};
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::{Applied, Observation, Restored, Revision, RolloutTarget, TargetCapabilities};
use futures_util::{StreamExt, stream};
use k8s_fields::{FieldPath, FieldSet};

use crate::api::Cluster;
use crate::release::{HELM, Owner};
pub use apply_set::ApplySet;
pub use conflict::{ConflictRule, Conflicts, FieldConflict, FieldConflicts};
pub(crate) use deletion::in_order_of_deletion;
pub(crate) use member::Fate;
use ownership::Ownership;
pub(crate) use ownership::{managers, side_manager};

/// The field manager that owns what is applied, unless another is named.
pub const FIELD_MANAGER: &str = "deploy-core";

/// Rolls out to a cluster, kubectl-style.
#[derive(Clone)]
pub struct Apply {
    cluster: Cluster,
    manager: String,
    conflicts: Conflicts,
    rules_of_conflict: Vec<ConflictRule>,
    predecessors: Vec<String>,
    wholly: Vec<FieldPath>,
    recreate: Vec<(String, String)>,
    prune: Option<ApplySet>,
    asks_each: bool,
    part: bool,
    lenient: bool,
    owner: Option<Arc<Owner>>,
    rules: Vec<(String, String, Arc<dyn HealthRule>)>,
}

impl Apply {
    /// Rolls out to `cluster` as the field manager [`FIELD_MANAGER`].
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            manager: FIELD_MANAGER.to_owned(),
            conflicts: Conflicts::default(),
            rules_of_conflict: Vec::new(),
            predecessors: vec!["kubectl".to_owned()],
            wholly: Vec::new(),
            recreate: Vec::new(),
            prune: None,
            asks_each: false,
            part: false,
            lenient: false,
            owner: None,
            rules: Vec::new(),
        }
    }

    /// Applies as this field manager.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that the API server refuses: empty, over 128 bytes, or with control characters.
    pub fn field_manager(mut self, manager: impl Into<String>) -> Result<Self> {
        let manager = manager.into();
        if manager.is_empty() || manager.len() > 128 || manager.chars().any(char::is_control) {
            return Err(Error::invalid("a field manager is a name of 1 to 128 printable characters"));
        }
        self.manager = manager;
        Ok(self)
    }

    /// Says what to do about fields that others own, where no [`conflict_rule`](Self::conflict_rule) speaks of them.
    ///
    /// The replicas of a workload that a HorizontalPodAutoscaler scales are left to it whatever is said here, unless a rule names the field.
    #[must_use]
    pub fn conflicts(mut self, conflicts: Conflicts) -> Self {
        self.conflicts = conflicts;
        self
    }

    /// Says what to do about certain fields or kinds. The first rule that speaks of a field decides.
    #[must_use]
    pub fn conflict_rule(mut self, rule: ConflictRule) -> Self {
        self.rules_of_conflict.push(rule);
        self
    }

    /// Takes objects over from these field managers, whose successor this deployment is: what they own and the manifest no longer has
    /// goes, as if they had applied the manifest themselves. `kubectl` (the default) stands for `kubectl apply`, client-side and
    /// server-side. Name `helm` only for objects that helm shall deploy no more.
    #[must_use]
    pub fn take_over_from(mut self, managers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.predecessors = managers.into_iter().map(Into::into).collect();
        self
    }

    /// Deletes objects of this kind and creates them anew where a field is to change that cannot be changed. Their pods go with them.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what holds data or other objects: persistent volumes and their claims, custom
    /// resource definitions, namespaces.
    pub fn recreate(mut self, group: impl Into<String>, kind: impl Into<String>) -> Result<Self> {
        let kind = kind.into();
        immutable::check_kind(&kind)?;
        self.recreate.push((group.into(), kind));
        Ok(self)
    }

    /// Deletes what earlier runs applied to this set and the bundle no longer has, once all else is healthy and verified.
    #[must_use]
    pub fn prune(mut self, set: ApplySet) -> Self {
        self.prune = Some(set);
        self
    }

    /// Asks the API server about every object that is to be created, also about plain data that is like another one asked about. For
    /// plans that a person reads. Default: no.
    #[must_use]
    pub fn asking_about_each(mut self, each: bool) -> Self {
        self.asks_each = each;
        self
    }

    /// For bundles that are a part of what stands: nobody is succeeded and nothing pruned, or what the part leaves out would go. Nothing
    /// is created, and an object of which only the name is given is followed as it is.
    pub(crate) fn in_part(self) -> Self {
        Self { predecessors: Vec::new(), prune: None, part: true, ..self }
    }

    /// For the objects of a release: they bear its marks instead of the run's, and belong to it or to nobody.
    pub(crate) fn in_release(mut self, owner: Owner) -> Self {
        if owner.adopts {
            self.predecessors.push(FIELD_MANAGER.to_owned());
        }
        Self { manager: HELM.to_owned(), prune: None, part: false, owner: Some(Arc::new(owner)), ..self }
    }

    /// For objects that were applied before: what their kinds do not have is left out, and said.
    pub(crate) fn leniently(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// As it applies what it must not fail at: fields that others own by now are left to them.
    pub(crate) fn yielding(mut self) -> Self {
        if self.conflicts == Conflicts::Fail {
            self.conflicts = Conflicts::Yield;
        }
        self
    }

    /// Takes whole subtrees over from whoever owns them, as in `spec.template`.
    pub(crate) fn wholly(mut self, roots: impl IntoIterator<Item = FieldPath>) -> Self {
        self.wholly = roots.into_iter().collect();
        self
    }

    /// Judges objects of a kind by a rule of the caller's.
    #[must_use]
    pub fn health_rule(
        mut self,
        group: impl Into<String>,
        kind: impl Into<String>,
        rule: Arc<dyn HealthRule>,
    ) -> Self {
        self.rules.push((group.into(), kind.into(), rule));
        self
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The field manager.
    pub fn manager(&self) -> &str {
        &self.manager
    }

    fn ownership(&self) -> Ownership {
        Ownership {
            manager: self.manager.clone(),
            predecessors: self.predecessors.clone(),
            wholly: self.wholly.clone(),
        }
    }

    /// Our own annotations: on objects that are written anyway, never a reason to write one. A release's are a part of its manifest.
    fn traces(&self) -> FieldSet {
        if self.owner.is_some() { FieldSet::new() } else { marks() }
    }

    fn recreates(&self, id: &ObjectId) -> bool {
        self.recreate.iter().any(|(group, kind)| id.is(group, kind))
    }

    fn judge(&self, patience: &Patience) -> Judge {
        let judge = Judge::new(patience.clone());
        self.rules.iter().fold(judge, |judge, (group, kind, rule)| judge.rule(group, kind, rule.clone()))
    }
}

impl std::fmt::Debug for Apply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apply")
            .field("cluster", &self.cluster)
            .field("manager", &self.manager)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RolloutTarget for Apply {
    fn describe(&self) -> String {
        self.cluster.describe().to_owned()
    }

    fn capabilities(&self) -> TargetCapabilities {
        TargetCapabilities::caller_driven(Depth::Fields)
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        self.make_plan(bundle, run).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        self.write(plan, run).await
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        self.follow(&applied.objects, run).await
    }

    async fn finish(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        self.delete_unwanted(plan, run).await
    }

    async fn rollback(&self, before: &Snapshot, written_by: &[DeploymentId], run: &Run) -> Result<Restored> {
        self.restore(before, written_by, run).await
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        Err(no_revisions())
    }

    async fn diagnose(&self, applied: &Applied, observation: &Observation, run: &Run) -> Result<Evidence> {
        self.gather(applied, observation, run).await
    }
}

fn no_revisions() -> Error {
    Error::new(ErrorKind::Unsupported, "kubectl-style deployments record no revisions").help("a release does")
}

/// The annotations that say who wrote an object last: whoever writes it owns them.
fn marks() -> FieldSet {
    let annotation = |key: &&str| FieldPath::fields(["metadata", "annotations", key]);
    [DEPLOYMENT_ID, GIT_REVISION].iter().map(annotation).collect()
}

/// Objects worked on at a time; the cluster's limit of requests in flight bounds it further.
const SIDE_BY_SIDE: usize = 64;

/// Drives many futures at a time; the results are in their order. All of them are there from the beginning: what a future needs only
/// once it is polled is better boxed in it.
pub(crate) async fn side_by_side<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    stream::iter(futures.collect::<Vec<_>>()).buffered(SIDE_BY_SIDE).collect().await
}
