//! The line of commits that a selection is held against.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::field::same_commit;
use crate::ancestry::Ancestry;
use crate::error::{Error, Result};

/// Where commits stand on the line that leads to a head: what `order=ancestry` goes by.
///
/// The line is that of first parents, which is what a branch itself has been: a commit that came in by a merge is not on it.
///
/// ```
/// use deploy_core::clock::Timestamp;
/// use deploy_core::tag::{Context, History, TagPolicy, select};
///
/// let policy: TagPolicy = "scheme=sha-short order=ancestry".parse()?;
/// let tags = ["sha-1111111", "sha-3333333", "sha-2222222"];
/// let history = History::line(["1111111", "2222222", "3333333"]);
/// let context = Context::at("2026-11-21T08:00:00Z".parse()?).history(history);
/// assert_eq!(select(&policy, &tags, &context)?.chosen()?, &"sha-3333333");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    head: String,
    /// `None` for a commit that is known and not on the line.
    places: BTreeMap<String, Option<u64>>,
}

impl History {
    /// The line itself, the oldest commit first, as `git log --reverse --first-parent --format=%H` prints it. Tags may abbreviate its commits.
    ///
    /// Every other commit is unknown, and no tag is chosen while one of the candidates is.
    pub fn line<C: Into<String>>(commits: impl IntoIterator<Item = C>) -> Self {
        let places: Vec<(String, Option<u64>)> =
            (0..).zip(commits).map(|(place, commit)| (commit.into(), Some(place))).collect();
        let head = places.last().map(|(commit, _)| commit.clone()).unwrap_or_default();
        Self { head, places: places.into_iter().collect() }
    }

    /// What `ancestry` knows of `commits` on the line to `head`, in one question.
    ///
    /// # Errors
    /// As for [`Ancestry::order`]: a commit that is not known there, which a shallow clone has many of, is an error.
    pub async fn read(ancestry: &dyn Ancestry, head: &str, commits: &[String]) -> Result<Self> {
        let places = ancestry.order(head, commits).await?;
        if places.len() != commits.len() {
            let what = format!("asked for {} commits, it answered for {}", commits.len(), places.len());
            return Err(Error::new(crate::error::ErrorKind::Internal, what).during("order commits"));
        }
        Ok(Self { head: head.into(), places: commits.iter().cloned().zip(places).collect() })
    }

    /// What the line leads to.
    pub fn head(&self) -> &str {
        &self.head
    }

    pub(super) fn place(&self, commit: &str) -> Place {
        let of = |place: &Option<u64>| place.map_or(Place::Elsewhere, Place::OnLine);
        if let Some(place) = self.places.get(commit) {
            return of(place);
        }
        let longer = self.places.range::<str, _>((Bound::Included(commit), Bound::Unbounded));
        let mut longer = longer.take_while(|(known, _)| same_commit(known, commit));
        match (longer.next(), longer.next()) {
            (Some((_, place)), None) => of(place),
            _ => Place::Unknown,
        }
    }
}

/// Where a commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    OnLine(u64),
    /// It is known, and not on the line.
    Elsewhere,
    /// Nothing is known of it, or its abbreviation could be two.
    Unknown,
}
