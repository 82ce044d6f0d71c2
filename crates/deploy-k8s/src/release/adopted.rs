//! Objects that a revision takes over: they stood before it, so the way back does not delete them but brings them back.
//!
//! No revision holds what they looked like. So a journal does, until the revision is deployed: the Secret `deploy-journal.NAME`.

use std::collections::HashSet;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::journal::{Intent, Journal};
use deploy_core::manifest::ObjectId;
use deploy_core::plan::{Action, Plan, Snapshot, SnapshotEntry};
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::{AppliedObject, RolloutTarget};

use super::Release;
use super::draft::Draft;
use super::owner::Owner;
use super::record::ReleaseStatus;
use super::standing::Standing;
use crate::journal::SecretJournal;

impl Release {
    /// What the plan takes over, and what is brought back of what interrupted or failed revisions took over.
    pub(super) async fn find_adopted(&self, draft: &mut Draft, plan: &Plan) -> Result<()> {
        let before = self.taken_over(&draft.standing).await?;
        let wanted: HashSet<&ObjectId> = plan.changes.iter().map(|change| &change.id).collect();
        let (still, given_back) = before.entries.into_iter().partition(|entry| wanted.contains(&entry.id));
        draft.given_back = Snapshot { entries: given_back };
        let owner = &draft.owner;
        let taken = plan.changes.iter().filter(|change| {
            let stood = change.before.as_ref().is_some_and(|live| !owner.owns(live));
            stood && change.action != Action::Delete && !owner.known.contains(&change.id)
        });
        let taken = taken.map(|change| SnapshotEntry {
            id: change.id.clone(),
            api_version: change.desired.api_version().to_owned(),
            before: change.before.clone(),
        });
        // The older sight of an object is the way back.
        draft.adopted = Snapshot { entries: still }.extended_by(Snapshot { entries: taken.collect() });
        Ok(())
    }

    /// Writes down how the objects look that are taken over, before the first of them is written.
    pub(super) async fn journal_adopted(&self, plan: &Plan, draft: &Draft, run: &Run) -> Result<()> {
        if !draft.is_adopting() {
            return Ok(());
        }
        let mut all = draft.adopted.clone();
        all.entries.extend(draft.given_back.entries.clone());
        self.journal().save(&self.name, &Intent::new(run, plan.bundle.clone(), all)).await
    }

    /// Brings back what was taken over. What stands then is to be observed like anything else.
    pub(super) async fn give_back(
        &self,
        owner: &Owner,
        before: &Snapshot,
        run: &Run,
    ) -> Result<Vec<AppliedObject>> {
        if before.entries.is_empty() {
            return Ok(Vec::new());
        }
        let restored = self.engine(owner, true).rollback(before, &[], run).await?;
        for message in restored.notes {
            run.emit(EventKind::Warning { message });
        }
        match restored.left.into_iter().next() {
            Some(left) => Err(left.error),
            None => Ok(restored.applied.objects),
        }
    }

    /// From here on they are the release's like any other.
    pub(super) async fn forget_adopted(&self) -> Result<()> {
        self.journal().clear(&self.name).await
    }

    /// How the objects looked that revisions took over which never came to run.
    pub(super) async fn taken_over(&self, standing: &Standing) -> Result<Snapshot> {
        let open = standing.standing().iter().filter(|entry| entry.status != ReleaseStatus::Deployed);
        let adopting = open.filter(|entry| entry.adopts);
        let runs: Vec<DeploymentId> =
            adopting.filter_map(|entry| entry.run.clone()).map(DeploymentId::from).collect();
        if runs.is_empty() && !self.takes_ownership {
            return Ok(Snapshot::default());
        }
        match self.journal().load(&self.name).await? {
            None => Ok(Snapshot::default()),
            Some(intent) if intent.deployments.iter().any(|run| runs.contains(run)) => Ok(intent.before),
            Some(_) => Err(self
                .error(
                    ErrorKind::Conflict,
                    "an interrupted run of that name stands in the journal, which is not a release's",
                )
                .help("run that deployment again first: it finishes or undoes what was interrupted")),
        }
    }

    fn journal(&self) -> SecretJournal {
        SecretJournal::new(self.cluster().clone(), self.namespace())
    }
}
