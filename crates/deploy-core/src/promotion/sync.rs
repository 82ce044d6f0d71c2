//! Writes down what really runs, after somebody changed it by hand.

use serde::Serialize;

use super::written::{Present, says};
use super::{Images, Promotion};
use crate::audit::{AuditRecord, action, fact};
use crate::config::Note;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Reference;
use crate::inventory::{Inventory, RunningImage};
use crate::run::Run;

/// One image of which something else runs than is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// The image's name.
    pub image: String,
    /// What is written down.
    pub written: Option<Reference>,
    /// What runs.
    pub running: Reference,
}

/// What runs beside what is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Synced {
    /// Where the two differ.
    pub differences: Vec<Difference>,
    /// The images that run nowhere: what is written of them stays.
    pub absent: Vec<String>,
    /// Whether the differences were written down.
    pub written: bool,
}

impl Promotion {
    /// Shows where something else runs in `namespace` than is written down for `environment`; where `write` says so, writes down what
    /// runs.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if an image runs with several tags at once: it is being rolled out, or by two workloads differently.
    /// What the inventory, the registry or the store meets. Then nothing is written.
    pub async fn sync(
        &self,
        environment: &str,
        inventory: &dyn Inventory,
        namespace: &str,
        write: bool,
        run: &Run,
    ) -> Result<Synced> {
        self.check()?;
        let environment = self.get(self.index(environment)?)?;
        let about = |error: Error| error.during("sync").on(&environment.name);
        let running = inventory.running(namespace).await?;
        let mut synced = Synced::default();
        let mut images = Images::new();
        for name in environment.images() {
            let Some(repository) = self.images.get(name) else { continue };
            let mut seen: Vec<Reference> = running
                .iter()
                .filter_map(reference)
                .filter(|image| image.repository() == repository)
                .collect();
            seen.sort();
            seen.dedup();
            match seen.as_slice() {
                [] => synced.absent.push(name.to_owned()),
                [image] => {
                    images.insert(name.to_owned(), image.clone());
                }
                several => {
                    let several: Vec<String> = several.iter().map(ToString::to_string).collect();
                    let what = format!("{name} runs as {}", several.join(" and "));
                    return Err(about(
                        Error::new(ErrorKind::Conflict, what)
                            .help("wait until its rollout is done, or write down yourself which one it is"),
                    ));
                }
            }
        }
        let images = self.known(environment, &images).await?.images;
        let store = &environment.store;
        let present = Present::read(&**store, &environment.lines, &self.images).await?;
        for (name, image) in &images {
            let written = present.images.get(name);
            if !says(written, image) {
                let (image_name, written) = (name.clone(), written.cloned());
                synced.differences.push(Difference { image: image_name, written, running: image.clone() });
            }
        }
        if !write || synced.differences.is_empty() {
            return Ok(synced);
        }
        let changes = present.changes(&environment.lines, &images)?;
        let mut note = Note::new(format!("Write down what runs in {}", environment.name));
        for each in &synced.differences {
            note = note.fact("Image", each.running.to_string());
        }
        store.set(&present.edits(&changes), &note).await?;
        synced.written = true;
        if let Some(audit) = &self.audit {
            let said = |images: Vec<String>| (!images.is_empty()).then(|| images.join(", "));
            let differences = &synced.differences;
            let from = said(
                differences
                    .iter()
                    .filter_map(|each| each.written.as_ref().map(ToString::to_string))
                    .collect(),
            );
            let to = said(differences.iter().map(|each| each.running.to_string()).collect());
            let record = AuditRecord::new(run.now(), &self.by, action::SYNC, &self.name)
                .because("something else ran than was written down")
                .change(from, to)
                .in_environment(&environment.name)
                .fact(fact::RUN, run.id().as_str());
            audit.record(&record).await?;
        }
        Ok(synced)
    }
}

/// What runs: the image as the workload asks for it, with the digest where all of its pods agree on one.
fn reference(running: &RunningImage) -> Option<Reference> {
    let image: Reference = running.image.parse().ok()?;
    match (image.digest(), running.digests.as_slice()) {
        (None, [digest]) => Some(image.with_digest(digest.parse().ok()?)),
        _ => Some(image),
    }
}
