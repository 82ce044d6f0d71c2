//! Objects that a revision takes over: they stood before it, so the way back does not delete them but brings them back.
//!
//! No revision holds what they looked like. So a journal does, until the revision is deployed: the Secret `deploy-adopted.NAME`.

use std::collections::HashSet;

use deploy_core::error::Result;
use deploy_core::event::EventKind;
use deploy_core::journal::{Intent, Journal};
use deploy_core::manifest::ObjectId;
use deploy_core::plan::{Action, Plan, Snapshot, SnapshotEntry};
use deploy_core::run::Run;
use deploy_core::target::{AppliedObject, RolloutTarget};

use super::Release;
use super::draft::Draft;
use super::owner::Owner;
use super::record::ReleaseStatus;
use super::standing::Standing;
use super::store::Entry;
use crate::journal::SecretJournal;

/// What revisions took over that is not settled yet.
#[derive(Default)]
pub(super) struct TakenOver {
    /// How it looked.
    pub(super) before: Snapshot,
    /// Whether a journal stands, be it of nothing any more.
    pub(super) is_journaled: bool,
}

impl Release {
    /// What the plan takes over, and what is brought back of what interrupted or failed revisions took over.
    pub(super) async fn find_adopted(&self, draft: &mut Draft, plan: &Plan) -> Result<()> {
        let TakenOver { before, is_journaled } = self.taken_over(&draft.standing).await?;
        draft.is_journaled = is_journaled;
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

    /// Brings back what is wanted no more; from here on the rest is the release's like any other.
    ///
    /// # Errors
    /// What could not be brought back; then the journal stays, for the next run to try again.
    pub(super) async fn settle_adopted(&self, draft: &Draft, run: &Run) -> Result<()> {
        if draft.is_adopting() {
            self.give_back(&draft.owner, &draft.given_back, run).await?;
        }
        if draft.is_adopting() || draft.is_journaled {
            self.forget_adopted().await?;
        }
        Ok(())
    }

    /// Forgets how anything looked.
    pub(super) async fn forget_adopted(&self) -> Result<()> {
        self.journal().clear(&self.name).await
    }

    /// How the objects looked that revisions took over which never came to run, or which came to run without them. A journal of none of
    /// these is of a revision that somebody went on from: nobody goes back behind that.
    pub(super) async fn taken_over(&self, standing: &Standing) -> Result<TakenOver> {
        if !standing.has_adopted() {
            return Ok(TakenOver::default());
        }
        let Some(intent) = self.journal().load(&self.name).await? else { return Ok(TakenOver::default()) };
        let wrote = |entry: &&Entry| entry.adopts && intent.deployments.iter().any(|run| entry.is_by(run));
        let mut before = Snapshot::default();
        if let Some(entry) = standing.standing().iter().find(wrote) {
            before = intent.before;
            if entry.status == ReleaseStatus::Deployed {
                let kept = self.recorded(std::slice::from_ref(entry), &mut Vec::new()).await?;
                before.entries.retain(|entry| kept.iter().all(|one| one.id() != entry.id));
            }
        }
        Ok(TakenOver { before, is_journaled: true })
    }

    fn journal(&self) -> SecretJournal {
        SecretJournal::of_adopted(self.cluster().clone(), self.namespace())
    }
}
