//! What every registry keeps to, over the real one.

use async_trait::async_trait;
use deploy_core::conformance::registry::Fixture;
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::Registry;
use deploy_registry::OciRegistry;
use serde_json::json;

use super::server::Server;

struct OnServer {
    server: Server,
    registry: OciRegistry,
}

#[async_trait]
impl Fixture for OnServer {
    fn registry(&self) -> &dyn Registry {
        &self.registry
    }

    fn repository(&self) -> Repository {
        self.server.at("shop/api")
    }

    async fn push(&self, image: &Reference, revision: &str) -> Digest {
        let name = image.tag().map_or("latest", |tag| tag.as_str());
        self.server.put_image(image.repository().path(), name, revision).await
    }

    /// This registry lists no referrers: the index of the tag schema is pushed, as clients do.
    async fn attach(&self, subject: &Digest, artifact_type: &str, content: &[u8]) -> Digest {
        const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
        let (path, tag) = ("shop/api", format!("sha256-{}", subject.hex()));
        let layer = self.server.put_blob(path, content).await;
        let empty = self.server.put_blob(path, b"{}").await;
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2},
            "layers": [{"mediaType": artifact_type, "digest": layer, "size": content.len()}],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
        });
        let name = Digest::sha256(manifest.to_string().as_bytes());
        let digest = self.server.put_manifest(path, name.as_str(), &manifest).await;
        let url = format!("http://{}/v2/{path}/manifests/{tag}", self.server.address);
        let before = self
            .server
            .request(reqwest::Method::GET, &url)
            .header("accept", "application/vnd.oci.image.index.v1+json");
        let before = before.send().await.unwrap();
        let mut index: serde_json::Value = if before.status() == 200 {
            serde_json::from_slice(&before.bytes().await.unwrap()).unwrap()
        } else {
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []})
        };
        let size = manifest.to_string().len();
        let listed =
            json!({"mediaType": MANIFEST, "digest": digest, "size": size, "artifactType": artifact_type});
        index["manifests"].as_array_mut().unwrap().push(listed);
        let put = self
            .server
            .request(reqwest::Method::PUT, &url)
            .header("content-type", "application/vnd.oci.image.index.v1+json");
        let put = put.body(index.to_string()).send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());
        digest
    }
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn a_real_registry_keeps_to_it() {
    deploy_core::conformance::registry::run(|| async {
        OnServer { server: Server::start().await, registry: OciRegistry::builder().build().unwrap() }
    })
    .await;
}
