//! The digest that a reference stands for now.

use deploy_core::error::Result;
use deploy_core::image::{Digest, Reference};
use http::Method;

use super::manifest::{is_not_offered, manifest, not_found, request, said};
use crate::registry::OciRegistry;
use crate::transport::Budget;

/// One HEAD. A registry that names no digest there is asked for the manifest, and its digest computed.
pub(crate) async fn resolve(
    registry: &OciRegistry,
    budget: &Budget,
    reference: &Reference,
) -> Result<Digest> {
    let head = request(registry, Method::HEAD, reference)?;
    let answer = registry.transport().send(budget, &head).await?;
    if !is_not_offered(answer.status) {
        let answer = answer.success().map_err(|error| not_found(error, reference))?;
        match (said(&answer)?, reference.digest()) {
            (Some(found), None) => return Ok(found),
            // It was asked for by its digest, and is there.
            (Some(found), Some(digest)) if found == *digest => return Ok(found),
            _ => {}
        }
    }
    Ok(manifest(registry, budget, reference).await?.digest)
}
