//! Against a real registry, with skopeo as the peer that reads what we write and writes what we read.

use std::path::Path;

use deploy_core::error::ErrorKind;
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::Registry;
use deploy_registry::build::{BuildOptions, CommandBuilder, NewImage};
use deploy_registry::credentials::DockerConfig;
use deploy_registry::layout::Layout;
use deploy_registry::{NewArtifact, OciRegistry, PromoteOptions, PushOptions, Pushed};

use crate::sample::Sample;
use crate::server::{Guard, Server, run};

async fn push(registry: &OciRegistry, layout: &Layout, to: &Reference) -> Pushed {
    registry.push(layout, layout.image(None).unwrap(), to, &PushOptions::new()).await.unwrap()
}

fn registry() -> OciRegistry {
    OciRegistry::builder().build().unwrap()
}

/// The digest that skopeo sees.
fn seen(image: &Reference) -> Digest {
    let raw = run("skopeo", &["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}")]);
    Digest::sha256(raw.as_bytes())
}

#[tokio::test]
#[ignore = "needs docker-registry and skopeo (apt-get install docker-registry skopeo)"]
async fn what_skopeo_writes_is_pushed_and_what_is_pushed_skopeo_reads() {
    let server = Server::start().await;
    let (sample, folder) = (Sample::index(), tempfile::tempdir().unwrap());
    let image: Reference = server.at("shop/api:v1");
    push(&registry(), &sample.open().await, &image).await;
    assert_eq!(seen(&image), sample.digest);
    for kind in ["oci-archive", "oci"] {
        let path = folder.path().join(kind);
        let to = format!("{kind}:{}:named", path.display());
        let from = format!("docker://{image}");
        run("skopeo", &["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &from, &to]);
        let layout = Layout::open(&path).await.unwrap();
        assert_eq!(layout.image(Some("named")).unwrap().digest(), &sample.digest);
        let again: Reference = server.at(&format!("{kind}/api:v1"));
        let pushed = push(&registry(), &layout, &again).await;
        assert_eq!((pushed.blobs.uploaded, pushed.blobs.present), (5, 0));
        assert_eq!(seen(&again), sample.digest);
    }
}

#[tokio::test]
#[ignore = "needs docker-registry and skopeo (apt-get install docker-registry skopeo)"]
async fn an_image_is_promoted_within_a_registry_and_across() {
    let (server, other, sample) = (Server::start().await, Server::start().await, Sample::index());
    let (staging, production): (Reference, Reference) =
        (server.at("staging/api:v1"), server.at("production/api:v1"));
    let registry = registry();
    push(&registry, &sample.open().await, &staging).await;
    let options = PromoteOptions::new().referrers(true).expect_absent(true);
    let artifact =
        NewArtifact::new("application/x.report").layer("text/plain", "good").about(sample.digest.clone());
    registry.push_artifact(staging.repository(), &artifact).await.unwrap();

    let promoted = registry.promote(&staging, &production, &options).await.unwrap();
    assert_eq!((promoted.blobs.mounted, promoted.blobs.uploaded, promoted.referrers), (7, 0, 1));
    let mirror: Reference = other.at("mirror/api:v1");
    let promoted = registry.promote(&production, &mirror, &options).await.unwrap();
    assert_eq!((promoted.blobs.mounted, promoted.blobs.uploaded, promoted.referrers), (0, 7, 1));
    for image in [&production, &mirror] {
        assert_eq!(seen(image), sample.digest);
        let found = registry.referrers(image.repository(), &sample.digest).await.unwrap();
        assert_eq!(
            found.iter().map(|one| one.artifact_type.as_str()).collect::<Vec<_>>(),
            ["application/x.report"]
        );
    }
    let tagged = registry.retag(&mirror, &"stable".parse().unwrap()).await.unwrap();
    assert_eq!(
        seen(&Reference::tagged(mirror.repository().clone(), "stable".parse().unwrap())),
        sample.digest
    );
    assert_eq!(tagged.previous, None);
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn this_registry_deletes_no_tag_and_loses_none() {
    let (server, sample) = (Server::start().await, Sample::index());
    let (registry, image): (_, Reference) = (registry(), server.at("shop/api:v1"));
    push(&registry, &sample.open().await, &image).await;
    registry.retag(&image, &"stable".parse().unwrap()).await.unwrap();
    let error = registry.delete_tag(&image).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let repository: &Repository = image.repository();
    let tags = registry.tags_on(repository, &sample.digest).await.unwrap();
    assert_eq!(tags.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["stable", "v1"]);
    registry.delete_digest(repository, &sample.digest).await.unwrap();
    assert_eq!(registry.resolve(&image).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
#[ignore = "needs docker-registry and skopeo (apt-get install docker-registry skopeo)"]
async fn a_push_that_is_dropped_is_done_again() {
    let (server, sample) = (Server::start().await, Sample::large(64 << 20));
    let (layout, image): (_, Reference) = (sample.open().await, server.at("shop/api:v1"));
    // Each time a little later: among the first looks, at the uploads, at the manifests.
    for requests in 1..12 {
        let registry = registry();
        let pushing = tokio::spawn({
            let (registry, layout, image) = (registry.clone(), layout.clone(), image.clone());
            async move { push(&registry, &layout, &image).await }
        });
        while registry.stats().requests < requests && !pushing.is_finished() {
            tokio::task::yield_now().await;
        }
        pushing.abort();
        let _ = pushing.await;
    }
    push(&registry(), &layout, &image).await;
    assert_eq!(seen(&image), sample.digest);
}

#[tokio::test]
#[ignore = "needs docker-registry and htpasswd (apt-get install docker-registry apache2-utils)"]
async fn what_docker_login_writes_is_shown() {
    let line = run("htpasswd", &["-nbB", "ci", "correct horse"]);
    let password = Some(("ci".to_owned(), "correct horse".to_owned(), line));
    let server = Server::guarded(Guard { password, ..Guard::default() }).await;
    let (sample, image): (_, Reference) = (Sample::index(), server.at("shop/api:v1"));
    let config = sample.folder.path().join("config.json");
    let push = async || {
        let registry = OciRegistry::builder().credentials(DockerConfig::at(&config)).build().unwrap();
        let layout = sample.open().await;
        registry.push(&layout, layout.image(None).unwrap(), &image, &PushOptions::new()).await
    };
    assert_eq!(push().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    // ci:wrong horse
    let login = |auth: &str| {
        let text = format!("{{\"auths\": {{\"http://{}/v1/\": {{\"auth\": \"{auth}\"}}}}}}", server.host());
        std::fs::write(&config, text).unwrap();
    };
    login("Y2k6d3JvbmcgaG9yc2U=");
    let error = push().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(!format!("{error:?}").contains("horse"), "{error:?}");
    // ci:correct horse
    login("Y2k6Y29ycmVjdCBob3JzZQ==");
    assert_eq!(push().await.unwrap().reference.digest(), Some(&sample.digest));
}

/// The most memory that this process had, in KiB.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn memory_does_not_grow_with_a_blob() {
    let (server, other, sample) = (Server::start().await, Server::start().await, Sample::large(300 << 20));
    let (from, to): (Reference, Reference) = (server.at("shop/api:v1"), other.at("shop/api:v1"));
    let before = peak();
    push(&registry(), &sample.open().await, &from).await;
    let pushed = peak();
    let promoted = registry().promote(&from, &to, &PromoteOptions::new()).await.unwrap();
    assert!(promoted.blobs.uploaded_bytes > 300 << 20);
    let (pushed, promoted) = (pushed - before, peak() - before);
    assert!(
        promoted < 100 << 10,
        "{pushed} KiB more to push, {promoted} KiB more to push and promote 300 MiB"
    );
}

#[tokio::test]
#[ignore = "needs docker-registry and skopeo (apt-get install docker-registry skopeo)"]
async fn images_are_built_by_a_program_and_pushed_together() {
    let (server, sample) = (Server::start().await, Sample::index());
    let base: Reference = server.at("base/api:v1");
    push(&registry(), &sample.open().await, &base).await;
    // skopeo stands for a builder: it writes layouts as these do.
    let image = |name: &str, kind: &str| {
        let (from, to) = (format!("docker://{base}"), format!("{kind}:{{output}}:built"));
        let copy = ["skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", &from, &to];
        let builder = CommandBuilder::new(copy).timeout(std::time::Duration::from_secs(120));
        NewImage::new(name, std::sync::Arc::new(builder), server.at(&format!("shop/{name}")))
            .tagged("v1".parse().unwrap())
    };
    let images = [image("api", "oci"), image("web", "oci-archive")];
    let pushed = registry().build_and_push(&images, &BuildOptions::new()).await.unwrap();
    for name in ["api", "web"] {
        let reference = pushed.get(name).unwrap();
        assert_eq!(reference.digest(), Some(&sample.digest));
        assert_eq!(seen(&server.at(&format!("shop/{name}:v1"))), sample.digest);
    }
}
