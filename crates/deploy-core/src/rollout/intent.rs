//! What the journal says while a run goes on.

use super::Rollout;
use crate::error::Result;
use crate::event::EventKind;
use crate::journal::{Intent, Journal, Phase};
use crate::plan::{Plan, Snapshot};
use crate::run::Run;
use crate::target::Drives;

/// This run's intent; it takes up an interrupted one with its older sight of the objects.
pub(super) fn intent(interrupted: Option<Intent>, plan: &Plan, run: &Run) -> Intent {
    let fresh = Intent::new(run, plan.bundle.clone(), plan.snapshot());
    let Some(mut intent) = interrupted else { return fresh };
    intent.deployments.extend(fresh.deployments);
    intent.bundle = fresh.bundle;
    intent.phase = fresh.phase;
    intent.before = intent.before.extended_by(fresh.before);
    intent
}

impl Rollout {
    /// The journal and the name in it. A far side that drives keeps its own way back, and recorded revisions are one.
    pub(super) fn journaled<'a>(&'a self, run: &'a Run) -> Option<(&'a dyn Journal, &'a str)> {
        let capabilities = self.target.capabilities();
        if capabilities.drives == Drives::Remote || capabilities.goes_back_by_revision() {
            return None;
        }
        self.journal.as_deref().zip(run.name())
    }

    pub(super) async fn save(&self, intent: &Intent, run: &Run) -> Result<()> {
        match self.journaled(run) {
            Some((journal, name)) => journal.save(name, intent).await,
            None => Ok(()),
        }
    }

    /// Forgets the intent, but for what an earlier run left behind and this one did not write: the next run tries to bring that back.
    pub(super) async fn settle(&self, mut intent: Intent, plan: &Plan, run: &Run) {
        if intent.before.entries.is_empty() {
            // Nothing was written, and so nothing was journaled.
            return;
        }
        intent.before.entries.retain(|entry| plan.changes.iter().all(|change| change.id != entry.id));
        if intent.before.entries.is_empty() {
            return self.forget(intent, run).await;
        }
        intent.phase = Phase::RollingBack;
        let left =
            intent.before.entries.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>().join(", ");
        run.emit(EventKind::Warning {
            message: format!("still left by an interrupted run, for the next one to undo: {left}"),
        });
        if let Err(error) = self.save(&intent, run).await {
            run.emit(EventKind::Warning { message: format!("the journal still says \"applying\": {error}") });
        }
    }

    /// Clears the journal; where that fails, says in it that nothing is to be undone any more: the next run must not undo what stands.
    pub(super) async fn forget(&self, mut intent: Intent, run: &Run) {
        let Some((journal, name)) = self.journaled(run) else { return };
        let Err(error) = journal.clear(name).await else { return };
        intent.phase = Phase::Done;
        intent.before = Snapshot::default();
        let said = journal.save(name, &intent).await;
        let danger = if said.is_err() { ", and the next run will undo this one" } else { "" };
        run.emit(EventKind::Warning { message: format!("the journal was not cleared{danger}: {error}") });
    }
}
