//! How the real one behaves where it departs from the specification, and what a peer says.

use deploy_core::error::ErrorKind;
use deploy_core::image::Reference;
use deploy_core::registry::Registry;
use deploy_registry::{Cache, OciRegistry};
use futures_util::{StreamExt, TryStreamExt};

use super::listed;
use super::server::{Server, run};
use crate::plain;

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn all_tags_come_in_one_page_in_no_order() {
    let server = Server::start().await;
    let digest = server.put_image("shop/api", "v0", "4f1c2d9").await;
    server.tag_on_disk("shop/api", (1..2500).map(|number| format!("v{number}")), &digest);
    let registry = plain();
    let tags = listed(&registry, &server.at("shop/api")).await;
    assert_eq!((tags.len(), registry.stats().requests), (2500, 1));
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn what_did_not_change_costs_one_request() {
    let server = Server::start().await;
    server.put_image("shop/api", "v1", "4f1c2d9").await;
    let registry = OciRegistry::builder().cache(Cache::memory()).build().unwrap();
    let image: Reference = server.at("shop/api:v1");
    let first = registry.inspect(&image).await.unwrap();
    assert_eq!(registry.stats().requests, 2);
    assert_eq!(registry.inspect(&image).await.unwrap(), first);
    assert_eq!(registry.stats().requests, 3, "304 for the manifest, and the config is kept");
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn deleting_a_digest_takes_all_of_its_tags() {
    let server = Server::start().await;
    let digest = server.put_image("shop/api", "v1", "4f1c2d9").await;
    assert_eq!(server.put_image("shop/api", "v2", "4f1c2d9").await, digest);
    let url = |name: &str| format!("http://{}/v2/shop/api/manifests/{name}", server.address);
    let delete =
        async |name: &str| server.request(reqwest::Method::DELETE, &url(name)).send().await.unwrap().status();
    assert_eq!(delete("v1").await, 400, "a tag alone cannot be deleted");
    assert_eq!(delete(digest.as_str()).await, 202);
    assert!(listed(&plain(), &server.at("shop/api")).await.is_empty(), "and no tags are none, not an error");
    let gone = plain().resolve(&Reference::pinned(server.at("shop/api"), digest)).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn a_registry_that_is_restarted_is_waited_for() {
    let mut server = Server::start().await;
    let digest = server.put_image("shop/api", "v0", "4f1c2d9").await;
    server.tag_on_disk("shop/api", (1..500).map(|number| format!("v{number}")), &digest);
    let registry = OciRegistry::builder().build().unwrap();
    let mut tags = registry.tags(&server.at("shop/web"));
    assert_eq!(tags.next().await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    server.down();
    let listing = tokio::spawn({
        let (registry, repository) = (registry.clone(), server.at("shop/api"));
        async move { registry.tags(&repository).try_collect::<Vec<_>>().await }
    });
    while registry.stats().retries == 0 {
        tokio::task::yield_now().await;
    }
    server.up().await;
    assert_eq!(listing.await.unwrap().unwrap().len(), 500);
}

#[tokio::test]
#[ignore = "needs docker-registry and skopeo (apt-get install docker-registry skopeo)"]
async fn skopeo_says_the_same() {
    let server = Server::start().await;
    for (tag, revision) in [("v1", "4f1c2d9"), ("v2", "77aa001"), ("latest", "77aa001")] {
        server.put_image("shop/api", tag, revision).await;
    }
    let image: Reference = server.at("shop/api:v2");
    let said: serde_json::Value = serde_json::from_str(&run(
        "skopeo",
        &["list-tags", "--tls-verify=false", &format!("docker://{}", image.repository())],
    ))
    .unwrap();
    let mut theirs: Vec<String> = serde_json::from_value(said["Tags"].clone()).unwrap();
    theirs.sort_unstable();
    assert_eq!(listed(&plain(), image.repository()).await, theirs);
    let said: serde_json::Value = serde_json::from_str(&run(
        "skopeo",
        &["inspect", "--no-tags", "--tls-verify=false", &format!("docker://{image}")],
    ))
    .unwrap();
    let facts = plain().inspect(&image).await.unwrap();
    assert_eq!(said["Digest"], facts.digest.as_str());
    assert_eq!(said["Labels"], serde_json::to_value(&facts.labels).unwrap());
    assert_eq!(
        format!("{}/{}", said["Os"].as_str().unwrap(), said["Architecture"].as_str().unwrap()),
        facts.platforms[0]
    );
}
