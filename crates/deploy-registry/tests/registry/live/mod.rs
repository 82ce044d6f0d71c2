//! Against Debian's `docker-registry`, and `skopeo` beside it: `apt-get install docker-registry skopeo`.

mod conformance;
mod facts;
mod guarded;
mod server;

use deploy_core::image::Repository;
use deploy_core::registry::Registry;
use deploy_registry::OciRegistry;
use futures_util::TryStreamExt;

/// All tags, sorted.
async fn listed(registry: &OciRegistry, repository: &Repository) -> Vec<String> {
    let mut tags: Vec<String> =
        registry.tags(repository).map_ok(|tag| tag.to_string()).try_collect().await.unwrap();
    tags.sort_unstable();
    tags
}
