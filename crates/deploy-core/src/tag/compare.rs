//! Two tags held against each other, and one against holds: what gates ask where nothing is to be chosen.

use std::cmp::Ordering;

use super::field::same_commit;
use super::history::History;
use super::hold::{Extent, Hold};
use super::order::{Key, Keyed};
use super::policy::TagPolicy;
use crate::error::{Error, Result};

impl TagPolicy {
    /// Which of two tags is the newer by this policy's order: [`Ordering::Greater`] if `tag` is. Equal are those that the order does not tell
    /// apart. Its conditions and its range are not asked.
    ///
    /// ```
    /// use std::cmp::Ordering;
    /// use deploy_core::tag::TagPolicy;
    ///
    /// let policy: TagPolicy = "scheme=semver".parse()?;
    /// assert_eq!(policy.compare("v1.10.0", "v1.9.0", None)?, Ordering::Greater);
    /// assert!(policy.compare("v1.10.0", "latest", None).is_err());
    /// # Ok::<(), deploy_core::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if one of them is not of the scheme, lacks what decides, or, with `order=ancestry`,
    /// is of a commit that `history` does not place.
    pub fn compare(&self, tag: &str, other: &str, history: Option<&History>) -> Result<Ordering> {
        let key = |tag| {
            self.known_key(tag, history).map_err(|why| {
                Error::invalid(format!("the tag \"{}\" cannot be compared: {why}", tag.escape_default()))
            })
        };
        Ok(key(tag)?.cmp(&key(other)?))
    }

    /// The first of `holds` that keeps `tag` back.
    ///
    /// # Errors
    /// As for [`TagPolicy::compare`]: passing over a hold could let through what it keeps back.
    pub(crate) fn held<'h>(
        &self,
        tag: &str,
        holds: &'h [Hold],
        history: Option<&History>,
    ) -> Result<Option<&'h Hold>> {
        for hold in holds {
            let keeps = match hold.extent {
                Extent::NotPast => {
                    self.compare(tag, hold.tag.as_str(), history).map_err(|error| error.on(hold))?.is_gt()
                }
                Extent::NotThis => {
                    let commits = self.commit(tag).zip(self.commit(hold.tag.as_str()));
                    tag == hold.tag.as_str() || commits.is_some_and(|(ours, held)| same_commit(ours, held))
                }
            };
            if keeps {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    /// What a tag is ordered by, or why that cannot be said.
    pub(super) fn known_key<'t>(&self, tag: &'t str, history: Option<&History>) -> Result<Key<'t>, String> {
        let spans = self.scheme.read(tag).map_err(|mismatch| self.scheme.explain(tag, mismatch))?;
        match self.order.key(&self.scheme, tag, &spans, history) {
            Keyed::Key(key) => Ok(key),
            Keyed::Missing => Err(format!("it has no {}", self.order())),
            Keyed::Elsewhere(commit) => {
                let head = history.map_or("the head", |history| history.head());
                Err(format!("its commit {commit} is not on the line to {head}"))
            }
            Keyed::Unknown(commit) => Err(format!("nothing is known of its commit {commit}")),
        }
    }
}
