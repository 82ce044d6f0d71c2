//! What every registry keeps to, over the double.

use async_trait::async_trait;
use deploy_core::conformance::registry::Fixture;
use deploy_core::image::{Digest, Reference, Repository, Tag};
use deploy_core::registry::Registry;
use deploy_registry::{Cache, OciRegistry};

use crate::double::{Double, Image};

struct OnDouble {
    double: Double,
    registry: OciRegistry,
}

#[async_trait]
impl Fixture for OnDouble {
    fn registry(&self) -> &dyn Registry {
        &self.registry
    }

    fn repository(&self) -> Repository {
        self.double.at("shop/api")
    }

    async fn push(&self, image: &Reference, revision: &str) -> Digest {
        let tag = image.tag().map(Tag::as_str);
        self.double.images().put_image(image.repository().path(), tag, &Image::of_revision(revision))
    }

    async fn attach(&self, subject: &Digest, artifact_type: &str, content: &[u8]) -> Digest {
        self.double.images().attach("shop/api", subject, artifact_type, content)
    }
}

mod bare {
    use super::*;

    deploy_core::registry_conformance! { #[tokio::test] || async {
        OnDouble { double: Double::good().await, registry: OciRegistry::builder().build().unwrap() }
    } }
}

mod cached {
    use super::*;

    deploy_core::registry_conformance! { #[tokio::test] || async {
        OnDouble { double: Double::good().await, registry: OciRegistry::builder().cache(Cache::memory()).build().unwrap() }
    } }
}
