//! The way back in one environment: what was written down is taken back, and what failed is held.

use super::candidate::Candidate;
use super::promoted::{Promoted, Status};
use super::walk::{Walk, changes_of, said_of};
use super::written::Present;
use super::{Images, Promotion};
use crate::audit::action;
use crate::config::Note;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::journal::{Intent, Phase};
use crate::outcome::{Cause, Outcome, Status as Rolled};
use crate::run::Run;
use crate::tag::Hold;

/// What the status of a failed rollout says of the promotion.
pub(super) fn status(outcome: Option<&Outcome>) -> Status {
    match outcome.map(|outcome| outcome.status) {
        Some(Rolled::RollbackFailed | Rolled::Failed) => Status::UndoFailed,
        _ => Status::Undone,
    }
}

impl Walk<'_> {
    /// Nothing was written, unless by a run that was interrupted: that is taken back, because it may not be gone on with.
    pub(super) async fn refuse(
        &self,
        mut promoted: Promoted,
        interrupted: Option<Intent>,
        error: Error,
    ) -> Result<Promoted> {
        promoted.status = Status::Refused;
        if let Some(intent) = interrupted {
            let complete = self.environment.images().all(|name| promoted.from.contains_key(name));
            promoted.notes.push(if complete {
                self.take_back(intent, "it was refused").await?
            } else {
                "an interrupted promotion stands half done: there is nothing before it to go back to"
                    .to_owned()
            });
        }
        promoted.cause = Some(Cause::Error { error });
        let candidate = Candidate { revision: promoted.git_revision.clone(), ..Candidate::default() };
        self.tell(&mut promoted, action::REFUSE, &candidate, self.run.id().as_str(), None).await;
        Ok(promoted)
    }

    /// Takes back what an interrupted promotion left; what a person should know of it.
    pub(super) async fn take_back(&self, mut intent: Intent, why: &str) -> Result<String> {
        let record = intent.promotion.as_mut();
        let said = record.as_deref().map(said_of).unwrap_or_default();
        if let Some(record) = record {
            record.why = Some(format!("it was interrupted, and {why}"));
        }
        self.finish_undo(intent).await?;
        Ok(format!("an interrupted promotion was taken back: {said}"))
    }

    /// After a failure: the target is as before already, where it could be.
    pub(super) async fn undo(
        &self,
        mut promoted: Promoted,
        candidate: &Candidate,
        mut intent: Intent,
    ) -> Result<Promoted> {
        let holds = self.holds_of(&promoted);
        intent.phase = Phase::RollingBack;
        if let Some(record) = &mut intent.promotion {
            record.why = promoted.cause().map(ToString::to_string);
            record.holds.clone_from(&holds);
        }
        if let Err(error) = self.save(&intent).await {
            promoted.notes.push(format!("the journal does not say that it is being taken back: {error}"));
        }
        promoted.status = status(promoted.outcome.as_ref());
        let restored = self.restore(&intent).await;
        self.place(holds, &mut promoted).await;
        match restored {
            Ok(theirs) => promoted.notes.extend(theirs),
            Err(error) => {
                promoted.status = Status::UndoFailed;
                promoted.notes.push(format!("the next run takes back what is written down: {error}"));
            }
        }
        if promoted.status == Status::Undone {
            self.record(&mut promoted, action::UNDO, candidate, &intent).await;
        } else {
            // The journal stays, so that the next run brings back the rest.
            self.tell(&mut promoted, action::FAIL, candidate, run_of(&intent), None).await;
        }
        Ok(promoted)
    }

    /// Finishes the way back of a run that was interrupted: the target's too, because it is not known how far that had come.
    pub(super) async fn finish_undo(&self, mut intent: Intent) -> Result<()> {
        intent.phase = Phase::RollingBack;
        self.save(&intent).await?;
        let theirs = self.restore(&intent).await?;
        let Some(record) = intent.promotion.clone() else { return Ok(()) };
        let candidate = Candidate { images: record.to.clone(), ..Candidate::default() };
        let mut promoted = self.promoted(record.from, &candidate);
        // Before the target: what comes next may take its place, and must not choose what failed.
        self.place(record.holds, &mut promoted).await;
        self.redeploy(&promoted.from, theirs.is_none()).await?;
        promoted.status = Status::Undone;
        promoted.notes.extend(theirs);
        let why = record.why.unwrap_or_else(|| "it was interrupted".to_owned());
        promoted.cause = Some(Cause::Error { error: Error::new(ErrorKind::Cancelled, why) });
        self.record(&mut promoted, action::UNDO, &candidate, &intent).await;
        for message in promoted.notes {
            self.run.emit(EventKind::Warning { message });
        }
        Ok(())
    }

    /// Brings the target to what was there before, whatever an interrupted rollout left; where something else is written down now, only what
    /// the rollout left is undone.
    async fn redeploy(&self, from: &Images, is_written: bool) -> Result<()> {
        let Some(deployment) = &self.environment.deployment else { return Ok(()) };
        let run = self.backwards();
        if !is_written || !self.environment.images().all(|name| from.contains_key(name)) {
            return deployment.rollout.recover(run).await;
        }
        let images = match self.promotion.known(self.environment, from).await {
            Ok(known) => known.images,
            // A tag may be gone from the registry while the nodes still have its image.
            Err(error) if error.kind() == ErrorKind::NotFound => from.clone(),
            Err(error) => return Err(error),
        };
        let outcome = Box::pin(deployment.rollout.run(&self.bundle(&images).await?, run)).await?;
        match outcome.cause {
            Some(cause) if !outcome.status.is_success() && outcome.status != Rolled::Incomplete => {
                Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("what was there before did not come back: {cause}"),
                )
                .during("undo")
                .on(&self.environment.name)
                .help("run it again; the journal keeps what to go back to"))
            }
            _ => Ok(()),
        }
    }

    /// A run that goes back: cancelling it again does not stop it, but for a lock that is lost.
    fn backwards(&self) -> Run {
        self.run.clone().cancelled_by(self.lost.clone()).within(self.run.rules().rollback_timeout)
    }

    /// Takes back what is written down, but for what somebody else has changed since: that is told.
    async fn restore(&self, intent: &Intent) -> Result<Option<String>> {
        let store = &self.environment.store;
        let present = Present::read(&**store, &self.environment.lines, &self.promotion.images).await?;
        let (edits, theirs) = present.undo(changes_of(intent));
        let theirs = (!theirs.is_empty())
            .then(|| format!("somebody else has changed {} since: that stays", theirs.join(", ")));
        if edits.is_empty() {
            return Ok(theirs);
        }
        let keys: Vec<String> = edits.iter().map(|edit| edit.key.clone()).collect();
        let (run, note) = (self.backwards(), self.revert(intent));
        if let Err(error) = run.bounded("take back what is written down", store.set(&edits, &note)).await {
            let again = Present::read(&**store, &self.environment.lines, &self.promotion.images).await?;
            if !again.undo(changes_of(intent)).0.is_empty() {
                return Err(error);
            }
        }
        self.run.emit(EventKind::TakenBack { store: store.describe(), keys });
        Ok(theirs)
    }

    /// What is said of taking it back.
    fn revert(&self, intent: &Intent) -> Note {
        let Self { promotion: Promotion { name, .. }, environment, run, .. } = self;
        let Some(record) = &intent.promotion else { return Note::new(format!("Revert {name}")) };
        let mut note = Note::new(format!("Revert {name} in {}: {}", environment.name, said_of(record)));
        note = record.why.iter().fold(note, |note, why| note.fact("Reason", why));
        note.fact("Deployment", run.id().as_str())
    }

    /// What a failure says of the tags that were to run.
    pub(super) fn holds_of(&self, promoted: &Promoted) -> Vec<Hold> {
        let name = &self.environment.name;
        let Some(cause @ (Cause::Failed { .. } | Cause::TimedOut { .. } | Cause::Refuted { .. })) =
            promoted.cause()
        else {
            return Vec::new();
        };
        let mut holds =
            promoted.outcome.as_ref().map(|outcome| Hold::after(outcome, name)).unwrap_or_default();
        holds.retain(|hold| promoted.to.values().any(|image| *image.repository() == hold.image));
        if holds.is_empty() {
            let changed = promoted.to.iter().filter(|(name, image)| promoted.from.get(*name) != Some(*image));
            let by = format!("run {}", self.run.id());
            holds.extend(
                changed.filter_map(|(_, image)| Hold::of_failed(image, name, &by, self.run.now(), cause)),
            );
        }
        holds
    }

    pub(super) async fn place(&self, holds: Vec<Hold>, promoted: &mut Promoted) {
        let Some(kept) = &self.environment.holds else { return };
        for hold in holds {
            match kept.place(hold.clone()).await {
                Ok(()) => {
                    self.run.emit(EventKind::Holding { hold: hold.to_string() });
                    promoted.holds.push(hold);
                }
                Err(error) => promoted.notes.push(format!("{hold} was not kept: {error}")),
            }
        }
    }
}

/// The run that a record is about: the first one, so that a run that is taken up again is not recorded as another one.
pub(super) fn run_of(intent: &Intent) -> &str {
    intent.deployments.first().map_or("", |run| run.as_str())
}
