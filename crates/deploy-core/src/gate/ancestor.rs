//! Nothing that is not on a branch.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::subject::{decided, images, tag_of};
use crate::ancestry::Ancestry;
use crate::error::{Error, Result};
use crate::guard::{Answer, Gate, Subject};
use crate::tag::TagPolicy;

/// Says no to commits that are not an ancestor of a head, as `main`: what was never merged.
///
/// It goes by [`Subject::git_revision`], or with [`AncestorOf::by_tags`] by the commit in each image's tag. A commit that git does not know is
/// an error.
///
/// ```
/// use std::sync::Arc;
/// use deploy_core::gate::AncestorOf;
/// use deploy_core::guard::{Answer, Gate, Subject};
/// use deploy_core::memory::MemoryAncestry;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let git = MemoryAncestry::line(["aaaaaaa", "bbbbbbb", "main"]).commit("ccccccc", ["aaaaaaa"]);
/// let gate = AncestorOf::new(Arc::new(git), "main").by_tags("scheme=branch.timestamp.sha".parse()?);
/// let mut subject = Subject::new("production");
/// subject.images = vec!["shop/api:dev.20261121-075325.ccccccc".into()];
/// let Answer::No { why } = gate.ask(&subject).await? else { panic!() };
/// assert_eq!(why, "the commit ccccccc of shop/api:dev.20261121-075325.ccccccc is not an ancestor of main");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct AncestorOf {
    ancestry: Arc<dyn Ancestry>,
    head: String,
    tags: Option<TagPolicy>,
}

impl AncestorOf {
    /// Ancestors of `head`, or `head` itself.
    pub fn new(ancestry: Arc<dyn Ancestry>, head: impl Into<String>) -> Self {
        Self { ancestry, head: head.into(), tags: None }
    }

    /// Goes by the commit in each image's tag, as the policy's scheme has it.
    #[must_use]
    pub fn by_tags(mut self, policy: TagPolicy) -> Self {
        self.tags = Some(policy);
        self
    }

    /// The commits, and whose they are.
    fn commits(&self, subject: &Subject) -> Result<Vec<(String, String)>> {
        let Some(policy) = &self.tags else {
            let revision = subject.git_revision.clone().filter(|revision| !revision.is_empty());
            let revision = revision.ok_or_else(|| {
                Error::invalid("the deployment names no git revision, so there is nothing to look at")
                    .help("name it in the gate's subject, or go by the commits in the tags")
            })?;
            return Ok(vec![(revision, "the deployment".into())]);
        };
        let commit = |image: crate::image::Reference| {
            let tag = tag_of(&image)?;
            let commit = policy.commit(tag).ok_or_else(|| {
                let what = format!("its tag has no commit by the scheme {}", policy.scheme());
                Error::invalid(what).on(format!("image {image}"))
            })?;
            Ok((commit.to_owned(), image.to_string()))
        };
        images(subject)?.into_iter().map(commit).collect()
    }
}

#[async_trait]
impl Gate for AncestorOf {
    fn describe(&self) -> String {
        format!("an ancestor of {}", self.head)
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (commit, whose) in self.commits(subject)? {
            if self.ancestry.is_ancestor(&commit, &self.head).await? {
                yes.push(format!("the commit {commit} of {whose} is an ancestor of {}", self.head));
            } else {
                no.push(format!("the commit {commit} of {whose} is not an ancestor of {}", self.head));
            }
        }
        Ok(decided(&no, || yes.join("; ")))
    }
}

impl fmt::Debug for AncestorOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AncestorOf").field("head", &self.head).finish_non_exhaustive()
    }
}
