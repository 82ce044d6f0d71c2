//! What need not be asked again.

use deploy_core::image::{Digest, Reference, Tag};
use deploy_core::registry::Registry;
use deploy_registry::credentials::{Credential, GivenCredentials};
use deploy_registry::{Cache, OciRegistry};
use futures_util::TryStreamExt;

use crate::double::{Double, Image, Reply};

fn with(cache: Cache) -> OciRegistry {
    OciRegistry::builder().cache(cache).build().unwrap()
}

async fn image() -> (Double, Reference, Digest) {
    let double = Double::good().await;
    let digest = double.images().put_image("shop/api", Some("v1"), &Image::of_revision("4f1c2d9"));
    let reference = double.at("shop/api:v1");
    (double, reference, digest)
}

const MANIFEST: &str = "GET /v2/shop/api/manifests/v1";

#[tokio::test]
async fn an_image_that_did_not_move_costs_one_request() {
    let folder = tempfile::tempdir().unwrap();
    for cache in [Cache::memory(), Cache::folder(folder.path().join("made"))] {
        let (double, reference, digest) = image().await;
        let first = with(cache.clone()).inspect(&reference).await.unwrap();
        assert_eq!(double.taken().len(), 2);
        let again = with(cache.clone());
        assert_eq!(again.inspect(&reference).await.unwrap(), first);
        let asked = double.asked();
        assert_eq!(double.taken(), [MANIFEST]);
        assert_eq!(asked[0].headers["if-none-match"].to_str().unwrap(), format!("\"{digest}\""));
        again.inspect(&Reference::pinned(reference.repository().clone(), digest)).await.unwrap();
        assert!(double.taken().is_empty(), "what a digest stands for never changes");
        double.images().put_image("shop/api", Some("v1"), &Image::of_revision("77aa001"));
        let moved = again.inspect(&reference).await.unwrap();
        assert_eq!(moved.revision.as_deref(), Some("77aa001"));
        assert_eq!(double.taken().len(), 2);
    }
}

#[tokio::test]
async fn a_list_of_tags_is_asked_about() {
    let double = Double::scripted(|asked| {
        let same = asked.headers.get("if-none-match").is_some_and(|etag| etag == "W/\"7\"");
        Some(match (same, asked.query.as_str()) {
            (true, _) => Reply::new(304),
            (_, "p=2") => Reply::json(r#"{"tags":["b"]}"#),
            _ => Reply::json(r#"{"tags":["a"]}"#)
                .header("etag", "W/\"7\"")
                .header("link", "<?p=2>; rel=\"next\""),
        })
    })
    .await;
    let registry = with(Cache::memory());
    for _ in 0..2 {
        let tags: Vec<_> = registry.tags(&double.at("shop/api")).try_collect().await.unwrap();
        assert_eq!(
            tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
            ["a", "b"],
            "the link is kept with the page"
        );
    }
    assert_eq!(double.taken().len(), 4);
}

#[tokio::test]
async fn broken_entries_are_asked_for_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (double, reference, _) = image().await;
    let facts = with(Cache::folder(folder.path())).inspect(&reference).await.unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files().count(), 3, "an answer, a manifest, a config");
    for garbage in [b"".as_slice(), b"{}", &[0xff; 300]] {
        double.taken();
        files().for_each(|file| std::fs::write(file, garbage).unwrap());
        let registry = with(Cache::folder(folder.path()));
        assert_eq!(registry.inspect(&reference).await.unwrap(), facts);
        assert_eq!(double.taken().len(), 2, "both were asked for");
        assert_eq!(registry.inspect(&reference).await.unwrap(), facts);
        assert_eq!(double.taken(), [MANIFEST], "and are kept again");
    }
    // A file where the folder should be: a cache that cannot be written is no error.
    let registry = with(Cache::folder(files().next().unwrap()));
    assert_eq!(registry.inspect(&reference).await.unwrap(), facts);
}

#[tokio::test]
async fn no_secret_is_kept() {
    let double = Double::scripted(|asked| match asked.authorization() {
        None => Some(Reply::new(401).header("www-authenticate", "Basic realm=x")),
        Some(_) => None,
    })
    .await;
    double.images().put_image("shop/api", Some("v1"), &Image::default());
    let folder = tempfile::tempdir().unwrap();
    let credentials = GivenCredentials::new(&double.host(), Credential::basic("ci", "hunter2"));
    let registry =
        OciRegistry::builder().credentials(credentials).cache(Cache::folder(folder.path())).build().unwrap();
    registry.inspect(&double.at("shop/api:v1")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned();
        assert!(
            !text.contains("hunter2")
                && !text.contains("Y2k6aHVudGVyMg")
                && !text.to_lowercase().contains("authorization"),
            "{text}"
        );
    }
}
