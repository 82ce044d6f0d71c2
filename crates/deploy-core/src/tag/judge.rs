//! One tag: may it run, and what is it ordered by? Everything that is the same for all tags is looked at once.

use super::MAX_HOLDS;
use super::constraint::Fit;
use super::context::Context;
use super::field::{FieldType, same_commit};
use super::hold::Extent;
use super::order::{Key, Keyed, OrderBy};
use super::policy::TagPolicy;
use super::spans::Spans;
use super::verdict::Verdict;
use super::version::Version;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub(super) struct Judge<'a> {
    policy: &'a TagPolicy,
    context: &'a Context,
    /// No tag's time may be after it.
    latest: Timestamp,
    /// What runs is ordered by this.
    floor: Option<Key<'a>>,
    held: Vec<Held<'a>>,
}

enum Held<'a> {
    Past(Key<'a>),
    This { tag: &'a str, commit: Option<&'a str> },
}

/// What is found of a tag that is not out for what it says itself.
struct Read<'t> {
    spans: Spans,
    key: Keyed<'t>,
}

impl<'a> Judge<'a> {
    /// # Errors
    /// If what runs or is held cannot be compared: to pass over it could choose what it keeps back.
    pub(super) fn new(policy: &'a TagPolicy, context: &'a Context) -> Result<Self> {
        let mut judge = Self::of_commits(policy, context)?;
        if let (Some(tag), false) = (&context.running, policy.downgrade) {
            let key = judge.known_key(tag).map_err(|why| {
                Error::invalid(format!("what runs, \"{tag}\", cannot be compared: {why}"))
                    .during("select")
                    .help("downgrade=allow takes a tag whatever runs")
            })?;
            judge.floor = Some(key);
        }
        for hold in &context.holds {
            let held = match hold.extent {
                Extent::NotPast => judge.known_key(hold.tag.as_str()).map(Held::Past).map_err(|why| {
                    Error::invalid(format!("the hold of {} cannot be compared: {why}", hold.by))
                        .during("select")
                        .on(hold)
                        .help("lift it, or hold a tag that the policy's scheme can read")
                })?,
                Extent::NotThis => {
                    Held::This { tag: hold.tag.as_str(), commit: policy.commit(hold.tag.as_str()) }
                }
            };
            judge.held.push(held);
        }
        Ok(judge)
    }

    /// A judge that does not know yet where commits stand.
    pub(super) fn of_commits(policy: &'a TagPolicy, context: &'a Context) -> Result<Self> {
        if context.holds.len() > MAX_HOLDS {
            let what = format!("{} holds, over {MAX_HOLDS}", context.holds.len());
            return Err(Error::invalid(what).during("select"));
        }
        let latest = context.now + policy.skew;
        Ok(Self { policy, context, latest, floor: None, held: Vec::new() })
    }

    /// The commit of a tag that is in, as far as can be said without history.
    pub(super) fn candidate<'t>(&self, tag: &'t str) -> Option<&'t str> {
        let spans = self.read(tag).ok()?;
        spans.get(self.policy.scheme.commit()?, tag)
    }

    /// The verdict of one tag, as if it were alone; [`Verdict::Older`] if it is in.
    ///
    /// # Errors
    /// The tag's commit, if nothing is known of it.
    pub(super) fn judge<'t>(&self, tag: &'t str) -> Result<(Verdict, Option<Key<'t>>), &'t str> {
        let spans = match self.read(tag) {
            Ok(spans) => spans,
            Err(verdict) => return Ok((verdict, None)),
        };
        let Read { spans, key } = self.keyed(tag, spans);
        let key = match key {
            Keyed::Key(key) => key,
            Keyed::Missing => return Ok((Verdict::Unordered, None)),
            Keyed::Elsewhere(_) => return Ok((Verdict::Elsewhere, None)),
            Keyed::Unknown(commit) => return Err(commit),
        };
        let keeps = |held: &Held<'_>| match held {
            Held::Past(bound) => key.cmp(bound).is_gt(),
            Held::This { tag: held, commit } => {
                let ours = self.policy.scheme.commit().and_then(|number| spans.get(number, tag));
                tag == *held || commit.zip(ours).is_some_and(|(held, ours)| same_commit(held, ours))
            }
        };
        let verdict = match self.held.iter().zip(0..).find(|(held, _)| keeps(held)) {
            Some((_, number)) => Verdict::Held(number),
            None if self.floor.is_some_and(|floor| key.cmp(&floor).is_lt()) => Verdict::Downgrade,
            None => Verdict::Older,
        };
        Ok((verdict, Some(key)))
    }

    /// What a tag is ordered by, whether or not it is in.
    pub(super) fn key<'t>(&self, tag: &'t str) -> Option<Key<'t>> {
        let spans = self.policy.scheme.read(tag).ok()?;
        match self.keyed(tag, spans).key {
            Keyed::Key(key) => Some(key),
            _ => None,
        }
    }

    fn keyed<'t>(&self, tag: &'t str, spans: Spans) -> Read<'t> {
        let key = self.policy.order.key(&self.policy.scheme, tag, &spans, self.context.history.as_ref());
        Read { spans, key }
    }

    /// The rules that look at nothing but the tag and the clock.
    fn read(&self, tag: &str) -> Result<Spans, Verdict> {
        let TagPolicy { scheme, asked, version, range, times, .. } = self.policy;
        let spans = scheme.read(tag).map_err(|_| Verdict::Scheme)?;
        for (number, asked) in (0..).zip(asked) {
            let subject = match asked.field {
                Some(field) => spans.get(field, tag),
                None => Some(tag),
            };
            if !asked.holds(subject) {
                return Err(Verdict::Condition(number));
            }
        }
        if let Some(version) = version {
            let version = spans.get(*version, tag).and_then(Version::read).ok_or(Verdict::Range)?;
            match range.fit(&version) {
                Fit::Yes => {}
                Fit::No => return Err(Verdict::Range),
                Fit::Prerelease => return Err(Verdict::Prerelease),
            }
        }
        for number in times {
            let (Some(field), Some(text)) = (scheme.fields.get(*number), spans.get(*number, tag)) else {
                continue;
            };
            if let FieldType::Timestamp(format) = &field.kind
                && format.read(text).is_some_and(|time| time > self.latest)
            {
                return Err(Verdict::Future);
            }
        }
        Ok(spans)
    }

    fn known_key(&self, tag: &'a str) -> Result<Key<'a>, String> {
        self.policy.known_key(tag, self.context.history.as_ref())
    }

    pub(super) fn head(&self) -> &'a str {
        self.context.history.as_ref().map_or("the head", |history| history.head())
    }

    /// Why a selection cannot go on.
    pub(super) fn unknown(&self, tag: &str, commit: &str) -> Error {
        let error = Error::invalid(format!("nothing is known of the commit {commit} of the tag \"{tag}\""))
            .during("select");
        match (&self.policy.order, &self.context.history) {
            (OrderBy::Ancestry(_), None) => {
                error.help("order=ancestry needs the history: supply it with the context")
            }
            _ => error.help(
                "it could be the newest: supply the whole history, or leave the tag out by a condition",
            ),
        }
    }
}
