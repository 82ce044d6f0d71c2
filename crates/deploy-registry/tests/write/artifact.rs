use deploy_core::error::{ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::Registry;
use deploy_registry::NewArtifact;

use crate::client;
use crate::double::{Double, Image};

fn report(text: &str) -> NewArtifact {
    NewArtifact::new("application/x.report").layer("application/json", text).annotation("run", "7")
}

#[tokio::test]
async fn what_it_is_about_knows_of_it() -> Result<()> {
    for keeps in [true, false] {
        let double = Double::good().await;
        double.images().writing.no_referrers = !keeps;
        let image = double.images().put_image("shop/api", Some("v1"), &Image::default());
        let repository: Repository = double.at("shop/api");
        let mut digests = Vec::new();
        for text in ["{}", "[]", "{}"] {
            let pushed = client().push_artifact(&repository, &report(text).about(image.clone())).await?;
            digests.push(pushed.reference.digest().unwrap().clone());
        }
        // The same one twice is there once.
        assert_eq!(digests.pop().as_ref(), digests.first());
        let mut found: Vec<Digest> =
            client().referrers(&repository, &image).await?.into_iter().map(|one| one.digest).collect();
        digests.sort();
        found.sort();
        assert_eq!(found, digests);
        let artifact = client().artifact(&Reference::pinned(repository, found[0].clone())).await?;
        assert_eq!(
            (artifact.artifact_type.as_str(), artifact.subject),
            ("application/x.report", Some(image))
        );
        assert_eq!((artifact.layers.len(), artifact.annotations["run"].as_str()), (1, "7"));
    }
    Ok(())
}

#[tokio::test]
async fn an_index_keeps_what_others_wrote() -> Result<()> {
    let double = Double::good().await;
    double.images().writing.no_referrers = true;
    let image = double.images().put_image("shop/api", Some("v1"), &Image::default());
    let repository: Repository = double.at("shop/api");
    let registry = client();
    for text in ["1", "2"] {
        registry.push_artifact(&repository, &report(text).about(image.clone())).await?;
    }
    assert_eq!(client().referrers(&repository, &image).await?.len(), 2);
    // An index that cannot be read is not taken for an empty one.
    let tag = format!("sha256-{}", image.hex());
    let index = double.images().tag("shop/api", &tag).unwrap();
    let path = format!("/v2/shop/api/manifests/{tag}");
    let flaky =
        Double::scripted(move |asked| asked.is("GET", &path).then(|| crate::double::Reply::new(500))).await;
    flaky.images().writing.no_referrers = true;
    let image = flaky.images().put_image("shop/api", Some("v1"), &Image::default());
    let error = registry.push_artifact(&flaky.at("shop/api"), &report("3").about(image)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(flaky.images().tag("shop/api", &tag), None);
    assert_eq!(double.images().tag("shop/api", &tag), Some(index));
    Ok(())
}

#[tokio::test]
async fn it_may_stand_alone_under_a_tag() -> Result<()> {
    let double = Double::good().await;
    let artifact = NewArtifact::new("application/x.marker").tagged("done".parse()?);
    let pushed = client().push_artifact(&double.at("shop/markers"), &artifact).await?;
    assert_eq!(pushed.reference.tag().map(ToString::to_string).as_deref(), Some("done"));
    assert_eq!(double.images().tag("shop/markers", "done").as_ref(), pushed.reference.digest());
    Ok(())
}

#[tokio::test]
async fn it_is_about_what_is_there() {
    let double = Double::good().await;
    let lost = Digest::sha256(b"lost");
    let error = client().push_artifact(&double.at("shop/api"), &report("{}").about(lost)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(double.taken().iter().all(|asked| asked.starts_with("GET")));
}
