//! Holds: what a rollback or a person says must not run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::image::{Repository, Tag};

/// How much a [`Hold`] keeps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Extent {
    /// Nothing newer than the tag: what a person says who went back.
    NotPast,
    /// Neither the tag nor another of the same commit, so that what comes after it may run: what a failed rollout says.
    NotThis,
}

/// What somebody said must not run, until it is lifted.
///
/// ```
/// use deploy_core::clock::Timestamp;
/// use deploy_core::tag::{Context, Hold, TagPolicy, select};
///
/// let policy: TagPolicy = "scheme=semver".parse()?;
/// let now: Timestamp = "2026-11-21T08:00:00Z".parse()?;
/// let hold = Hold::not_past("shop/api".parse()?, "production", "v1.1.0".parse()?).by("ann").at(now).because("1.2 loses orders");
/// let tags = ["v1.0.0", "v1.1.0", "v1.2.0"];
/// let context = Context::at(now).holds([hold]);
/// let selection = select(&policy, &tags, &context)?;
/// assert_eq!(selection.chosen()?, &"v1.1.0");
/// assert_eq!(selection.why(2), "newer than v1.1.0, and ann held it there at 2026-11-21T08:00:00Z: 1.2 loses orders");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Hold {
    /// Which image.
    pub image: Repository,
    /// Where, as in `production`.
    pub environment: String,
    /// The tag it is about.
    pub tag: Tag,
    /// How much it keeps back.
    pub extent: Extent,
    /// Who: a person, or the run that went back.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

impl Hold {
    /// Nothing newer than `tag` may run.
    pub fn not_past(image: Repository, environment: impl Into<String>, tag: Tag) -> Self {
        Self::new(image, environment.into(), tag, Extent::NotPast)
    }

    /// `tag` may not run, nor another of the same commit.
    pub fn not_this(image: Repository, environment: impl Into<String>, tag: Tag) -> Self {
        Self::new(image, environment.into(), tag, Extent::NotThis)
    }

    fn new(image: Repository, environment: String, tag: Tag, extent: Extent) -> Self {
        let at = Timestamp::UNIX_EPOCH;
        Self { image, environment, tag, extent, by: "nobody".into(), at, why: "no reason given".into() }
    }

    /// Who holds it.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = who.into();
        self
    }

    /// Since when.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = time;
        self
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Whether it is about `image` in `environment`.
    pub fn is_on(&self, image: &Repository, environment: &str) -> bool {
        self.image == *image && self.environment == environment
    }

    /// Whether both keep back the same, whoever said so.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_on(&other.image, &other.environment) && (&self.tag, self.extent) == (&other.tag, other.extent)
    }
}

/// One line, as in `shop/api in production: not past v1.1.0 (ann at 2026-11-21T08:00:00Z: 1.2 loses orders)`.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, environment, tag, extent, by, at, why } = self;
        let extent = match extent {
            Extent::NotPast => "not past",
            Extent::NotThis => "not",
        };
        write!(f, "{image} in {environment}: {extent} {tag} ({by} at {at}: {why})")
    }
}
