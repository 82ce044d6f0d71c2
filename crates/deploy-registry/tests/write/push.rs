use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use deploy_core::error::{ErrorKind, Result};
use deploy_core::image::{Digest, Reference};
use deploy_registry::credentials::{Credential, GivenCredentials};
use deploy_registry::{OciRegistry, PushOptions, Pushed};

use crate::double::{Double, Reply};
use crate::sample::Sample;
use crate::{client, hasty};

async fn push(registry: &OciRegistry, sample: &Sample, to: &Reference) -> Result<Pushed> {
    let layout = sample.open().await;
    registry.push(&layout, layout.image(None)?, to, &PushOptions::new()).await
}

#[tokio::test]
async fn content_goes_first_and_the_tag_last() -> Result<()> {
    let (double, sample) = (Double::good().await, Sample::index());
    let to: Reference = double.at("shop/api:v1");
    let pushed = push(&client(), &sample, &to).await?;
    assert_eq!(pushed.reference, to.clone().with_digest(sample.digest.clone()));
    assert_eq!((pushed.blobs.uploaded, pushed.blobs.present, pushed.previous), (5, 0, None));
    assert_eq!(double.images().holds("shop/api"), (vec!["v1".to_owned()], 3, 5));
    let wrote: Vec<String> = double
        .taken()
        .into_iter()
        .filter(|asked| asked.starts_with("PUT") && asked.contains("manifests"))
        .collect();
    let ends = [sample.digest.as_str(), "v1"].map(|name| format!("PUT /v2/shop/api/manifests/{name}"));
    assert_eq!((wrote.len(), &wrote[2..]), (4, &ends[..]));

    // Once more: nothing is sent but manifests.
    let pushed = push(&client(), &sample, &to).await?;
    assert_eq!((pushed.blobs.uploaded, pushed.blobs.present), (0, 5));
    assert_eq!(pushed.previous, Some(sample.digest.clone()));
    assert!(!double.taken().iter().any(|asked| asked.contains("uploads")));
    Ok(())
}

#[tokio::test]
async fn odd_layers_are_layers() -> Result<()> {
    let double = Double::good().await;
    // Without a byte.
    let pushed = push(&client(), &Sample::image(&[b""]), &double.at("shop/empty:v1")).await?;
    assert_eq!((pushed.blobs.uploaded, double.images().holds("shop/empty").2), (2, 2));
    // Kept elsewhere.
    let double = Double::scripted(|asked| {
        let digest = Digest::sha256(&asked.body);
        (asked.method == "PUT" && asked.path.contains("manifests"))
            .then(|| Reply::new(201).header("docker-content-digest", digest.as_str()))
    })
    .await;
    let pushed = push(&client(), &Sample::foreign(), &double.at("shop/windows:v1")).await?;
    assert_eq!((pushed.blobs.uploaded, double.images().holds("shop/windows").2), (1, 1));
    Ok(())
}

#[tokio::test]
async fn an_upload_that_fails_is_begun_anew() {
    // What the first PUT of the blob meets, and how many uploads are begun in all.
    let check = async |reply: Option<Reply>, loses: Option<&'static str>, begun: usize| {
        let double = Double::scripted(move |asked| {
            let first = asked.method == "PUT" && asked.path.ends_with("/uploads/1") && asked.before == 0;
            reply.clone().filter(|_| first)
        })
        .await;
        double.images().writing.loses = loses;
        let sample = Sample::image(&[]);
        let pushed = push(&client(), &sample, &double.at("shop/api:v1")).await.unwrap();
        assert_eq!(pushed.blobs.uploaded, 1);
        assert_eq!(double.images().tag("shop/api", "v1"), Some(sample.digest));
        let posts = double.taken().into_iter().filter(|asked| asked.starts_with("POST")).count();
        assert_eq!(posts, begun, "{loses:?}");
    };
    check(None, None, 1).await;
    check(Some(Reply::breaks()), None, 2).await;
    check(Some(Reply::new(404)), None, 2).await;
    check(Some(Reply::new(416)), None, 2).await;
    check(Some(Reply::new(503)), None, 2).await;
    // Not acted upon, so sent again as it is.
    check(Some(Reply::new(429)), None, 1).await;
    // It was acted upon: a look tells.
    check(None, Some("PUT"), 1).await;
    check(None, Some("POST"), 2).await;
}

#[tokio::test]
async fn a_registry_that_breaks_the_rules_is_named() {
    let check = async |script: fn(&crate::double::Asked) -> Option<Reply>, kind: ErrorKind, expect: &str| {
        let double = Double::scripted(script).await;
        let to: Reference = double.at("shop/api:v1");
        let error = push(&client(), &Sample::image(&[]), &to).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(double.images().tag("shop/api", "v1"), None);
    };
    check(
        |asked| (asked.method == "POST").then(|| Reply::new(202)),
        ErrorKind::Internal,
        "began an upload without saying where it goes on (no Location)",
    )
    .await;
    check(
        |asked| (asked.method == "PUT" && asked.path.contains("uploads")).then(|| Reply::new(400)),
        ErrorKind::InvalidInput,
        "answered 400",
    )
    .await;
    check(
        |asked| (asked.method == "PUT" && asked.path.contains("uploads")).then(Reply::breaks),
        ErrorKind::OutcomeUnknown,
        "broke off",
    )
    .await;
    check(
        |asked| {
            let other = Digest::sha256(b"other");
            (asked.method == "PUT" && asked.path.contains("manifests"))
                .then(|| Reply::new(201).header("docker-content-digest", other.as_str()))
        },
        ErrorKind::Internal,
        "has sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa after",
    )
    .await;
}

#[tokio::test]
async fn an_upload_on_another_host_is_shown_no_secret() {
    let storage = Double::scripted(|_| Some(Reply::new(201))).await;
    let location = format!("http://{}/up/1?sig=x", storage.host());
    let double = Double::scripted(move |asked| match asked.authorization() {
        None => Some(Reply::new(401).header("www-authenticate", "Basic realm=\"r\"")),
        Some(_) if asked.method == "POST" => Some(Reply::new(202).header("location", &location)),
        Some(_) => None,
    })
    .await;
    let credentials = GivenCredentials::new(&double.host(), Credential::basic("ci", "s3cr3t"));
    let registry = hasty().credentials(credentials).build().unwrap();
    // The blob is elsewhere, so that the double refuses the manifest.
    let error = push(&registry, &Sample::image(&[]), &double.at("shop/api:v1")).await.unwrap_err();
    assert!(error.to_string().contains("not there"), "{error}");
    let asked = storage.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].query.starts_with("sig=x&digest=sha256%3A"), "{}", asked[0].query);
    assert_eq!(asked[0].authorization(), None);
}

#[tokio::test]
async fn wherever_it_breaks_off_it_is_done_again() -> Result<()> {
    let registry = client();
    for good in 0.. {
        let left = Arc::new(AtomicUsize::new(good));
        let counted = Arc::clone(&left);
        let spent = move || counted.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err();
        let double = Double::scripted(move |_| spent().then(|| Reply::new(403))).await;
        let (sample, to) = (Sample::index(), double.at("shop/api:v1"));
        let broken = push(&registry, &sample, &to).await;
        assert_eq!(double.images().tag("shop/api", "v1").is_some(), broken.is_ok(), "after {good} requests");
        left.store(usize::MAX, Relaxed);
        push(&registry, &sample, &to).await?;
        assert_eq!(double.images().holds("shop/api"), (vec!["v1".to_owned()], 3, 5));
        if broken.is_ok() {
            // Two looks at the tag; for each blob a look and two for its upload; four manifests.
            assert_eq!(good, 2 + 5 * 3 + 4);
            return Ok(());
        }
    }
    unreachable!()
}

#[tokio::test]
async fn whichever_answer_is_lost_it_is_done_once() -> Result<()> {
    let registry = client();
    for writes in 0..14 {
        let (double, sample) = (Double::good().await, Sample::index());
        double.images().writing.loses_after = Some(writes);
        let pushed = push(&registry, &sample, &double.at("shop/api:v1")).await?;
        assert_eq!((pushed.blobs.uploaded, pushed.blobs.present), (5, 0), "after {writes} writes");
        assert_eq!(double.images().writing.loses_after, None);
        assert_eq!(double.images().holds("shop/api"), (vec!["v1".to_owned()], 3, 5));
    }
    Ok(())
}

#[tokio::test]
async fn one_token_is_enough() {
    let double = Double::scripted(|asked| {
        if asked.path == "/token" {
            return Some(Reply::json(r#"{"token": "t0k3n", "expires_in": 300}"#));
        }
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"r\"", asked.host);
        let shown = asked.authorization() == Some("Bearer t0k3n");
        (!shown).then(|| Reply::new(401).header("www-authenticate", realm))
    })
    .await;
    push(&client(), &Sample::index(), &double.at("shop/api:v1")).await.unwrap();
    let asked = double.asked();
    let tokens: Vec<_> = asked.iter().filter(|asked| asked.path == "/token").collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].parameter("scope").as_deref(), Some("repository:shop/api:pull,push"));
}

#[tokio::test]
async fn a_tag_is_moved_unless_it_is_to_be_new() -> Result<()> {
    let (double, sample) = (Double::good().await, Sample::image(&[]));
    let other = double.images().put_image("shop/api", Some("v1"), &crate::double::Image::default());
    let to: Reference = double.at("shop/api:v1");
    let layout = sample.open().await;
    let absent = PushOptions::new().expect_absent(true);
    let error = client().push(&layout, layout.image(None)?, &to, &absent).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let expect = format!(
        "push {to}: it stands for {other} (it was to be new, for {}: choose another tag)",
        sample.digest
    );
    // The tag itself is the innermost object.
    assert!(
        error.to_string().starts_with("push ")
            && error.to_string().ends_with(expect.split_once(": ").unwrap().1),
        "{error}"
    );
    assert_eq!(double.images().tag("shop/api", "v1"), Some(other.clone()));
    assert!(double.taken().iter().all(|asked| asked.starts_with("HEAD")));

    let pushed = client().push(&layout, layout.image(None)?, &to, &PushOptions::new()).await?;
    assert_eq!(pushed.previous, Some(other));
    client().push(&layout, layout.image(None)?, &to, &absent).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_of_what_is_wrong() {
    let (double, sample) = (Double::good().await, Sample::image(&[b"layer"]));
    std::fs::write(sample.blob(b"layer"), b"other").unwrap();
    let error = push(&client(), &sample, &double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let expect = format!("its content has the digest {}", Digest::sha256(b"other"));
    assert!(error.to_string().contains(&expect), "{error}");
    assert_eq!(double.images().holds("shop/api").1, 0);

    let sample = Sample::image(&[]);
    let digest = Digest::sha256(b"other");
    let to: Reference = double.at(&format!("shop/api@{digest}"));
    let error = push(&client(), &sample, &to).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("what is to be written there is {}", sample.digest)),
        "{error}"
    );
    assert_eq!(double.images().holds("shop/api").1, 0);
}
