//! The tags of a repository, page by page (distribution specification, "Listing Tags").

use deploy_core::error::{Error, Result};
use deploy_core::image::{Repository, Tag};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::Method;
use serde::Deserialize;

use super::pages::{Pages, Seen};
use crate::cache;
use crate::registry::OciRegistry;
use crate::transport::{Budget, Read, Request};

/// Asked for in one page. More is an error at some registries (ECR).
const PAGE: usize = 1000;
/// A registry may ignore that: the largest page that is read, in bytes.
const MAX_PAGE: u64 = 32 << 20;

/// Each tag once, in the registry's order.
pub(crate) fn tags(registry: &OciRegistry, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
    let listing = Listing {
        registry: registry.clone(),
        repository: repository.clone(),
        budget: registry.transport().budget(),
        pages: None,
        seen: Seen::default(),
    };
    let pages = stream::unfold(Some(listing), async |listing| {
        let mut listing = listing?;
        match listing.page().await {
            Ok(Some(tags)) => Some((Ok(tags), Some(listing))),
            Ok(None) => None,
            Err(error) => Some((Err(error.during("list the tags of").on(&listing.repository)), None)),
        }
    });
    pages
        .flat_map(|page| {
            let (tags, error) = match page {
                Ok(tags) => (tags, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            stream::iter(tags.into_iter().map(Ok).chain(error))
        })
        .boxed()
}

struct Listing {
    registry: OciRegistry,
    repository: Repository,
    budget: Budget,
    pages: Option<Pages>,
    seen: Seen,
}

/// Null and missing tags are none: a repository whose last tag was deleted.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

impl Listing {
    /// The new tags of the next page; `None` after the last.
    async fn page(&mut self) -> Result<Option<Vec<Tag>>> {
        let limits = self.registry.limits();
        let pages = match &mut self.pages {
            Some(pages) => pages,
            none => {
                let path = format!("/v2/{}/tags/list?n={PAGE}", self.repository.path());
                let first = self.registry.transport().url(self.repository.domain(), &path)?;
                none.insert(Pages::from(first, limits.pages))
            }
        };
        let Some(url) = pages.current() else { return Ok(None) };
        let request = Request::new(Method::GET, self.repository.domain(), url.clone())
            .accept("application/json")
            .scope(self.repository.path(), "pull")
            .read(Read::Whole(MAX_PAGE));
        let answer = cache::revalidated(&self.registry, &self.budget, request).await?;
        let page: Page = answer.json("a list of tags")?;
        let mut tags = page.tags.unwrap_or_default();
        let seen = &mut self.seen;
        seen.expect(tags.len());
        tags.retain(|tag| seen.insert(tag.as_str()));
        if self.seen.len() > limits.tags {
            let message = format!("it has more than the {} tags that are allowed", limits.tags);
            return Err(Error::invalid(message).help("delete old tags, or allow more"));
        }
        pages.advance(&answer, !tags.is_empty())?;
        Ok(Some(tags))
    }
}
