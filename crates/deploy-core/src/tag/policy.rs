//! Which tags may run, and which of them is the newest.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::{Asked, Condition, WHOLE_TAG};
use super::constraint::VersionConstraint;
use super::field::FieldType;
use super::order::{Order, OrderBy};
use super::scheme::TagScheme;
use super::{MAX_CONDITIONS, MAX_POLICY_LENGTH};
use crate::error::{Error, Result};

/// How far a tag's time may be ahead of the clock unless a policy says otherwise.
pub(super) const USUAL_SKEW: Duration = Duration::from_secs(300);

/// Which tags of a repository may run, and which of them is the newest.
///
/// Built by [`TagPolicy::builder`], or read from one line of text, which `Display` gives back:
///
/// | word | asks |
/// | --- | --- |
/// | `scheme=…` | how tags are written: see [`TagScheme`]; a template or `/regex/` may need quotes |
/// | `type=build:integer` | what a group of the `/regex/` holds |
/// | `branch=main` | a field is this, or one of several: `branch=main,hotfix` |
/// | `branch!=dev` | a field is not this |
/// | `branch~"release-.*"`, `tag!~".*-rc.*"` | a field, or the whole tag, matches (or does not) |
/// | `range=">=1.2 <2"` | the version is in it: see [`VersionConstraint`]; without it every release is, and no prerelease |
/// | `order=timestamp` | what is newer: a field, `lexical` (the whole tag), or `ancestry` (a supplied [`History`](super::History)); usually the scheme's time, or else its version, or else its integer |
/// | `skew=5m` | how far a time may be in the future (the default): `90s`, `5m`, `2h` |
/// | `downgrade=allow` | what is older than what runs may be chosen; never by default |
///
/// ```
/// use deploy_core::tag::{Condition, TagPolicy};
///
/// let policy: TagPolicy = "scheme=branch.timestamp.sha branch=main order=timestamp".parse()?;
/// let built = TagPolicy::builder("branch.timestamp.sha".parse()?).condition(Condition::is("branch", "main")).build()?;
/// assert_eq!(policy, built);
/// assert_eq!(policy.to_string(), "scheme=branch.timestamp.sha branch=main order=timestamp");
///
/// let error = "scheme=sha branch=main".parse::<TagPolicy>().unwrap_err();
/// let place = deploy_core::manifest::excerpt(&error).unwrap().to_string();
/// assert_eq!(place, "    1 | scheme=sha branch=main\n      |            ^");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagPolicy {
    pub(super) scheme: TagScheme,
    pub(super) conditions: Vec<Condition>,
    pub(super) asked: Vec<Asked>,
    /// The version field that the range is about.
    pub(super) version: Option<usize>,
    pub(super) range: VersionConstraint,
    pub(super) order: OrderBy,
    pub(super) skew: Duration,
    pub(super) downgrade: bool,
    /// The fields that are times.
    pub(super) times: Vec<usize>,
}

impl TagPolicy {
    /// A policy for tags of this scheme.
    pub fn builder(scheme: TagScheme) -> TagPolicyBuilder {
        TagPolicyBuilder {
            scheme,
            conditions: Vec::new(),
            range: None,
            order: None,
            skew: USUAL_SKEW,
            downgrade: false,
        }
    }

    /// How its tags are written.
    pub fn scheme(&self) -> &TagScheme {
        &self.scheme
    }

    /// What decides which tag is the newest.
    pub fn order(&self) -> Order {
        match &self.order {
            OrderBy::Lexical => Order::Lexical,
            OrderBy::Ancestry(_) => Order::Ancestry,
            OrderBy::Field(number) => Order::Field(
                self.scheme.fields.get(*number).map(|field| field.name.clone()).unwrap_or_default(),
            ),
        }
    }

    /// The same, of which something older than what runs may be chosen.
    #[must_use]
    pub fn allowing_downgrade(self) -> Self {
        Self { downgrade: true, ..self }
    }

    /// The commit that a tag was built from, by its fields: how one gets from what runs back to the source.
    ///
    /// `None` if the tag is not of the scheme, or the scheme has no commit.
    ///
    /// ```
    /// use deploy_core::tag::TagPolicy;
    ///
    /// let policy: TagPolicy = "scheme=branch.timestamp.sha".parse()?;
    /// assert_eq!(policy.commit("main.20261121-075325.4f1c2d9"), Some("4f1c2d9"));
    /// assert_eq!(policy.commit("latest"), None);
    /// # Ok::<(), deploy_core::error::Error>(())
    /// ```
    pub fn commit<'a>(&self, tag: &'a str) -> Option<&'a str> {
        self.scheme.read(tag).ok()?.get(self.scheme.commit()?, tag)
    }
}

/// Puts a [`TagPolicy`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct TagPolicyBuilder {
    pub(super) scheme: TagScheme,
    pub(super) conditions: Vec<Condition>,
    pub(super) range: Option<VersionConstraint>,
    pub(super) order: Option<Order>,
    pub(super) skew: Duration,
    pub(super) downgrade: bool,
}

/// The part of a policy that is wrong, so that its text can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Scheme,
    Condition(usize),
    Range,
    Order,
}

impl TagPolicyBuilder {
    /// Asks this of every tag, beside what was asked before.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Takes only versions that fit. Default: every release, no prerelease.
    pub fn range(mut self, range: VersionConstraint) -> Self {
        self.range = Some(range);
        self
    }

    /// Says what is newer. Default: the scheme's time, or else its version, or else its integer.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// How far a tag's time may be ahead of the clock, in whole seconds. Default 5 min.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = Duration::from_secs(skew.as_secs());
        self
    }

    /// Lets a tag be chosen that is older than what runs. Default: never.
    pub fn allow_downgrade(mut self) -> Self {
        self.downgrade = true;
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if the scheme lacks a field that is asked for, or says nothing of what is newer.
    pub fn build(self) -> Result<TagPolicy> {
        let about = format!("tag policy for {}", self.scheme);
        self.check().map_err(|(_, what)| Error::invalid(what).on(about))
    }

    pub(super) fn check(self) -> Result<TagPolicy, (Part, String)> {
        let Self { scheme, conditions, range, order, skew, downgrade } = self;
        if conditions.len() > MAX_CONDITIONS {
            return Err((
                Part::Condition(MAX_CONDITIONS),
                format!("a policy has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        let mut asked = Vec::new();
        for (number, condition) in conditions.iter().enumerate() {
            let name = condition.subject.as_str();
            let field = scheme.number(name);
            if field.is_none() && name != WHOLE_TAG {
                let fields: Vec<&str> = scheme.fields().collect();
                let what = format!(
                    "the scheme {scheme} has no field {name:?}; it has {}, and there is tag",
                    fields.join(", ")
                );
                return Err((Part::Condition(number), what));
            }
            condition.check_values().map_err(|problem| (Part::Condition(number), problem.what))?;
            let field = field.and_then(|number| Some((number, &scheme.fields.get(number)?.kind)));
            asked.push(Asked::new(condition, field).map_err(|what| (Part::Condition(number), what))?);
        }
        let version = scheme.fields.iter().position(|field| field.kind == FieldType::Version);
        if version.is_none() && range.is_some() {
            return Err((Part::Range, format!("a range needs a version, and the scheme {scheme} has none")));
        }
        let part = if order.is_some() { Part::Order } else { Part::Scheme };
        let order = OrderBy::check(order.as_ref(), &scheme).map_err(|what| (part, what))?;
        let is_time = |kind: &FieldType| matches!(kind, FieldType::Timestamp(_));
        let times = scheme.fields.iter().enumerate().filter(|(_, field)| is_time(&field.kind));
        let times = times.map(|(number, _)| number).collect();
        let range = range.unwrap_or_else(VersionConstraint::any);
        let policy = TagPolicy { scheme, conditions, asked, version, range, order, skew, downgrade, times };
        if policy.to_string().len() > MAX_POLICY_LENGTH {
            return Err((Part::Scheme, format!("a policy has at most {MAX_POLICY_LENGTH} bytes as text")));
        }
        Ok(policy)
    }
}
