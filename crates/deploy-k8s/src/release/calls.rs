//! What Helm does in one call, here in one call too: each takes the release's lock and walks the driver's road.

use std::sync::Arc;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::manifest::Bundle;
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_core::target::RolloutTarget;
use serde_json::json;

use super::Release;
use super::standing::Standing;
use super::test::Tests;
use super::uninstall::Uninstall;
use crate::api::Resource;
use crate::apply::Conflicts;
use crate::lease::LeaseLock;

impl Release {
    /// Installs or upgrades (`helm upgrade --install --rollback-on-failure`). What fails is rolled back, and a first revision that fails
    /// is removed, but for its record; with [`OnFailure::Leave`](deploy_core::run::OnFailure) either stays as it is.
    ///
    /// Cancelled and dropped as [`Rollout::run`].
    ///
    /// # Errors
    /// Whatever kept it from starting to write; what fails later is in the [`Outcome`].
    pub async fn upgrade(&self, bundle: &Bundle, run: Run) -> Result<Outcome> {
        self.rollout().run(bundle, self.named(run)).await
    }

    /// Rolls a recorded revision out again, as a new one (`helm rollback`); `None` is the newest good one before the present, where
    /// Helm takes the one before the newest, be it good or failed.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not recorded, or there is nothing to go back to; as [`upgrade`](Self::upgrade).
    pub async fn roll_back(&self, revision: Option<u64>, run: Run) -> Result<Outcome> {
        self.rollout().run_revision(revision, self.named(run)).await
    }

    /// What would have to change for the live objects to be as a revision records them; the newest where none is named. Fields that others
    /// own by now are part of it. Writes nothing.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not recorded; as [`upgrade`](Self::upgrade).
    pub async fn diff(&self, revision: Option<u64>, run: Run) -> Result<Outcome> {
        let revision = match revision {
            Some(revision) => revision,
            None => self.entries().await?.last().map_or(0, |newest| newest.revision),
        };
        // Nothing is written: what others changed since is what is asked about.
        let apply = self.apply.clone().conflicts(Conflicts::Force).asking_about_each(true);
        self.clone().applied_by(apply).dry_run(true).rollout().run_revision(Some(revision), run).await
    }

    /// Whether there is anything to upgrade: a revision that came to run, and was not uninstalled since. A chart is rendered for its first
    /// install otherwise. The requests of [`revisions`](Self::revisions); a record is unpacked only where none is deployed.
    ///
    /// # Errors
    /// What the API server refuses.
    pub async fn is_installed(&self) -> Result<bool> {
        Ok(!Standing::of(self.store.entries(Some(&self.name)).await?).is_absent())
    }

    /// Deletes the release's objects and records between its hooks for `pre-delete` and `post-delete` (`helm uninstall`); with `keep_history`
    /// the records stay, and say so. What is annotated `helm.sh/resource-policy: keep`, or is not the release's any more, stays; and so do
    /// the objects of hooks, of all events, where their own policy does not delete them.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such release; as [`upgrade`](Self::upgrade).
    pub async fn uninstall(&self, keep_history: bool, run: Run) -> Result<Outcome> {
        self.run_target(Uninstall::new(self.clone(), keep_history), run).await
    }

    /// Runs the release's tests (`helm test`) and notes how they came out. The logs of one that fails are in the evidence.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such release, or it has no tests; as [`upgrade`](Self::upgrade).
    pub async fn test(&self, run: Run) -> Result<Outcome> {
        self.run_target(Tests::new(self.clone()), run).await
    }

    /// Creates the release's namespace if it is not there (`helm --create-namespace`), unless this is a [dry run](Self::dry_run). Returns
    /// whether it was missing. It stays when the release goes, or never comes.
    ///
    /// # Errors
    /// What the API server refuses.
    pub async fn create_namespace(&self) -> Result<bool> {
        let place = Resource::of_records("", "Namespace")?.within(None);
        if self.cluster().get(&place, self.namespace()).await?.is_some() {
            return Ok(false);
        }
        if self.dry_run {
            return Ok(true);
        }
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            // As Helm labels it.
            "metadata": {"name": self.namespace(), "labels": {"name": self.namespace()}},
        });
        match self.cluster().create(&place, &namespace, super::HELM).await {
            // Whoever made it, it is there.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.cluster().get(&place, self.namespace()).await?.map(|_| true).ok_or(error)
            }
            made => made.map(|_| true),
        }
    }

    /// Walks the road with this release as its target, under a lock on the Lease `deploy.NAME` in its namespace: for gates and checks of
    /// the caller's. Give it a run that is [`named`](Self::named) after the release.
    pub fn rollout(&self) -> Rollout {
        self.locked(Rollout::new(Arc::new(self.clone())))
    }

    fn locked(&self, rollout: Rollout) -> Rollout {
        let lock = LeaseLock::new(self.cluster().clone(), self.namespace());
        rollout.lock(Arc::new(lock)).holder(&self.holder).dry_run(self.dry_run)
    }

    async fn run_target(&self, target: impl RolloutTarget + 'static, run: Run) -> Result<Outcome> {
        let nothing = Bundle::builder().build()?;
        self.locked(Rollout::new(Arc::new(target))).run(&nothing, self.named(run)).await
    }
}
