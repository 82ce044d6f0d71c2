use deploy_core::error::{ErrorKind, Result};
use deploy_core::image::{Reference, Repository};

use crate::client;
use crate::double::{Double, Image, Reply};

#[tokio::test]
async fn a_tag_goes_alone() -> Result<()> {
    let double = Double::good().await;
    let digest = double.images().put_image("shop/api", Some("v1"), &Image::default());
    double.images().set_tag("shop/api", "stable", &digest);
    assert_eq!(client().delete_tag(&double.at("shop/api:v1")).await?, digest);
    assert_eq!(double.images().holds("shop/api").0, ["stable"]);
    let error = client().delete_tag(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    // A lost answer: the second time it is gone.
    double.images().writing.loses = Some("DELETE");
    assert_eq!(client().delete_tag(&double.at("shop/api:stable")).await?, digest);
    let pinned: Reference = double.at(&format!("shop/api:v1@{digest}"));
    assert_eq!(client().delete_tag(&pinned).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    Ok(())
}

#[tokio::test]
async fn the_digest_is_never_deleted_in_its_place() {
    for status in [400, 405] {
        let double =
            Double::scripted(move |asked| (asked.method == "DELETE").then(|| Reply::new(status))).await;
        double.images().put_image("shop/api", Some("v1"), &Image::default());
        let error = client().delete_tag(&double.at("shop/api:v1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let path = "/v2/shop/api/manifests/v1";
        assert_eq!(double.taken(), [format!("HEAD {path}"), format!("DELETE {path}")]);
    }
}

#[tokio::test]
async fn a_digest_takes_its_tags_along() -> Result<()> {
    let double = Double::good().await;
    let digest = double.images().put_image("shop/api", Some("v1"), &Image::default());
    for tag in ["v0", "stable"] {
        double.images().set_tag("shop/api", tag, &digest);
    }
    double.images().put_image("shop/api", Some("v2"), &Image::of_revision("other"));
    let repository: Repository = double.at("shop/api");
    let tags = client().tags_on(&repository, &digest).await?;
    assert_eq!(tags.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["stable", "v0", "v1"]);
    client().delete_digest(&repository, &digest).await?;
    assert_eq!(double.images().holds("shop/api").0, ["v2"]);
    let error = client().delete_digest(&repository, &digest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    Ok(())
}
