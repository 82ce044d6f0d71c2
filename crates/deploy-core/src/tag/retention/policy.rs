//! Which tags are kept for what they are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::MAX_FIELDS;
use super::super::field::FieldType;
use super::super::order::OrderBy;
use super::super::scheme::TagScheme;
use super::{MAX_DAYS, MAX_LAST};
use crate::error::{Error, Result};

/// One hour, in which `younger` counts.
pub(super) const HOUR: u64 = 3600;

/// Which tags are kept for what they are; the rest can go unless it is in use.
///
/// Built by [`RetentionPolicy::builder`], or read from one line of text, which `Display` gives back. A scheme is followed by its rules;
/// a tag is judged by the first scheme that reads it, and stays if one of the rules keeps it:
///
/// | word | keeps |
/// | --- | --- |
/// | `scheme=…` | nothing yet: how tags are written, as in a [`TagPolicy`](super::super::TagPolicy). What no scheme reads is kept |
/// | `type=build:integer` | nothing: what a group of the `/regex/` before it holds |
/// | `last=10` | the newest 10 of each branch: of each value of the scheme's texts |
/// | `younger=30d` | what was built less than 30 days ago by its tag: `12h`, `30d`, `8w` |
/// | `keep=all` | all of them |
///
/// ```
/// use deploy_core::tag::retention::RetentionPolicy;
///
/// let policy: RetentionPolicy = "scheme=branch.timestamp.sha last=10 younger=30d scheme=semver keep=all".parse()?;
/// assert_eq!(policy.to_string(), "scheme=branch.timestamp.sha last=10 younger=30d scheme=semver keep=all");
///
/// let error = "scheme=sha last=10".parse::<RetentionPolicy>().unwrap_err();
/// let place = deploy_core::manifest::excerpt(&error).unwrap().to_string();
/// assert_eq!(place, "    1 | scheme=sha last=10\n      |            ^");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RetentionPolicy {
    pub(super) clauses: Vec<Clause>,
}

/// A scheme with its rules, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) scheme: TagScheme,
    pub(super) last: Option<usize>,
    /// In whole hours.
    pub(super) younger: Option<Duration>,
    pub(super) all: bool,
    /// What says which tag is the newer; there wherever `last` is.
    pub(super) order: Option<OrderBy>,
    /// The field that says how old a tag is; there wherever `younger` is.
    pub(super) time: Option<usize>,
    /// The fields that are times.
    pub(super) times: Vec<usize>,
    /// The fields by which tags are put together: texts, but for what they are ordered by.
    pub(super) groups: Vec<usize>,
}

impl RetentionPolicy {
    /// A policy without schemes yet.
    pub fn builder() -> RetentionPolicyBuilder {
        RetentionPolicyBuilder::default()
    }
}

/// Puts a [`RetentionPolicy`] together: each scheme, then its rules.
///
/// ```
/// use deploy_core::tag::retention::RetentionPolicy;
/// use std::time::Duration;
///
/// let week = Duration::from_secs(7 * 24 * 3600);
/// let policy = RetentionPolicy::builder()
///     .scheme("branch-sha".parse()?).keep_all()
///     .scheme("run-timestamp".parse()?).keep_last(5).keep_younger(week)
///     .build()?;
/// assert_eq!(policy.to_string(), "scheme=branch-sha keep=all scheme=run-timestamp last=5 younger=7d");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RetentionPolicyBuilder {
    clauses: Vec<Draft>,
    /// A rule stood before any scheme.
    early: bool,
}

#[derive(Clone, Debug)]
struct Draft {
    scheme: TagScheme,
    last: Option<usize>,
    younger: Option<Duration>,
    all: bool,
}

/// The part of a policy that is wrong, so that its text can be pointed at; each with the number of its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Scheme(usize),
    Last(usize),
    Younger(usize),
}

impl RetentionPolicyBuilder {
    /// Tags that are written so and by no scheme before it; its rules follow.
    pub fn scheme(mut self, scheme: TagScheme) -> Self {
        self.clauses.push(Draft { scheme, last: None, younger: None, all: false });
        self
    }

    /// Keeps the newest `count` of each branch.
    pub fn keep_last(self, count: usize) -> Self {
        self.rule(|clause| clause.last = Some(count))
    }

    /// Keeps what was built less than `age` ago, in whole hours.
    pub fn keep_younger(self, age: Duration) -> Self {
        self.rule(|clause| clause.younger = Some(Duration::from_secs(age.as_secs() / HOUR * HOUR)))
    }

    /// Keeps all of them.
    pub fn keep_all(self) -> Self {
        self.rule(|clause| clause.all = true)
    }

    fn rule(mut self, set: impl FnOnce(&mut Draft)) -> Self {
        match self.clauses.last_mut() {
            Some(clause) => set(clause),
            None => self.early = true,
        }
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for no scheme, a scheme without a rule, one that stands there twice, or one that
    /// does not say what a rule needs; for numbers that are too small or too large.
    pub fn build(self) -> Result<RetentionPolicy> {
        self.check().map_err(|(_, what)| Error::invalid(what).on("retention policy"))
    }

    pub(super) fn check(self) -> Result<RetentionPolicy, (Part, String)> {
        if self.early || self.clauses.is_empty() {
            let what = "a policy begins with how tags are written, as in scheme=branch.timestamp.sha";
            return Err((Part::Scheme(0), what.into()));
        }
        if self.clauses.len() > MAX_FIELDS {
            return Err((Part::Scheme(MAX_FIELDS), format!("a policy has at most {MAX_FIELDS} schemes")));
        }
        let mut clauses: Vec<Clause> = Vec::new();
        for (number, draft) in self.clauses.into_iter().enumerate() {
            if clauses.iter().any(|clause| clause.scheme == draft.scheme) {
                let what =
                    format!("the scheme {} stands here twice; the first reads all of its tags", draft.scheme);
                return Err((Part::Scheme(number), what));
            }
            clauses.push(draft.check(number)?);
        }
        Ok(RetentionPolicy { clauses })
    }
}

impl Draft {
    fn check(self, number: usize) -> Result<Clause, (Part, String)> {
        let Self { scheme, last, younger, all } = self;
        if last.is_none() && younger.is_none() && !all {
            let what =
                format!("say which tags of the scheme {scheme} are kept: last=10, younger=30d or keep=all");
            return Err((Part::Scheme(number), what));
        }
        let order = OrderBy::check(None, &scheme).ok();
        if let Some(last) = last {
            if !(1..=MAX_LAST).contains(&last) {
                return Err((Part::Last(number), format!("last keeps 1 to {MAX_LAST} tags")));
            }
            if order.is_none() {
                let what = format!("the scheme {scheme} does not say which of its tags are the last");
                return Err((Part::Last(number), what));
            }
        }
        let is_time = |kind: &FieldType| matches!(kind, FieldType::Timestamp(_));
        let times: Vec<usize> =
            (0..).zip(&scheme.fields).filter(|(_, field)| is_time(&field.kind)).map(|(at, _)| at).collect();
        let mut time = None;
        if let Some(younger) = younger {
            let hours = younger.as_secs() / HOUR;
            if !(1..=MAX_DAYS * 24).contains(&hours) {
                return Err((Part::Younger(number), format!("younger keeps 1h to {MAX_DAYS}d")));
            }
            let named = scheme.number("timestamp").filter(|at| times.contains(at));
            time = named.or_else(|| times.first().copied().filter(|_| times.len() == 1));
            if time.is_none() {
                let what = if times.is_empty() {
                    format!("the scheme {scheme} does not say when an image was built")
                } else {
                    format!("the scheme {scheme} has several times, and none of them is called timestamp")
                };
                return Err((Part::Younger(number), what));
            }
        }
        let is_order = |at: &usize| matches!(order, Some(OrderBy::Field(by)) if by == *at);
        let is_text = |at: &usize| scheme.fields.get(*at).is_some_and(|field| field.kind == FieldType::Text);
        let groups = (0..scheme.fields.len()).filter(|at| is_text(at) && !is_order(at)).collect();
        Ok(Clause { scheme, last, younger, all, order, time, times, groups })
    }
}
