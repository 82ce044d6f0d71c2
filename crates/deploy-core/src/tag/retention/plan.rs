//! The plan: each tag stays or can go.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::super::explain::printable;
use super::super::field::FieldType;
use super::super::order::{Key, Keyed};
use super::super::policy::USUAL_SKEW;
use super::super::spans::Spans;
use super::policy::Clause;
use super::{Fate, InUse, RetentionPolicy};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Digest, Repository, Tag};

/// A tag, its image, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The tag.
    pub tag: Tag,
    /// The digest that it stood for.
    pub digest: Digest,
    /// Whether it stays, and by which rule.
    pub fate: Fate,
}

/// As in `v1.0.0 stays: it runs in Deployment shop/api`.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.tag, if self.fate.stays() { "stays" } else { "can go" }, self.fate)
    }
}

/// What can go of a repository, and why the rest stays. Made by [`plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetentionPlan {
    policy: RetentionPolicy,
    repository: Repository,
    now: Timestamp,
    decisions: Vec<Decision>,
}

/// Says of all tags of `repository`, each with the digest that it stands for now, whether they can go.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if a tag stands there twice: the list is not what the repository holds.
pub fn plan(
    policy: &RetentionPolicy,
    repository: &Repository,
    tags: impl IntoIterator<Item = (Tag, Digest)>,
    in_use: &InUse,
    now: Timestamp,
) -> Result<RetentionPlan> {
    let tags: BTreeMap<Tag, Digest> =
        tags.into_iter().try_fold(BTreeMap::new(), |mut tags, (tag, digest)| {
            match tags.insert(tag.clone(), digest) {
                None => Ok(tags),
                Some(_) => Err(Error::new(ErrorKind::InvalidInput, format!("the tag {tag} is listed twice"))
                    .during("plan what can go of")
                    .on(repository)),
            }
        })?;
    let mut decisions = Judged::of(policy, &tags, now);
    for decision in &mut decisions {
        if let Some(fate) = in_use.fate(repository, &decision.tag, &decision.digest) {
            decision.fate = fate;
        }
    }
    // Where a registry deletes by digest only, all tags of an image go with it.
    let staying = decisions.iter().filter(|decision| decision.fate.stays());
    let staying: BTreeMap<Digest, Tag> =
        staying.rev().map(|decision| (decision.digest.clone(), decision.tag.clone())).collect();
    for decision in decisions.iter_mut().filter(|decision| !decision.fate.stays()) {
        if let Some(with) = staying.get(&decision.digest) {
            decision.fate = Fate::Shared { with: with.clone() };
        }
    }
    Ok(RetentionPlan { policy: policy.clone(), repository: repository.clone(), now, decisions })
}

/// Tags as their schemes read them.
struct Judged<'a> {
    clause: &'a Clause,
    spans: Spans,
    tag: &'a Tag,
    now: Timestamp,
}

impl<'a> Judged<'a> {
    /// What becomes of each tag by the policy alone, sorted by tag.
    fn of(policy: &'a RetentionPolicy, tags: &'a BTreeMap<Tag, Digest>, now: Timestamp) -> Vec<Decision> {
        let read = |tag: &'a Tag| {
            let mut schemes = policy.clauses.iter();
            schemes.find_map(|clause| {
                let spans = clause.scheme.read(tag.as_str()).ok()?;
                Some(Judged { clause, spans, tag, now })
            })
        };
        let judged: Vec<Option<Judged<'_>>> = tags.keys().map(read).collect();
        let places = places(&judged);
        let read = tags.iter().zip(judged.iter().zip(places));
        read.map(|((tag, digest), (judged, place))| {
            let fate = judged.as_ref().map_or(Fate::Unread, |judged| judged.fate(place));
            Decision { tag: tag.clone(), digest: digest.clone(), fate }
        })
        .collect()
    }

    fn fate(&self, place: Option<usize>) -> Fate {
        let Clause { last, younger, all, time, .. } = self.clause;
        if self.is_future() {
            return Fate::Future;
        }
        if *all {
            return Fate::All;
        }
        if last.is_some() && place.is_none() {
            return Fate::Unordered;
        }
        if let (Some(last), Some(place)) = (last, place)
            && place <= *last
        {
            return Fate::Last { place };
        }
        let age = match (younger, time) {
            (Some(younger), Some(time)) => match self.time(*time) {
                None => return Fate::Unordered,
                Some(built) => {
                    let age = self.now.since(built);
                    if age < *younger {
                        return Fate::Younger { age };
                    }
                    Some(age)
                }
            },
            _ => None,
        };
        Fate::Expired { place, age }
    }

    fn is_future(&self) -> bool {
        let latest: Timestamp = self.now + USUAL_SKEW;
        self.clause.times.iter().any(|field| self.time(*field).is_some_and(|time| time > latest))
    }

    fn time(&self, field: usize) -> Option<Timestamp> {
        match &self.clause.scheme.fields.get(field)?.kind {
            FieldType::Timestamp(format) => format.read(self.spans.get(field, self.tag.as_str())?),
            _ => None,
        }
    }

    /// What the tag is ordered by, where `last` counts it.
    fn key(&self) -> Option<Key<'a>> {
        let Clause { scheme, last: Some(_), order: Some(order), .. } = self.clause else { return None };
        match order.key(scheme, self.tag.as_str(), &self.spans, None) {
            Keyed::Key(key) if !self.is_future() => Some(key),
            _ => None,
        }
    }

    /// The values that its branch is made of.
    fn group(&self) -> Vec<Option<&'a str>> {
        self.clause.groups.iter().map(|field| self.spans.get(*field, self.tag.as_str())).collect()
    }
}

/// The place of each tag among those of its branch, the newest is 1; `None` where nothing counts it.
fn places(judged: &[Option<Judged<'_>>]) -> Vec<Option<usize>> {
    type Branch<'a> = (*const Clause, Vec<Option<&'a str>>);
    let mut branches: HashMap<Branch<'_>, Vec<(Key<'_>, &Tag, usize)>> = HashMap::new();
    for (index, tag) in judged.iter().enumerate() {
        if let Some(tag) = tag
            && let Some(key) = tag.key()
        {
            let branch = (std::ptr::from_ref(tag.clause), tag.group());
            branches.entry(branch).or_default().push((key, tag.tag, index));
        }
    }
    let mut places = vec![None; judged.len()];
    for mut branch in branches.into_values() {
        branch.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| right.1.cmp(left.1)));
        for (place, (_, _, index)) in branch.into_iter().enumerate() {
            if let Some(slot) = places.get_mut(index) {
                *slot = Some(place + 1);
            }
        }
    }
    places
}

impl RetentionPlan {
    /// The repository it is about.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Every tag, sorted.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The tags that can go, sorted.
    pub fn going(&self) -> impl Iterator<Item = &Decision> {
        self.decisions.iter().filter(|decision| !decision.fate.stays())
    }

    /// The images that can go, each with all of its tags: no tag that stays has one of them.
    pub fn images_going(&self) -> BTreeMap<&Digest, Vec<&Tag>> {
        let mut images: BTreeMap<&Digest, Vec<&Tag>> = BTreeMap::new();
        for decision in self.going() {
            images.entry(&decision.digest).or_default().push(&decision.tag);
        }
        images
    }

    /// All tags as a table, those that can go first.
    pub fn table(&self) -> impl fmt::Display + '_ {
        let width =
            self.decisions.iter().map(|decision| decision.tag.as_str().len()).max().unwrap_or(0).max(3);
        fmt::from_fn(move |f| {
            writeln!(f, "{:width$}  {:5}  {:9}  WHY", "TAG", "", "RULE")?;
            let stays = self.decisions.iter().filter(|decision| decision.fate.stays());
            for Decision { tag, fate, .. } in self.going().chain(stays) {
                let what = if fate.stays() { "stays" } else { "goes" };
                writeln!(
                    f,
                    "{:width$}  {what:5}  {:9}  {}",
                    tag.as_str(),
                    fate.rule(),
                    printable(&fate.to_string())
                )?;
            }
            Ok(())
        })
    }
}

/// As in `12 of 40 tags of shop/api can go, with 10 images`.
impl fmt::Display for RetentionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (going, images) = (self.going().count(), self.images_going().len());
        let s = if images == 1 { "" } else { "s" };
        write!(
            f,
            "{going} of {} tags of {} can go, with {images} image{s}",
            self.decisions.len(),
            self.repository
        )
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Decision", 5)?;
        out.serialize_field("tag", &self.tag)?;
        out.serialize_field("digest", &self.digest)?;
        out.serialize_field("stays", &self.fate.stays())?;
        out.serialize_field("rule", self.fate.rule())?;
        out.serialize_field("why", &self.fate.to_string())?;
        out.end()
    }
}

impl Serialize for RetentionPlan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("RetentionPlan", 6)?;
        out.serialize_field("repository", &self.repository)?;
        out.serialize_field("policy", &self.policy)?;
        out.serialize_field("now", &self.now)?;
        out.serialize_field("going", &self.going().count())?;
        out.serialize_field("images", &self.images_going().len())?;
        out.serialize_field("tags", &self.decisions)?;
        out.end()
    }
}
