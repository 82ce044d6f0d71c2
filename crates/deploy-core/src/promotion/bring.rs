//! What a walk does to the world: it reads and writes the store, and deploys.

use super::Images;
use super::candidate::Candidate;
use super::environment::{Deployment, Environment};
use super::promoted::{Promoted, summary};
use super::walk::Walk;
use super::written::{Change, Present};
use crate::config::{Entry, Note};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::manifest::{Bundle, ImageOverride};
use crate::rollout::Rollout;
use crate::rollout::held::cancelled;
use crate::rollout::verify::verify;

impl Walk<'_> {
    pub(super) async fn present(&self) -> Result<Present> {
        let Environment { store, lines, create_missing, name, .. } = self.environment;
        let present = Present::read(&**store, lines, &self.promotion.images).await?;
        match present.missing() {
            Some(key) if !create_missing => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no key \"{key}\" in {}", store.describe()),
            )
            .during("promote")
            .on(name)
            .help("see whether it is spelled right; create_missing makes a new one")),
            _ => Ok(present),
        }
    }

    /// Makes the edits; of an answer that was lost it is looked up whether they were made.
    pub(super) async fn write(
        &self,
        promoted: &Promoted,
        present: &Present,
        changes: &[Change],
    ) -> Result<()> {
        if self.run.cancel().is_cancelled() {
            return Err(cancelled());
        }
        let edits = present.edits(changes);
        if edits.is_empty() {
            return Ok(());
        }
        let store = &self.environment.store;
        if let Err(error) = store.set(&edits, &self.note(promoted)).await {
            // Whatever the store says of a lost answer.
            if !self.is_written(changes).await.unwrap_or_default() {
                return Err(error);
            }
        }
        let keys = edits.into_iter().map(|edit| edit.key).collect();
        self.run.emit(EventKind::Written { store: store.describe(), keys });
        Ok(())
    }

    pub(super) async fn is_written(&self, changes: &[Change]) -> Result<bool> {
        let keys: Vec<String> = changes.iter().map(|change| change.key.clone()).collect();
        let now = self.environment.store.get_all(&keys).await?;
        let stands = |(now, change): (&Option<Entry>, &Change)| {
            now.as_ref().map(|entry| &entry.value) == change.ours.last()
        };
        Ok(now.iter().zip(changes).all(stands))
    }

    /// What is said of the edits: the subject line, and each image as a fact.
    pub(super) fn note(&self, promoted: &Promoted) -> Note {
        let Self { promotion, environment, run, .. } = self;
        let what = summary(&promoted.from, &promoted.to, promoted.git_revision.as_deref());
        let mut note = Note::new(format!("Promote {} to {}: {what}", promotion.name, environment.name));
        for image in promoted.to.values() {
            note = note.fact("Image", image.to_string());
        }
        note = promoted.git_revision.iter().fold(note, |note, revision| note.fact("Revision", revision));
        note.fact("Deployment", run.id().as_str())
    }

    /// Deploys and verifies.
    pub(super) async fn bring(&self, promoted: &mut Promoted, candidate: &Candidate) {
        let Environment { name, checks, deployment, .. } = self.environment;
        let mut run = self.run.clone();
        if let Some(revision) = &candidate.revision {
            run = run.git_revision(revision);
        }
        let Some(Deployment { rollout, .. }) = deployment else {
            let run = run.clone().within(run.rules().timeout);
            promoted.cause = verify(checks, &self.subject(promoted), &run).await;
            return;
        };
        let rollout = checks.iter().cloned().fold(rollout.clone(), Rollout::check).environment(name);
        let rolled = match self.bundle(&candidate.images).await {
            Ok(bundle) => Box::pin(rollout.run(&bundle, run)).await,
            Err(error) => Err(error),
        };
        match rolled {
            Ok(outcome) => promoted.outcome = Some(outcome),
            Err(error) => promoted.cause = Some(error.into()),
        }
    }

    pub(super) async fn bundle(&self, images: &Images) -> Result<Bundle> {
        let Some(deployment) = &self.environment.deployment else { return Bundle::builder().build() };
        let mut builder = Bundle::builder().objects(deployment.source.load().await?);
        if let Some(namespace) = &self.environment.namespace {
            builder = builder.namespace(namespace);
        }
        for (name, image) in images {
            builder = builder.image(ImageOverride::new(name, &image.to_string())?);
        }
        builder.build()
    }
}
