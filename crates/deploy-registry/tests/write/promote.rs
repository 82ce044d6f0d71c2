use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use deploy_core::error::{ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::Registry;
use deploy_registry::{PromoteOptions, PushOptions};

use crate::client;
use crate::double::{Double, Reply};
use crate::sample::Sample;

async fn with_image(double: Double) -> (Double, Sample) {
    let sample = Sample::index();
    let layout = sample.open().await;
    let to = double.at("staging/api:v1");
    client().push(&layout, layout.image(None).unwrap(), &to, &PushOptions::new()).await.unwrap();
    double.taken();
    (double, sample)
}

#[tokio::test]
async fn within_a_registry_blobs_are_mounted() -> Result<()> {
    let (double, sample) = with_image(Double::good().await).await;
    let to: Reference = double.at("production/api:v1");
    let promoted = client().promote(&double.at("staging/api:v1"), &to, &PromoteOptions::new()).await?;
    assert_eq!(promoted.reference.digest(), Some(&sample.digest));
    assert_eq!((promoted.blobs.mounted, promoted.blobs.uploaded, promoted.blobs.uploaded_bytes), (5, 0, 0));
    assert_eq!(double.images().holds("production/api"), (vec!["v1".to_owned()], 3, 5));
    assert!(!double.taken().iter().any(|asked| asked.starts_with("GET") && asked.contains("/blobs/")));
    Ok(())
}

#[tokio::test]
async fn what_is_not_mounted_is_sent() -> Result<()> {
    let check = async |reply: Reply| {
        let double = Double::scripted(move |asked| asked.parameter("mount").map(|_| reply.clone())).await;
        let (double, sample) = with_image(double).await;
        let to: Reference = double.at("production/api:v1");
        let promoted = client().promote(&double.at("staging/api:v1"), &to, &PromoteOptions::new()).await?;
        assert_eq!((promoted.blobs.mounted, promoted.blobs.uploaded), (0, 5));
        assert_eq!(double.images().tag("production/api", "v1"), Some(sample.digest));
        Ok(())
    };
    check(Reply::new(202).header("location", "/v2/production/api/blobs/uploads/m?_state=a%3D")).await?;
    check(Reply::new(405)).await?;
    check(Reply::new(403)).await
}

#[tokio::test]
async fn across_registries_blobs_are_streamed() -> Result<()> {
    let (from, sample) = with_image(Double::good().await).await;
    let to = Double::good().await;
    let target: Reference = to.at("mirror/api:v1");
    let promoted = client().promote(&from.at("staging/api:v1"), &target, &PromoteOptions::new()).await?;
    assert_eq!((promoted.reference.digest(), promoted.blobs.uploaded), (Some(&sample.digest), 5));
    assert_eq!(to.images().holds("mirror/api"), (vec!["v1".to_owned()], 3, 5));
    // Nothing is asked to be mounted from elsewhere.
    assert!(to.asked().iter().all(|asked| asked.parameter("mount").is_none()));
    Ok(())
}

#[tokio::test]
async fn within_a_repository_the_tag_alone_is_written() -> Result<()> {
    let (double, sample) = with_image(Double::good().await).await;
    let repository: Repository = double.at("staging/api");
    let image = Reference::pinned(repository, sample.digest.clone());
    let tagged = client().retag(&image, &"stable".parse()?).await?;
    assert_eq!(
        tagged.reference,
        double.at::<Reference>("staging/api:stable").with_digest(sample.digest.clone())
    );
    let path = "/v2/staging/api/manifests";
    let expect = [
        format!("GET {path}/{}", sample.digest),
        format!("HEAD {path}/stable"),
        format!("PUT {path}/stable"),
    ];
    assert_eq!(double.taken(), expect);
    Ok(())
}

#[tokio::test]
async fn a_blob_that_is_not_its_digests_stops_it() {
    let check = async |bytes: &'static str, kind: ErrorKind, expect: &str| {
        let wrong = format!("/v2/staging/api/blobs/{}", Digest::sha256(b"shared"));
        let from =
            Double::scripted(move |asked| (asked.is("GET", &wrong)).then(|| Reply::new(200).body(bytes)));
        let (from, _) = with_image(from.await).await;
        let to = Double::good().await;
        let target: Reference = to.at("mirror/api:v1");
        let promoted = client().promote(&from.at("staging/api:v1"), &target, &PromoteOptions::new()).await;
        let error = promoted.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(to.images().holds("mirror/api").1, 0);
    };
    check("sharks", ErrorKind::InvalidInput, "its content has the digest sha256:").await;
    check("short", ErrorKind::InvalidInput, "its content has 5 bytes, its descriptor says 6").await;
    check("sharedmore", ErrorKind::InvalidInput, "its content has more than the 6 bytes of its descriptor")
        .await;
}

#[tokio::test]
async fn a_missing_image_is_said() {
    let double = Double::good().await;
    let to: Reference = double.at("production/api:v1");
    let error =
        client().promote(&double.at("staging/api:v9"), &to, &PromoteOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn what_refers_to_it_comes_along_and_is_there_first() -> Result<()> {
    let check = async |from_keeps: bool, to_keeps: bool| {
        let (from, sample) = with_image(Double::good().await).await;
        let to = Double::good().await;
        to.images().writing.no_referrers = !to_keeps;
        let signature =
            from.images().attach("staging/api", &sample.digest, "application/x.signature", b"signed");
        from.images().attach("staging/api", &signature, "application/x.note", b"of the signature");
        let cosign = format!("sha256-{}.sig", sample.digest.hex());
        let image = from.images().put_image("staging/api", Some(&cosign), &crate::double::Image::default());
        if !from_keeps {
            from.images().writing.no_referrers = true;
            let fallback = format!("sha256-{}", sample.digest.hex());
            let entry = serde_json::json!({"mediaType": crate::sample::MANIFEST, "digest": signature, "size": 1, "artifactType": "application/x.signature"});
            from.images().put_index("staging/api", &fallback, &[entry], &std::collections::BTreeMap::new());
        }
        let target: Reference = to.at("mirror/api:v1");
        let options = PromoteOptions::new().referrers(true);
        let promoted = client().promote(&from.at("staging/api:v1"), &target, &options).await.unwrap();
        // Of the note, a registry without the API knows only through the index of the signature, which has none here.
        assert_eq!(promoted.referrers, if from_keeps { 3 } else { 2 });
        assert_eq!(to.images().tag("mirror/api", &cosign), Some(image));
        let referrers = client().referrers(target.repository(), &sample.digest).await.unwrap();
        assert_eq!(referrers.iter().map(|one| &one.digest).collect::<Vec<_>>(), [&signature]);
        let fallback = to.images().tag("mirror/api", &format!("sha256-{}", sample.digest.hex()));
        assert_eq!(fallback.is_some(), !to_keeps);
        let wrote: Vec<_> = to.taken().into_iter().filter(|asked| asked.starts_with("PUT")).collect();
        assert_eq!(wrote.last().unwrap(), "PUT /v2/mirror/api/manifests/v1");
    };
    check(true, true).await;
    check(true, false).await;
    check(false, true).await;
    check(false, false).await;
    Ok(())
}

#[tokio::test]
async fn wherever_it_breaks_off_a_tag_has_its_signature() -> Result<()> {
    let (from, sample) = with_image(Double::good().await).await;
    from.images().attach("staging/api", &sample.digest, "application/x.signature", b"signed");
    let fallback = format!("sha256-{}", sample.digest.hex());
    let (registry, options) = (client(), PromoteOptions::new().referrers(true));
    for good in 0.. {
        let left = Arc::new(AtomicUsize::new(good));
        let counted = Arc::clone(&left);
        let spent = move || counted.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err();
        let to = Double::scripted(move |_| spent().then(|| Reply::new(403))).await;
        to.images().writing.no_referrers = true;
        let target: Reference = to.at("mirror/api:v1");
        let broken = registry.promote(&from.at("staging/api:v1"), &target, &options).await;
        let tagged = to.images().tag("mirror/api", "v1").is_some();
        assert!(!tagged || to.images().tag("mirror/api", &fallback).is_some(), "after {good} requests");
        left.store(usize::MAX, Relaxed);
        registry.promote(&from.at("staging/api:v1"), &target, &options).await?;
        assert_eq!(to.images().holds("mirror/api"), (vec![fallback.clone(), "v1".to_owned()], 5, 7));
        assert_eq!(registry.referrers(target.repository(), &sample.digest).await?.len(), 1);
        if broken.is_ok() {
            return Ok(());
        }
    }
    unreachable!()
}
