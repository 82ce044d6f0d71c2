//! Nothing older than what runs.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::subject::{changes, decided, tag_of};
use super::tags::Tags;
use crate::ancestry::Ancestry;
use crate::error::Result;
use crate::guard::{Answer, Gate, Subject};
use crate::image::{Reference, Repository};
use crate::tag::TagPolicy;

/// Says no to tags that are older than what they take the place of, by the order of a [`TagPolicy`] ([`TagPolicy::compare`]).
///
/// It needs [`Subject::before`]. An image that takes the place of none is fine; tags that cannot be compared are an error.
#[derive(Clone)]
pub struct NeverDowngrade {
    tags: Tags,
    allowed: Option<String>,
}

impl NeverDowngrade {
    /// By the order of this policy.
    pub fn new(policy: TagPolicy) -> Self {
        Self { tags: Tags::new(policy), allowed: None }
    }

    /// By the order of another policy for this image.
    #[must_use]
    pub fn image(mut self, image: Repository, policy: TagPolicy) -> Self {
        self.tags.image(image, policy);
        self
    }

    /// Where commits stand on the line to `head`, for policies with `order=ancestry`.
    #[must_use]
    pub fn ancestry(mut self, ancestry: Arc<dyn Ancestry>, head: impl Into<String>) -> Self {
        self.tags.git(ancestry, head.into());
        self
    }

    /// Lets everything through, what cannot be compared too; `why` stands in the grounds of its yes.
    #[must_use]
    pub fn allow(mut self, why: impl Into<String>) -> Self {
        self.allowed = Some(why.into());
        self
    }

    async fn judge(&self, image: &Reference, before: &Reference) -> Result<Ordering> {
        let (tag, old) = (tag_of(image)?, tag_of(before)?);
        if tag == old {
            return Ok(Ordering::Equal);
        }
        let policy = self.tags.policy(image.repository());
        let history = self.tags.history(policy, &[tag, old]).await?;
        policy.compare(tag, old, history.as_ref()).map_err(|error| error.on(format!("image {image}")))
    }
}

#[async_trait]
impl Gate for NeverDowngrade {
    fn describe(&self) -> String {
        "never a downgrade".into()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (image, before) in changes(subject)? {
            let Some(before) = before else {
                yes.push(format!("{image} is new"));
                continue;
            };
            let old = before.tag().map_or_else(|| before.to_string(), ToString::to_string);
            match (self.judge(&image, &before).await, &self.allowed) {
                (Ok(Ordering::Less), _) => {
                    no.push(format!("{image} is older than {old}, which it would take the place of"));
                }
                (Ok(Ordering::Equal), _) => yes.push(format!("{image} is as old as {old}")),
                (Ok(Ordering::Greater), _) => yes.push(format!("{image} is newer than {old}")),
                (Err(error), Some(_)) => no.push(error.to_string()),
                (Err(error), None) => {
                    return Err(error.help("what cannot be compared must be allowed by name"));
                }
            }
        }
        Ok(match &self.allowed {
            Some(why) if !no.is_empty() => {
                Answer::Yes { grounds: format!("{}; allowed: {why}", no.join("; ")) }
            }
            _ => decided(&no, || yes.join("; ")),
        })
    }
}

impl fmt::Debug for NeverDowngrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeverDowngrade").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}
