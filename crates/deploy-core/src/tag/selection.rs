//! The choice among tags.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use super::context::Context;
use super::judge::Judge;
use super::order::Key;
use super::policy::TagPolicy;
use super::verdict::Verdict;
use crate::error::{Error, ErrorKind, Result};

/// How many of the tags that came nearest an error names.
const NEAREST: usize = 3;

/// Chooses the newest of `tags` that may run, and says of each tag why it was chosen or not.
///
/// It looks at each tag once and keeps two bytes of it: the reasons are put into words only where they are asked for.
///
/// ```
/// use deploy_core::tag::{Context, TagPolicy, select};
///
/// let policy: TagPolicy = "scheme=branch.timestamp.sha branch=main".parse()?;
/// let tags = ["main.20261120-120000.aaaaaaa", "dev.20261121-090000.bbbbbbb", "main.20261121-080000.ccccccc", "latest"];
/// let context = Context::at("2026-11-21T10:00:00Z".parse()?).running("main.20261120-120000.aaaaaaa");
/// let selection = select(&policy, &tags, &context)?;
/// assert_eq!(selection.chosen()?, &"main.20261121-080000.ccccccc");
/// assert_eq!(selection.why(1), "branch is \"dev\": not branch=main");
/// println!("{}", selection.table(20));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if what runs, a hold, or a candidate's commit cannot be compared: it could be that something
/// older is chosen, and so nothing is. That no tag fits is no error here, but of [`Selection::chosen`].
pub fn select<'a, T: AsRef<str>>(
    policy: &'a TagPolicy,
    tags: &'a [T],
    context: &'a Context,
) -> Result<Selection<'a, T>> {
    let judge = Judge::new(policy, context)?;
    let mut verdicts = Vec::with_capacity(tags.len());
    let mut best: Option<(usize, &str, Key<'a>)> = None;
    let mut tied: Vec<usize> = Vec::new();
    for (index, tag) in tags.iter().enumerate() {
        let tag = tag.as_ref();
        let (verdict, key) = judge.judge(tag).map_err(|commit| judge.unknown(tag, commit))?;
        verdicts.push(verdict);
        let Some(key) = key.filter(|_| verdict.is_in()) else { continue };
        let order = best.as_ref().map_or(Ordering::Greater, |(_, _, than)| key.cmp(than));
        match order {
            Ordering::Greater => {
                tied.clear();
                best = Some((index, tag, key));
            }
            Ordering::Equal => {
                let loser = match &mut best {
                    Some((first, than, _)) if tag > *than => {
                        *than = tag;
                        std::mem::replace(first, index)
                    }
                    _ => index,
                };
                tied.push(loser);
            }
            Ordering::Less => {}
        }
    }
    let choice = best.map(|(index, ..)| index);
    let mut selection = Selection {
        policy,
        context,
        judge,
        tags,
        verdicts,
        choice,
        is_grouped: false,
        missing: BTreeMap::new(),
    };
    selection.mark(&tied, Verdict::Tied);
    selection.mark(choice.as_slice(), Verdict::Chosen);
    Ok(selection)
}

/// The choice among tags, and the reason for each of them. Made by [`select`].
#[must_use]
pub struct Selection<'a, T> {
    pub(super) policy: &'a TagPolicy,
    pub(super) context: &'a Context,
    pub(super) judge: Judge<'a>,
    pub(super) tags: &'a [T],
    pub(super) verdicts: Vec<Verdict>,
    pub(super) choice: Option<usize>,
    /// Whether a group decided what was chosen.
    pub(super) is_grouped: bool,
    /// Of some tags that are incomplete: which images of the group lack them.
    pub(super) missing: BTreeMap<usize, String>,
}

impl<'a, T> Selection<'a, T> {
    /// The policy it was made by.
    pub fn policy(&self) -> &'a TagPolicy {
        self.policy
    }

    /// The tags, as they were given.
    pub fn tags(&self) -> &'a [T] {
        self.tags
    }

    /// The choice, if there is one.
    pub fn choice(&self) -> Option<&'a T> {
        self.tags.get(self.choice?)
    }

    /// Whether each tag is in or out, and by which rule, in the order of the tags.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// How many tags came to each verdict, and what they are, the nearest to the choice first.
    pub fn counts(&self) -> Vec<(Verdict, String, usize)> {
        let mut counts: BTreeMap<u16, (Verdict, usize)> = BTreeMap::new();
        for verdict in &self.verdicts {
            counts.entry(verdict.distance()).or_insert((*verdict, 0)).1 += 1;
        }
        counts.into_values().map(|(verdict, count)| (verdict, verdict.of_all(self), count)).collect()
    }

    pub(super) fn mark(&mut self, indices: &[usize], verdict: Verdict) {
        for index in indices {
            if let Some(slot) = self.verdicts.get_mut(*index) {
                *slot = verdict;
            }
        }
    }
}

impl<'a, T: AsRef<str>> Selection<'a, T> {
    /// The choice.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if no tag may run: how many fell out by each rule, and which came nearest.
    pub fn chosen(&self) -> Result<&'a T> {
        self.choice().ok_or_else(|| {
            let message = match self.tags.len() {
                0 => "there are no tags".to_owned(),
                all => {
                    let counts = self.counts().into_iter().map(|(_, what, count)| format!("{count} {what}"));
                    let counts: Vec<String> = counts.collect();
                    let nearest = self.nearest(NEAREST).into_iter();
                    let nearest: Vec<String> =
                        nearest.map(|index| format!("{} ({})", self.tag(index), self.why(index))).collect();
                    format!(
                        "none of {all} tags fits: {}; the nearest: {}",
                        counts.join(", "),
                        nearest.join(", ")
                    )
                }
            };
            Error::new(ErrorKind::NotFound, message).during("select")
        })
    }

    /// The indices of the `count` tags that are nearest to the choice, it included: by the rules they kept, then the newest first.
    pub(super) fn nearest(&self, count: usize) -> Vec<usize> {
        let mut nearest: Vec<(u16, Option<Key<'_>>, usize)> = Vec::new();
        let mut bound = u16::MAX;
        for (index, verdict) in self.verdicts.iter().enumerate() {
            let distance = verdict.distance();
            if distance > bound {
                continue;
            }
            nearest.push((distance, self.judge.key(self.tag(index)), index));
            // Now and then only: each tag is moved a few times, whatever `count` is.
            if nearest.len() > count.saturating_mul(2).max(64) {
                nearest.sort_by(|left, right| self.by_distance(left, right));
                nearest.truncate(count);
                bound = nearest.last().map_or(0, |last| last.0);
            }
        }
        nearest.sort_by(|left, right| self.by_distance(left, right));
        nearest.truncate(count);
        nearest.into_iter().map(|(_, _, index)| index).collect()
    }

    fn by_distance(
        &self,
        left: &(u16, Option<Key<'_>>, usize),
        right: &(u16, Option<Key<'_>>, usize),
    ) -> Ordering {
        let newest_first = match (&left.1, &right.1) {
            (Some(left), Some(right)) => right.cmp(left),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        left.0.cmp(&right.0).then(newest_first).then_with(|| self.tag(right.2).cmp(self.tag(left.2)))
    }

    pub(super) fn tag(&self, index: usize) -> &'a str {
        self.tags.get(index).map_or("", AsRef::as_ref)
    }
}

impl<T: AsRef<str>> fmt::Debug for Selection<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
