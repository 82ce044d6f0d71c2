//! What every [`Registry`] keeps to.

use std::collections::BTreeSet;
use std::future::Future;

use async_trait::async_trait;
use futures_util::TryStreamExt;

use super::{refused, run_all};
use crate::error::ErrorKind;
use crate::image::{Digest, Reference, Repository, Tag};
use crate::registry::Registry;

/// A registry, and the means to push to it.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The registry.
    fn registry(&self) -> &dyn Registry;

    /// A repository that nothing was pushed to.
    fn repository(&self) -> Repository;

    /// Pushes an image labelled with git revision `revision`; another revision is another image.
    async fn push(&self, image: &Reference, revision: &str) -> Digest;

    /// Pushes an artifact with one layer, `content`, that refers to the image with `subject`.
    async fn attach(&self, subject: &Digest, artifact_type: &str, content: &[u8]) -> Digest;
}

/// Makes a test of each clause: `registry_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! registry_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { registry [
            every_tag_is_listed_once
            no_repository_is_an_error
            a_tag_resolves_to_its_digest
            a_moved_tag_resolves_to_the_new_digest
            a_digest_is_asked_for_too
            an_unknown_image_is_not_found
            facts_are_the_images_own
            no_referrers_are_none
            what_refers_is_listed_with_its_content
            a_blob_that_is_too_large_is_refused
            what_was_never_pushed_is_not_found
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(registry_conformance!(list), factory).await;
}

fn tagged(fixture: &impl Fixture, tag: &str) -> Reference {
    Reference::tagged(fixture.repository(), tag.parse().expect("it is a tag"))
}

fn absent() -> Digest {
    Digest::sha256(b"nobody pushed this")
}

/// The listing is whole, over many pages, and has no doubles.
pub async fn every_tag_is_listed_once(fixture: impl Fixture) {
    let mut pushed = BTreeSet::new();
    for number in 0..120 {
        let image = tagged(&fixture, &format!("v{number}"));
        fixture.push(&image, "4f1c2d9").await;
        pushed.insert(image.tag().cloned().expect("it has one"));
    }
    let listed: Vec<Tag> =
        fixture.registry().tags(&fixture.repository()).try_collect().await.expect("it can be listed");
    assert_eq!(listed.len(), pushed.len(), "{listed:?}");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), pushed);
}

/// A repository that is not there is an error, never an empty list.
pub async fn no_repository_is_an_error(fixture: impl Fixture) {
    let listed: Result<Vec<Tag>, _> = fixture.registry().tags(&fixture.repository()).try_collect().await;
    refused(listed, ErrorKind::NotFound, "a repository that is not there");
}

/// A tag resolves to the digest that was pushed under it.
pub async fn a_tag_resolves_to_its_digest(fixture: impl Fixture) {
    let digest = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    fixture.push(&tagged(&fixture, "v2"), "77aa001").await;
    let found = fixture.registry().resolve(&tagged(&fixture, "v1")).await.expect("it was pushed");
    assert_eq!(found, digest);
}

/// A tag is asked for anew each time.
pub async fn a_moved_tag_resolves_to_the_new_digest(fixture: impl Fixture) {
    let image = tagged(&fixture, "latest");
    let mut digests = BTreeSet::new();
    for revision in ["4f1c2d9", "77aa001"] {
        let digest = fixture.push(&image, revision).await;
        assert_eq!(fixture.registry().resolve(&image).await.expect("it was pushed"), digest);
        digests.insert(digest);
    }
    assert_eq!(digests.len(), 2, "the fixture pushed the same image twice");
}

/// A reference with a digest is looked up as well, and its tag does not matter.
pub async fn a_digest_is_asked_for_too(fixture: impl Fixture) {
    let digest = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    let pinned = Reference::pinned(fixture.repository(), digest.clone());
    let both = tagged(&fixture, "gone").with_digest(digest.clone());
    for image in [pinned, both] {
        assert_eq!(fixture.registry().resolve(&image).await.expect("it was pushed"), digest);
    }
    let gone = Reference::pinned(fixture.repository(), absent());
    refused(fixture.registry().resolve(&gone).await, ErrorKind::NotFound, "a digest that is not there");
}

/// A tag or repository that is not there is not found.
pub async fn an_unknown_image_is_not_found(fixture: impl Fixture) {
    let image = tagged(&fixture, "v1");
    refused(fixture.registry().resolve(&image).await, ErrorKind::NotFound, "an image in no repository");
    fixture.push(&image, "4f1c2d9").await;
    let other = tagged(&fixture, "v2");
    let error =
        refused(fixture.registry().resolve(&other).await, ErrorKind::NotFound, "a tag that is not there");
    assert!(error.to_string().contains("v2"), "the error must name the image: {error}");
    refused(fixture.registry().inspect(&other).await, ErrorKind::NotFound, "a tag that is not there");
}

/// The facts are those of the image asked for.
pub async fn facts_are_the_images_own(fixture: impl Fixture) {
    let digest = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    fixture.push(&tagged(&fixture, "v2"), "77aa001").await;
    let facts = fixture.registry().inspect(&tagged(&fixture, "v1")).await.expect("it was pushed");
    assert_eq!(facts.digest, digest);
    assert_eq!(facts.revision.as_deref(), Some("4f1c2d9"));
}

/// An image that nothing refers to has an empty list, not an error.
pub async fn no_referrers_are_none(fixture: impl Fixture) {
    let digest = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    let found = fixture.registry().referrers(&fixture.repository(), &digest).await.expect("it can be listed");
    assert!(found.is_empty(), "{found:?}");
}

/// What refers to an image is listed once, can be read, and has the bytes that were pushed.
pub async fn what_refers_is_listed_with_its_content(fixture: impl Fixture) {
    const REPORT: &str = "application/vnd.example.report.v1+json";
    const SIGNATURE: &str = "application/vnd.example.signature.v1+json";
    let image = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    fixture.push(&tagged(&fixture, "v2"), "77aa001").await;
    let report = fixture.attach(&image, REPORT, b"{\"found\":0}").await;
    let signature = fixture.attach(&image, SIGNATURE, b"signed").await;
    let (registry, repository) = (fixture.registry(), fixture.repository());
    let found = registry.referrers(&repository, &image).await.expect("they can be listed");
    let mut listed: Vec<_> =
        found.iter().map(|found| (&found.digest, found.artifact_type.as_str())).collect();
    listed.sort_unstable();
    let mut attached = vec![(&report, REPORT), (&signature, SIGNATURE)];
    attached.sort_unstable();
    assert_eq!(listed, attached);
    let artifact =
        registry.artifact(&Reference::pinned(repository.clone(), report.clone())).await.expect("it is there");
    assert_eq!((&artifact.digest, artifact.artifact_type.as_str()), (&report, REPORT));
    assert_eq!(artifact.subject.as_ref(), Some(&image));
    let [layer] = artifact.layers.as_slice() else { panic!("one layer was pushed: {artifact:?}") };
    assert_eq!(layer.size, 11);
    let content = registry.blob(&repository, &layer.digest, layer.size).await.expect("it is there");
    assert_eq!(content, b"{\"found\":0}");
}

/// No more is read than was asked for.
pub async fn a_blob_that_is_too_large_is_refused(fixture: impl Fixture) {
    let image = fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    fixture.attach(&image, "text/plain", b"0123456789").await;
    let digest = Digest::sha256(b"0123456789");
    let read = fixture.registry().blob(&fixture.repository(), &digest, 9).await;
    refused(read, ErrorKind::InvalidInput, "a blob of ten bytes where nine are allowed");
}

/// Content and artifacts that are not there are not found.
pub async fn what_was_never_pushed_is_not_found(fixture: impl Fixture) {
    fixture.push(&tagged(&fixture, "v1"), "4f1c2d9").await;
    let (registry, repository) = (fixture.registry(), fixture.repository());
    refused(
        registry.blob(&repository, &absent(), 100).await,
        ErrorKind::NotFound,
        "a blob that is not there",
    );
    let artifact = registry.artifact(&Reference::pinned(repository, absent())).await;
    refused(artifact, ErrorKind::NotFound, "an artifact that is not there");
}
