//! What refers to an image: whole, or an error.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::image::Digest;
use deploy_core::registry::Registry;

use crate::double::{Asked, Double, Image, Reply};
use crate::{client, plain};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn subject() -> Digest {
    Digest::sha256(b"the subject")
}

/// What the registry answers to the listing, and to the tag schema.
async fn listed(
    script: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> (Result<usize, Error>, Vec<String>) {
    let double = Double::scripted(script).await;
    double.images().put_image("shop/api", Some("v1"), &Image::default());
    let found = client(|builder| builder).0.referrers(&double.at("shop/api"), &subject()).await;
    (found.map(|found| found.len()), double.taken())
}

fn is_listing(asked: &Asked) -> bool {
    asked.path.contains("/referrers/")
}

#[tokio::test]
async fn no_listing_and_no_tag_are_none() {
    let (found, asked) =
        listed(|asked| is_listing(asked).then(|| Reply::new(404).body("404 page not found"))).await;
    assert_eq!(found.unwrap(), 0);
    let tag = format!("GET /v2/shop/api/manifests/sha256-{}", subject().hex());
    assert_eq!(asked, [format!("GET /v2/shop/api/referrers/{}", subject()), tag]);
}

#[tokio::test]
async fn anything_but_not_found_is_an_error_and_never_none() {
    let check = async |listing: fn() -> Reply, tag: fn() -> Reply, kind: ErrorKind| {
        let (found, _) = listed(move |asked| Some(if is_listing(asked) { listing() } else { tag() })).await;
        assert_eq!(found.map_err(|error| error.kind()), Err(kind));
    };
    let none = || Reply::new(404);
    check(none, || Reply::new(429).header("retry-after", "3600"), ErrorKind::Unavailable).await;
    check(none, || Reply::new(429), ErrorKind::Unavailable).await;
    check(none, || Reply::new(403), ErrorKind::Forbidden).await;
    check(none, || Reply::new(500), ErrorKind::Unavailable).await;
    check(none, || Reply::new(200).body("<html>"), ErrorKind::Internal).await;
    check(none, || Reply::json("[[]]"), ErrorKind::Internal).await;
    check(|| Reply::json("[[]]"), none, ErrorKind::Internal).await;
    check(|| Reply::new(429), none, ErrorKind::Unavailable).await;
    check(|| Reply::new(400), none, ErrorKind::InvalidInput).await;
    check(|| Reply::json("{}"), none, ErrorKind::Internal).await;
    check(|| Reply::new(200).header("content-type", "text/html").body("<html>"), none, ErrorKind::Internal)
        .await;
}

#[tokio::test]
async fn the_tag_schema_is_read_where_there_is_no_listing() {
    let double = Double::scripted(|asked| is_listing(asked).then(|| Reply::new(404))).await;
    let digest = double.images().attach("shop/api", &subject(), "application/vnd.example.report", b"{}");
    let tag = format!("sha256-{}", subject().hex());
    // The first descriptor says what it is; the second is asked.
    let plain_manifest = double.images().put_image("shop/api", None, &Image::default());
    let manifests = [
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1, "artifactType": "said", "annotations": {"by": "ci"}}),
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": plain_manifest, "size": 1}),
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1, "artifactType": "said"}),
    ];
    double.images().put_index("shop/api", &tag, &manifests, &std::collections::BTreeMap::new());
    let found = plain().referrers(&double.at("shop/api"), &subject()).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|found| (&found.digest, found.artifact_type.as_str(), found.annotations.len()))
        .collect();
    assert_eq!(
        found,
        [(&digest, "said", 1), (&plain_manifest, "application/vnd.oci.image.config.v1+json", 0)]
    );
}

#[tokio::test]
async fn pages_are_followed_and_a_lost_one_is_an_error() {
    let double = Double::good().await;
    for number in 0..5 {
        double.images().attach(
            "shop/api",
            &subject(),
            "application/vnd.example.report",
            format!("{number}").as_bytes(),
        );
    }
    assert_eq!(plain().referrers(&double.at("shop/api"), &subject()).await.unwrap().len(), 5);
    assert_eq!(double.taken().len(), 5);
    let (found, _) = listed(|asked| {
        let first = format!(
            "{{\"manifests\":[{{\"mediaType\":\"m\",\"digest\":\"{}\",\"size\":1,\"artifactType\":\"a\"}}]}}",
            subject()
        );
        is_listing(asked).then(|| match asked.query.as_str() {
            "" => Reply::json(first).header("content-type", INDEX).header("link", "<?p=1>; rel=\"next\""),
            _ => Reply::new(404),
        })
    })
    .await;
    assert_eq!(found.map_err(|error| error.kind()), Err(ErrorKind::NotFound));
}
