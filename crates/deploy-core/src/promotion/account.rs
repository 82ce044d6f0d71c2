//! The journal and the record of one environment's walk.

use super::back::run_of;
use super::candidate::Candidate;
use super::promoted::{Promoted, short};
use super::record::{Record, digest};
use super::walk::{Walk, journal_name};
use super::written::{Present, taken_up};
use crate::audit::{AuditRecord, fact};
use crate::error::Result;
use crate::event::EventKind;
use crate::image::Reference;
use crate::journal::{Intent, Journal};
use crate::plan::Snapshot;
use crate::run::DeploymentId;

impl Walk<'_> {
    /// The intent to go forward; one that was interrupted is taken up, with its older sight of what was there.
    pub(super) fn intent(
        &self,
        promoted: &Promoted,
        present: &Present,
        interrupted: Option<Intent>,
    ) -> Result<Intent> {
        let mut intent = self.fresh(promoted);
        let mut changes = present.changes(&self.environment.lines, &promoted.to)?;
        if let Some(earlier) = interrupted {
            intent.deployments = earlier.deployments.into_iter().chain(intent.deployments).collect();
            intent.started = earlier.started;
            let earlier = earlier.promotion.map(|record| record.changes).unwrap_or_default();
            changes = taken_up(earlier, changes, present);
        }
        if let Some(record) = &mut intent.promotion {
            record.changes = changes;
        }
        Ok(intent)
    }

    pub(super) fn fresh(&self, promoted: &Promoted) -> Intent {
        let mut intent = Intent::new(self.run, digest(&promoted.to), Snapshot::default());
        intent.promotion = Some(Record {
            environment: self.environment.name.clone(),
            from: promoted.from.clone(),
            to: promoted.to.clone(),
            changes: Vec::new(),
            why: None,
            holds: Vec::new(),
        });
        intent
    }

    /// The journal and the name in it.
    pub(super) fn journal(&self) -> Option<(&dyn Journal, String)> {
        Some((self.environment.journal_kept()?, journal_name(self.run.name()?)))
    }

    pub(super) async fn save(&self, intent: &Intent) -> Result<()> {
        match self.journal() {
            Some((journal, name)) => journal.save(&name, intent).await,
            None => Ok(()),
        }
    }

    /// Clears the journal: nothing is to be done any more. What could not be cleared is gone on with by the next run, which finds that all of
    /// it stands.
    pub(super) async fn forget(&self, promoted: &mut Promoted) {
        let Some((journal, name)) = self.journal() else { return };
        if let Err(error) = journal.clear(&name).await {
            promoted
                .notes
                .push(format!("the journal was not cleared, and the next run looks at it again: {error}"));
        }
    }

    /// Records what was done, then clears the journal: what could not be recorded is, by the next run.
    pub(super) async fn record(
        &self,
        promoted: &mut Promoted,
        action: &str,
        candidate: &Candidate,
        intent: &Intent,
    ) {
        if self.tell(promoted, action, candidate, run_of(intent), Some(intent)).await {
            self.forget(promoted).await;
        }
    }

    /// Records an action; whether that succeeded.
    pub(super) async fn tell(
        &self,
        promoted: &mut Promoted,
        action: &str,
        candidate: &Candidate,
        run: &str,
        intent: Option<&Intent>,
    ) -> bool {
        let Some(audit) = &self.promotion.audit else { return true };
        let record = self.line(promoted, action, candidate, run, intent);
        let Err(error) = audit.record(&record).await else { return true };
        let next = if self.journal().is_some() { "; the next run records it" } else { "" };
        promoted.notes.push(format!("it was not recorded{next}: {error}"));
        false
    }

    fn line(
        &self,
        promoted: &Promoted,
        action: &str,
        candidate: &Candidate,
        run: &str,
        intent: Option<&Intent>,
    ) -> AuditRecord {
        let who = &self.promotion.by;
        let said = |images: &super::Images| {
            let words: Vec<String> =
                images.iter().map(|(name, image)| format!("{name} {}", short(image))).collect();
            (!words.is_empty()).then(|| words.join(", "))
        };
        let mut record = AuditRecord::new(self.run.now(), who, action, &self.promotion.name)
            .change(said(&promoted.from), said(&promoted.to));
        let grounds: Vec<String> =
            promoted.grounds.iter().map(|(gate, said)| format!("{gate}: {said}")).collect();
        record = record.because(promoted.cause().map_or_else(|| grounds.join("; "), ToString::to_string));
        record = record.in_environment(&self.environment.name).fact(fact::RUN, run);
        if let Some(others) = intent.filter(|intent| intent.deployments.len() > 1) {
            let later: Vec<&str> = others.deployments.iter().skip(1).map(DeploymentId::as_str).collect();
            record = record.fact("taken up by", later.join(", "));
        }
        // When the way back began, it was seen to fail.
        let failed = promoted.outcome.iter().flat_map(|outcome| &outcome.timeline);
        if let Some(event) =
            failed.into_iter().find(|event| matches!(event.kind, EventKind::RollingBack { .. }))
        {
            record = record.fact(fact::FAILED, event.at.to_string());
        }
        if let Some(commit) = promoted.git_revision.as_ref() {
            record = record.fact(fact::COMMIT, commit);
        }
        if let Some(built) = candidate.built {
            record = record.fact(fact::BUILT, built.to_string());
        }
        for (name, image) in &promoted.to {
            if let Some(digest) = Reference::digest(image) {
                record = record.fact(fact::digest(name), digest.to_string());
            }
        }
        record
    }
}
