//! Nothing that is held back.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::subject::{decided, images, tag_of};
use super::tags::Tags;
use crate::ancestry::Ancestry;
use crate::error::Result;
use crate::guard::{Answer, Gate, Subject};
use crate::image::Repository;
use crate::tag::{Extent, Holds, TagPolicy};

/// Says no to tags that a [`Hold`](crate::tag::Hold) keeps back in the subject's environment.
///
/// ```
/// use std::sync::Arc;
/// use deploy_core::gate::NotHeld;
/// use deploy_core::guard::{Answer, Gate, Subject};
/// use deploy_core::memory::MemoryConfigStore;
/// use deploy_core::tag::{Hold, Holds};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "holds");
/// holds.place(Hold::not_past("shop/api".parse()?, "production", "v1.1.0".parse()?).by("ann").because("1.2 loses orders")).await?;
/// let gate = NotHeld::new(holds, "scheme=semver".parse()?);
/// let mut subject = Subject::new("production");
/// subject.images = vec!["shop/api:v1.2.0".into()];
/// let Answer::No { why } = gate.ask(&subject).await? else { panic!() };
/// assert!(why.starts_with("shop/api:v1.2.0 is held back: shop/api in production: not past v1.1.0 (ann at "));
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct NotHeld {
    holds: Holds,
    tags: Tags,
}

impl NotHeld {
    /// These holds; tags are compared by the order of this policy.
    pub fn new(holds: Holds, policy: TagPolicy) -> Self {
        Self { holds, tags: Tags::new(policy) }
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
}

#[async_trait]
impl Gate for NotHeld {
    fn describe(&self) -> String {
        "nothing that is held back".into()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        let images = images(subject)?;
        let mut all = self.holds.all().await?;
        all.retain(|hold| hold.environment == subject.environment);
        let mut no = Vec::new();
        for image in &images {
            let holds: Vec<_> =
                all.iter().filter(|hold| hold.image == *image.repository()).cloned().collect();
            if holds.is_empty() {
                continue;
            }
            let tag = tag_of(image)?;
            let policy = self.tags.policy(image.repository());
            // Only what is newer has to do with where commits stand.
            let bounds = holds.iter().filter(|hold| hold.extent == Extent::NotPast);
            let mut tags: Vec<&str> = bounds.map(|hold| hold.tag.as_str()).collect();
            let history = if tags.is_empty() {
                None
            } else {
                tags.push(tag);
                self.tags.history(policy, &tags).await?
            };
            if let Some(hold) = policy.held(tag, &holds, history.as_ref())? {
                no.push(format!("{image} is held back: {hold}"));
            }
        }
        Ok(decided(&no, || {
            format!("none of {} images is held back in {}", images.len(), subject.environment)
        }))
    }
}

impl fmt::Debug for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotHeld").field("holds", &self.holds).finish_non_exhaustive()
    }
}
