//! How an image stands in a config store, and what is read from there. Pure but for [`Present::read`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Images;
use crate::config::{ConfigStore, Edit, Entry, Expect};
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Reference, Repository};

/// The form in which an image is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The tag alone, as in `v2`.
    Tag,
    /// The digest alone, as in `sha256:…`.
    Digest,
    /// Name and tag, as in `shop/api:v2`.
    Image,
    /// Name, tag and digest, as in `shop/api:v2@sha256:…`: what runs is then what was looked at, wherever the tag moves.
    Pinned,
}

/// One image under one key.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) image: String,
    pub(super) key: String,
    pub(super) form: Form,
}

impl Form {
    /// `image` in this form; it has a tag and a digest.
    fn write(self, image: &Reference) -> Result<String> {
        let lacks = |what: &str| Error::new(ErrorKind::Internal, format!("{image} has no {what} to write"));
        let tag = || image.tag().ok_or_else(|| lacks("tag"));
        let digest = || image.digest().ok_or_else(|| lacks("digest"));
        Ok(match self {
            Self::Tag => tag()?.to_string(),
            Self::Digest => digest()?.to_string(),
            Self::Image => Reference::tagged(image.repository().clone(), tag()?.clone()).familiar(),
            Self::Pinned => {
                digest()?;
                image.familiar()
            }
        })
    }

    /// What `text` says of the image in `repository`.
    fn read(self, text: &str, repository: &Repository) -> Result<Reference> {
        Ok(match self {
            Self::Tag => Reference::tagged(repository.clone(), text.parse()?),
            Self::Digest => Reference::pinned(repository.clone(), text.parse()?),
            Self::Image | Self::Pinned => text.parse()?,
        })
    }
}

/// What is written down now.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// By key.
    entries: BTreeMap<String, Option<Entry>>,
    /// By the images' names; images of which nothing is written are not in it.
    pub(super) images: Images,
}

/// What becomes of one key: kept in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) key: String,
    /// What stood there.
    pub(super) before: Option<String>,
    /// What runs under one intent may have put there, the newest last.
    pub(super) ours: Vec<String>,
}

impl Present {
    /// Reads all `lines`.
    pub(super) async fn read(
        store: &dyn ConfigStore,
        lines: &[Line],
        repositories: &BTreeMap<String, Repository>,
    ) -> Result<Self> {
        let mut present = Self::default();
        let keys: Vec<String> = lines.iter().map(|line| line.key.clone()).collect();
        for (line, entry) in lines.iter().zip(store.get_all(&keys).await?) {
            let on = |error: Error| error.inside(format!("{}, key \"{}\"", store.describe(), line.key));
            let repository = repositories.get(&line.image).ok_or_else(|| {
                on(Error::invalid(format!("the promotion has no image \"{}\"", line.image)))
            })?;
            // An empty value is a place for one, as charts have it.
            if let Some(Entry { value, .. }) = entry.as_ref().filter(|entry| !entry.value.is_empty()) {
                let said = line.form.read(value, repository).map_err(on)?;
                let known = present.images.get(&line.image).cloned();
                present.images.insert(line.image.clone(), joined(known, said));
            }
            present.entries.insert(line.key.clone(), entry);
        }
        Ok(present)
    }

    /// The keys that change when `wanted` is written: nothing for a key that says it already.
    pub(super) fn changes(&self, lines: &[Line], wanted: &Images) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for line in lines {
            let Some(image) = wanted.get(&line.image) else { continue };
            let after = line.form.write(image)?;
            let before = self.value(&line.key);
            if before.as_ref() != Some(&after) {
                changes.push(Change { key: line.key.clone(), before, ours: vec![after] });
            }
        }
        Ok(changes)
    }

    fn value(&self, key: &str) -> Option<String> {
        Some(self.entries.get(key)?.as_ref()?.value.clone())
    }

    /// The first key without a value.
    pub(super) fn missing(&self) -> Option<&str> {
        Some(self.entries.iter().find(|(_, entry)| entry.is_none())?.0)
    }

    /// The edits that make `changes`, on the condition of what was read.
    pub(super) fn edits(&self, changes: &[Change]) -> Vec<Edit> {
        let edits = changes.iter().filter_map(|change| {
            let after = change.ours.last()?;
            let now = self.entries.get(&change.key)?.as_ref();
            if now.is_some_and(|now| now.value == *after) {
                return None;
            }
            let expect = now.map_or(Expect::Absent, |now| Expect::Version(now.version.clone()));
            Some(Edit::put(&change.key, after).expecting(expect))
        });
        edits.collect()
    }

    /// The edits that take `changes` back, and the keys that somebody else has changed since.
    pub(super) fn undo(&self, changes: &[Change]) -> (Vec<Edit>, Vec<String>) {
        let (mut edits, mut theirs) = (Vec::new(), Vec::new());
        for Change { key, before, ours } in changes {
            let now = self.value(key);
            if now == *before {
                continue;
            }
            match now.filter(|now| ours.contains(now)) {
                Some(now) => {
                    let edit = match before {
                        Some(before) => Edit::put(key, before),
                        None => Edit::remove(key),
                    };
                    edits.push(edit.expecting(Expect::Value(now)));
                }
                None => theirs.push(key.clone()),
            }
        }
        (edits, theirs)
    }
}

/// What two keys say of one image.
fn joined(known: Option<Reference>, said: Reference) -> Reference {
    let Some(known) = known else { return said };
    let (tagged, other) = if known.tag().is_some() { (known, said) } else { (said, known) };
    match (tagged.digest(), other.digest()) {
        (None, Some(digest)) => {
            let digest = digest.clone();
            tagged.with_digest(digest)
        }
        _ => tagged,
    }
}

/// Whether what is written says the same as `wanted`, as far as it says anything.
pub(super) fn says(written: Option<&Reference>, wanted: &Reference) -> bool {
    written.is_some_and(|written| {
        written.repository() == wanted.repository()
            && written.tag().is_none_or(|tag| Some(tag) == wanted.tag())
            && written.digest().is_none_or(|digest| Some(digest) == wanted.digest())
    })
}

/// The intent that is taken up keeps its older sight of each key.
pub(super) fn taken_up(earlier: Vec<Change>, mut changes: Vec<Change>, present: &Present) -> Vec<Change> {
    for old in earlier {
        match changes.iter_mut().find(|change| change.key == old.key) {
            Some(change) => {
                change.before = old.before;
                change.ours = old.ours.into_iter().chain(std::mem::take(&mut change.ours)).collect();
            }
            // What an earlier run wrote is what is wanted now.
            None => {
                let now = present.value(&old.key).filter(|now| Some(now) != old.before.as_ref());
                changes.extend(now.map(|now| Change { ours: [old.ours, vec![now]].concat(), ..old }));
            }
        }
    }
    changes
}
