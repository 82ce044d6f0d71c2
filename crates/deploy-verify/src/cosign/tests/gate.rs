use std::sync::Arc;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::memory::{Faults, Faulty};
use deploy_core::registry::Registry;

use super::super::{CosignKey, Demand};
use super::*;
use crate::misleading::Misleading;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const CASES: [&str; 5] = ["bundle", "bundle-twice", "tag", "tag-twice", "referrer"];

async fn ask(registry: impl Registry + 'static, demand: Demand, image: &str) -> Result<Answer> {
    let mut subject = Subject::new("production");
    subject.images.push(image.to_owned());
    CosignKey::demanding(Arc::new(registry), demand).ask(&subject).await
}

fn by(name: &str) -> Demand {
    Demand::any_of([key(name)])
}

const TAGGED: &str = "registry.example/api:v1";

#[tokio::test]
async fn finds_what_cosign_left() {
    for case in CASES {
        let recorded = Recorded::of(case);
        for image in [TAGGED.to_owned(), recorded.image().to_string()] {
            let answer = ask(recorded.registry(), by("p256"), &image).await.unwrap();
            let expect = format!("{image}: {} is signed by p256 (sha256:", recorded.image);
            assert!(
                matches!(&answer, Answer::Yes { grounds } if grounds.starts_with(&expect)),
                "{case}: {answer:?}"
            );
            let answer = ask(recorded.registry(), by("rsa"), &image).await.unwrap();
            assert!(
                matches!(&answer, Answer::No { why } if why.contains("none that counts is by rsa")),
                "{case}: {answer:?}"
            );
        }
    }
    let attested = Recorded::of("attested");
    let answer = ask(attested.registry(), by("p256"), TAGGED).await.unwrap();
    assert!(matches!(&answer, Answer::No { why } if why.contains("no signature was found")), "{answer:?}");
}

#[tokio::test]
async fn keys_may_have_signed_in_different_ways() {
    let (bundle, tag) = (Recorded::of("bundle"), Recorded::of("tag-rsa"));
    assert_eq!(bundle.image, tag.image, "the same image in different repositories");
    let registry = bundle.registry();
    let both = || Demand::all_of([key("p256"), key("rsa")]);
    assert!(!ask(registry.clone(), both(), TAGGED).await.unwrap().is_yes());
    let image = bundle.image();
    for (name, text) in &tag.tags {
        let artifact = artifact(Digest::sha256(text.as_bytes()), text);
        let digest = artifact.digest.clone();
        let blobs = tag.blobs.iter().map(|(digest, text)| (digest.clone(), text.clone().into_bytes()));
        registry.put_artifact(image.repository(), artifact, blobs);
        registry.tag(image.repository(), name.parse().unwrap(), digest);
    }
    assert!(ask(registry, both(), TAGGED).await.unwrap().is_yes());
}

#[tokio::test]
async fn a_moved_tag_is_unsigned() {
    let recorded = Recorded::of("tag");
    let registry = recorded.registry();
    registry.put(&TAGGED.parse().unwrap(), "77aa001");
    let answer = ask(registry.clone(), by("p256"), TAGGED).await.unwrap();
    assert!(matches!(&answer, Answer::No { why } if why.contains("no signature was found")), "{answer:?}");
    // A signature that was moved under the new image's name says itself what it is of.
    let image: Reference = TAGGED.parse().unwrap();
    let moved = registry.resolve(&image).await.unwrap();
    let (_, text) = recorded.tags.iter().next().unwrap();
    let signature = Digest::sha256(text.as_bytes());
    registry.tag(image.repository(), format!("sha256-{}.sig", moved.hex()).parse().unwrap(), signature);
    let answer = ask(registry, by("p256"), TAGGED).await.unwrap();
    assert!(matches!(&answer, Answer::No { why } if why.contains("it is of another image")), "{answer:?}");
}

/// Never unsigned when it could not be read, and never signed when unsure.
#[tokio::test]
async fn a_registry_that_fails_decides_nothing() {
    for case in CASES {
        let recorded = Recorded::of(case);
        let mut step = 0;
        loop {
            let faults = Faults::new();
            faults.fail_at(step, ErrorKind::Unavailable);
            let registry = Faulty::new(Arc::new(recorded.registry()), faults.clone());
            match ask(registry, by("rsa"), TAGGED).await {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{case} {step}: {error}"),
                Ok(answer) => {
                    assert!(!answer.is_yes() && faults.steps() <= step, "{case} {step}: {answer:?}");
                    break;
                }
            }
            step += 1;
        }
        assert!(step >= 8, "{case}: {step}");
    }
}

#[tokio::test]
async fn one_good_signature_is_enough_whatever_else_fails() {
    let recorded = Recorded::of("bundle");
    // Nobody can read this one.
    let registry = recorded.registry();
    let image = recorded.image();
    let mut broken = Artifact::new(Digest::sha256(b"broken"), BUNDLE);
    broken.subject = Some(recorded.image.clone());
    broken.layers.push(Layer::new(Digest::sha256(b"gone"), BUNDLE, 4));
    registry.put_artifact(image.repository(), broken, []);
    assert!(ask(registry.clone(), by("p256"), TAGGED).await.unwrap().is_yes());
    let error = ask(registry, by("rsa"), TAGGED).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_no_signature_is_told() {
    let recorded = Recorded::of("bundle");
    let registry = recorded.registry();
    registry.attach(recorded.image().repository(), &recorded.image, BUNDLE, b"{}");
    registry.attach(recorded.image().repository(), &recorded.image, "application/spdx+json", b"{}");
    let answer = ask(registry.clone(), by("rsa"), TAGGED).await.unwrap();
    assert!(
        matches!(&answer, Answer::No { why } if why.ends_with(": it is no Sigstore bundle")),
        "{answer:?}"
    );
    registry.attach(recorded.image().repository(), &recorded.image, BUNDLE, &vec![b' '; 2 * 1024 * 1024]);
    let error = ask(registry, by("rsa"), TAGGED).await.unwrap_err();
    assert!(error.to_string().contains("it has 2097152 bytes, and 1048576 at most are read"), "{error}");
}

#[tokio::test]
async fn an_artifact_of_another_image_counts_for_nothing() {
    let recorded = Recorded::of("bundle");
    let answer =
        ask(Misleading::new(recorded.registry(), recorded.image.clone()), by("p256"), TAGGED).await.unwrap();
    assert!(
        matches!(&answer, Answer::No { why } if why.ends_with("it does not refer to the image")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn there_is_an_end_to_what_is_read() {
    let recorded = Recorded::of("bundle");
    let registry = recorded.registry();
    for number in 0..150 {
        let content = format!("{{\"number\": {number}}}");
        registry.attach(recorded.image().repository(), &recorded.image, BUNDLE, content.as_bytes());
    }
    let error = ask(registry, by("rsa"), TAGGED).await.unwrap_err();
    assert!(error.to_string().contains("it has more than 200 signatures, and no more are read"), "{error}");
}

#[tokio::test]
async fn without_a_key_or_an_image_there_is_no_answer() {
    let recorded = Recorded::of("bundle");
    assert!(ask(recorded.registry(), Demand::any_of([]), TAGGED).await.is_err());
    let gate = CosignKey::new(Arc::new(recorded.registry()), key("p256"));
    assert!(gate.ask(&Subject::new("production")).await.is_err());
    let gone = ask(recorded.registry(), by("p256"), "registry.example/api:v2").await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}
