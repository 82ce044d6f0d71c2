//! One image: its digest, its facts, its content.

use std::collections::BTreeMap;

use deploy_core::error::{Error, ErrorKind};
use deploy_core::image::{Digest, Reference};
use deploy_core::registry::{ImageFacts, Registry};
use serde_json::json;

use crate::double::{Double, Image, Reply};
use crate::plain;

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn a_head_without_a_digest_is_followed_by_a_get() {
    let check = async |head: fn() -> Reply| {
        let double = Double::scripted(move |asked| (asked.method == "HEAD").then(head)).await;
        let digest = double.images().put_image("shop/api", Some("v1"), &Image::default());
        assert_eq!(plain().resolve(&double.at("shop/api:v1")).await.unwrap(), digest);
        let path = "/v2/shop/api/manifests/v1";
        assert_eq!(double.taken(), [format!("HEAD {path}"), format!("GET {path}")]);
    };
    check(|| Reply::new(200)).await;
    check(|| Reply::new(405)).await;
    let double = Double::scripted(|asked| {
        let manifest = r#"{"schemaVersion":2,"layers":[]}"#;
        Some(if asked.method == "HEAD" { Reply::new(200) } else { Reply::json(manifest) })
    })
    .await;
    let found = plain().resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(
        found,
        Digest::sha256(br#"{"schemaVersion":2,"layers":[]}"#),
        "what no header says is computed"
    );
}

#[tokio::test]
async fn every_kind_of_manifest_is_asked_for() {
    let double = Double::good().await;
    let _ = plain().resolve(&double.at("shop/api:v1")).await;
    let asked = double.asked();
    let accepted = asked[0].headers["accept"].to_str().unwrap();
    for kind in [
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    ] {
        assert!(accepted.contains(&format!("application/vnd.{kind}+json")), "{accepted}");
    }
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused() {
    let double = Double::scripted(|asked| {
        let reply = Reply::json(r#"{"schemaVersion":2,"layers":[]}"#);
        (asked.method == "GET")
            .then(|| reply.header("docker-content-digest", Digest::sha256(b"another").as_str()))
    })
    .await;
    let registry = plain();
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("answered with bytes whose digest is not sha256:"), "{error}");
    };
    let repository = double.at("shop/api");
    let other = Digest::sha256(b"other");
    refused(registry.blob(&repository, &other, 100).await.unwrap_err());
    refused(registry.inspect(&double.at("shop/api:v1")).await.unwrap_err());
    refused(registry.artifact(&Reference::pinned(repository, other)).await.unwrap_err());
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let double = Double::scripted(|_| {
        Some(Reply::json(vec![b' '; (4 << 20) + 1].iter().map(|&byte| char::from(byte)).collect::<String>()))
    })
    .await;
    let error = plain().inspect(&double.at("shop/api:v1")).await.unwrap_err();
    assert!(error.to_string().contains("more than the 4194304 bytes that are allowed"), "{error}");
}

#[tokio::test]
async fn a_page_for_people_is_not_a_manifest() {
    let double =
        Double::scripted(|_| Some(Reply::new(200).header("content-type", "text/html").body("<html>"))).await;
    let error = plain().resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert!(
        error.to_string().contains("answered with text/html where a manifest was due: is it a registry?"),
        "{error}"
    );
}

async fn facts(fill: impl FnOnce(&Double)) -> ImageFacts {
    let double = Double::good().await;
    fill(&double);
    plain().inspect(&double.at("shop/api:v1")).await.unwrap()
}

const CREATED: &str = "org.opencontainers.image.created";
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";

#[tokio::test]
async fn annotations_win_from_the_outside_in() {
    let image = Image {
        labels: pairs(&[(REVISION, "config"), (SOURCE, "config"), ("only", "config"), (CREATED, "no time")]),
        annotations: pairs(&[(REVISION, "manifest"), (SOURCE, "manifest")]),
        created: Some("2026-11-20T10:00:00Z".to_owned()),
    };
    let one = facts(|double| {
        double.images().put_image("shop/api", Some("v1"), &image);
    })
    .await;
    assert_eq!((one.revision.as_deref(), one.source.as_deref()), (Some("manifest"), Some("manifest")));
    assert_eq!(one.labels["only"], "config");
    assert_eq!(
        one.created,
        Some("2026-11-20T10:00:00Z".parse().unwrap()),
        "what is no time is not taken for one"
    );
    assert_eq!(one.platforms, ["linux/arm64/v8"]);
    let index = facts(|double| {
        let digest = double.images().put_image("shop/api", None, &image);
        let manifests = [
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::sha256(b"an attestation"), "size": 1,
                "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}),
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::sha256(b"nobody asks for it"), "size": 1,
                "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}),
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
                "platform": {"os": "linux", "architecture": "amd64"}}),
        ];
        double.images().put_index("shop/api", "v1", &manifests, &pairs(&[(REVISION, "index"), (CREATED, "2026-11-21T10:00:00Z")]));
    })
    .await;
    assert_eq!((index.revision.as_deref(), index.source.as_deref()), (Some("index"), Some("manifest")));
    assert_eq!(index.created, Some("2026-11-21T10:00:00Z".parse().unwrap()));
    assert_eq!(index.platforms, ["linux/arm/v7", "linux/amd64"]);
}

#[tokio::test]
async fn an_image_that_says_nothing_has_no_facts() {
    let none = facts(|double| {
        double.images().put_index("shop/api", "v1", &[], &BTreeMap::new());
    })
    .await;
    assert_eq!((none.created, none.revision, none.source, none.platforms.len()), (None, None, None, 0));
}

#[tokio::test]
async fn an_index_that_lists_itself_over_and_over_is_refused() {
    let double = Double::good().await;
    let mut inner = double.images().put_image("shop/api", None, &Image::default());
    for _ in 0..6 {
        let listed =
            json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": inner, "size": 1});
        inner = double.images().put_index("shop/api", "v1", &[listed], &BTreeMap::new());
    }
    let error = plain().inspect(&double.at("shop/api:v1")).await.unwrap_err();
    assert!(error.to_string().contains("an index that lists an index"), "{error}");
}

#[tokio::test]
async fn a_config_that_is_not_there_is_not_an_image_that_is_not_there() {
    let double = Double::scripted(|asked| asked.path.contains("/blobs/").then(|| Reply::new(404))).await;
    double.images().put_image("shop/api", Some("v1"), &Image::default());
    let error = plain().inspect(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    let busy = Double::scripted(|asked| asked.path.contains("/blobs/").then(|| Reply::new(429))).await;
    busy.images().put_image("shop/api", Some("v1"), &Image::default());
    let error = crate::client(|builder| builder).0.inspect(&busy.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "facts that cannot be read are never left out: {error}");
}

#[tokio::test]
async fn an_artifact_is_what_its_manifest_says() {
    let double = Double::good().await;
    let (media, digest) = ("application/vnd.oci.image.manifest.v1+json", Digest::sha256(b""));
    let layer =
        |name: &str| json!({"mediaType": name, "digest": digest, "size": 0, "annotations": {"title": name}});
    let manifest = json!({"schemaVersion": 2, "mediaType": media, "config": {"mediaType": "application/vnd.example.config", "digest": digest, "size": 0},
        "layers": [layer("b"), layer("a"), layer("b")], "annotations": {"by": "ci"}});
    double.images().put_manifest("shop/api", Some("v1"), media, &manifest);
    let artifact = plain().artifact(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(
        artifact.artifact_type, "application/vnd.example.config",
        "without a type of its own it is its config's"
    );
    let layers: Vec<_> = artifact.layers.iter().map(|layer| layer.media_type.as_str()).collect();
    assert_eq!(layers, ["b", "a", "b"], "in its own order");
    assert_eq!(
        (artifact.layers[0].annotations["title"].as_str(), artifact.annotations["by"].as_str()),
        ("b", "ci")
    );
    let listed = json!({"mediaType": media, "digest": digest, "size": 0, "platform": {"os": "linux", "architecture": "amd64"}});
    double.images().put_index("shop/api", "all", &[listed], &BTreeMap::new());
    let error = plain().artifact(&double.at("shop/api:all")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains(
            "it is an index of 1 manifests, not one manifest (ask for one of them by its digest: linux/amd64)"
        ),
        "{error}"
    );
}
