//! What refers to an image (distribution specification, "Listing Referrers"), with the tag schema where a registry has no such listing.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::Referrer;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::pages::{Pages, Seen};
use crate::content::{Descriptor, OCI_INDEX};
use crate::read;
use crate::registry::OciRegistry;
use crate::transport::{Budget, Read, Request};

const MAX_PAGE: u64 = 32 << 20;
/// More artifacts of one image are an error.
const MAX_REFERRERS: usize = 10_000;

/// An index: its list is required, since what is no index must not be taken for an empty one.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

pub(crate) async fn referrers(
    registry: &OciRegistry,
    budget: &Budget,
    repository: &Repository,
    digest: &Digest,
) -> Result<Vec<Referrer>> {
    let path = format!("/v2/{}/referrers/{digest}", repository.path());
    let first = registry.transport().url(repository.domain(), &path)?;
    let mut pages = Pages::from(first, registry.limits().pages);
    let mut seen = Seen::default();
    let mut found = Vec::new();
    let mut is_first = true;
    while let Some(url) = pages.current() {
        let request = Request::new(Method::GET, repository.domain(), url.clone())
            .accept(OCI_INDEX)
            .scope(repository.path(), "pull")
            .read(Read::Whole(MAX_PAGE));
        let answer = registry.transport().send(budget, &request).await?;
        if is_first && answer.status == StatusCode::NOT_FOUND {
            let manifests = by_tag(registry, budget, repository, digest).await?;
            add(registry, budget, repository, manifests, &mut seen, &mut found).await?;
            break;
        }
        is_first = false;
        let answer = answer.success()?;
        let page: Index = answer.json("a list of referrers")?;
        let is_new = add(registry, budget, repository, page.manifests, &mut seen, &mut found).await?;
        pages.advance(&answer, is_new)?;
    }
    Ok(found)
}

/// The index that clients keep under a tag (`sha256-<hex>`) themselves. None is no referrers; whatever else goes wrong is an error.
async fn by_tag(
    registry: &OciRegistry,
    budget: &Budget,
    repository: &Repository,
    digest: &Digest,
) -> Result<Vec<Descriptor>> {
    let tag = format!("{}-{}", digest.algorithm(), digest.hex());
    // The schema cuts tags at their longest, which sha512 exceeds.
    let tag = tag.get(..deploy_core::image::MAX_TAG_LENGTH).unwrap_or(&tag).parse()?;
    match read::manifest(registry, budget, &Reference::tagged(repository.clone(), tag)).await {
        Ok(manifest) => {
            let index: Index = serde_json::from_slice(&manifest.bytes).map_err(|source| {
                Error::new(ErrorKind::Internal, "the tag that lists its referrers is not an index")
                    .source(source)
            })?;
            Ok(index.manifests)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Adds what is new; whether anything was.
async fn add(
    registry: &OciRegistry,
    budget: &Budget,
    repository: &Repository,
    manifests: Vec<Descriptor>,
    seen: &mut Seen,
    found: &mut Vec<Referrer>,
) -> Result<bool> {
    let before = found.len();
    for manifest in manifests {
        if !seen.insert(manifest.digest.as_str()) {
            continue;
        }
        if found.len() >= MAX_REFERRERS {
            return Err(Error::invalid(format!("more than {MAX_REFERRERS} artifacts refer to it")));
        }
        let artifact_type = match manifest.artifact_type {
            Some(artifact_type) if !artifact_type.is_empty() => artifact_type,
            _ => {
                let reference = Reference::pinned(repository.clone(), manifest.digest.clone());
                read::artifact(registry, budget, &reference).await?.artifact_type
            }
        };
        let annotations = manifest.annotations.unwrap_or_default();
        found.push(Referrer { digest: manifest.digest, artifact_type, annotations });
    }
    Ok(found.len() > before)
}
