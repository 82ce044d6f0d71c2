use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::*;
use crate::image::{Digest, Reference, Repository, Tag};
use crate::manifest::read;
use crate::memory::{MemoryRegistry, MemorySecrets};
use crate::registry::{Artifact, ImageFacts, Referrer, resolve_all};

/// Counts what it is asked, and how much at once; `refused` images answer so.
#[derive(Default)]
struct Watched {
    images: MemoryRegistry,
    refused: Vec<(&'static str, Option<ErrorKind>)>,
    asked: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Watched {
    async fn pass(&self, reference: &Reference) -> Result<()> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        match self.refused.iter().find(|(image, _)| reference.to_string() == *image) {
            Some((_, Some(kind))) => Err(Error::new(*kind, "the registry says no")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Registry for Watched {
    fn describe(&self) -> String {
        "watched images".into()
    }

    fn tags(&self, repository: &Repository) -> BoxStream<'static, Result<Tag>> {
        self.images.tags(repository)
    }

    async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        self.pass(reference).await?;
        self.images.resolve(reference).await
    }

    async fn inspect(&self, reference: &Reference) -> Result<ImageFacts> {
        self.pass(reference).await?;
        self.images.inspect(reference).await
    }

    async fn referrers(&self, repository: &Repository, digest: &Digest) -> Result<Vec<Referrer>> {
        self.images.referrers(repository, digest).await
    }

    async fn artifact(&self, reference: &Reference) -> Result<Artifact> {
        self.images.artifact(reference).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest, at_most: u64) -> Result<Vec<u8>> {
        self.images.blob(repository, digest, at_most).await
    }
}

/// `a:v1` and `b:v1` exist for amd64, `arm:v1` for arm64 with its variant.
fn registry(refused: Vec<(&'static str, Option<ErrorKind>)>) -> Arc<Watched> {
    let watched = Watched { refused, ..Watched::default() };
    for image in ["a:v1", "b:v1"] {
        watched.images.put(&image.parse().unwrap(), "4f1c2d9");
    }
    let mut facts = ImageFacts::new(Digest::sha256(b"arm"));
    facts.platforms = vec!["linux/arm64/v8".into()];
    watched.images.put_facts(&"arm:v1".parse().unwrap(), facts);
    watched.images.put_facts(&"silent:v1".parse().unwrap(), ImageFacts::new(Digest::sha256(b"silent")));
    Arc::new(watched)
}

fn pod(name: &str, image: &str, more: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{containers: [{{name: main, image: '{image}'}}]{more}}}\n"
    )
}

fn bundle(text: &str) -> Bundle {
    Bundle::builder().objects(read("a.yaml", text.as_bytes()).unwrap()).build().unwrap()
}

/// Of each image its problem, or what it is.
fn said(report: &Report) -> Vec<String> {
    let line = |image: &CheckedImage| match &image.problem {
        Some(problem) => format!("{image}: {:?}: {}", problem.kind, problem.message),
        None => format!("{image}: {} {:?}", image.platforms.join(" "), image.readable),
    };
    report.images.iter().map(line).collect()
}

#[tokio::test]
async fn images_must_be_there_for_the_nodes() {
    let refused = vec![("lost:v1", Some(ErrorKind::Timeout)), ("b:v1", Some(ErrorKind::Unauthorized))];
    let registry = registry(refused);
    let check = async |image: &str, more: &str, expect: &str| {
        let preflight = Preflight::new(registry.clone()).platform("linux/amd64").platform("linux/arm64");
        let report = preflight.check(&bundle(&pod("x", image, more))).await.unwrap();
        assert_eq!(said(&report), [format!("{image} of Pod shop/x: {expect}")]);
        assert_eq!(report.is_good(), report.into_result().is_ok());
    };
    check("a:v1", "", "Platform: it is there for linux/amd64, and not for linux/arm64").await;
    check("a:v1", ", nodeSelector: {kubernetes.io/arch: amd64}", "linux/amd64 None").await;
    check("a:v1", ", nodeSelector: {kubernetes.io/arch: amd64, kubernetes.io/os: linux}", "linux/amd64 None")
        .await;
    check("arm:v1", ", nodeSelector: {kubernetes.io/arch: arm64}", "linux/arm64/v8 None").await;
    check("arm:v1", "", "Platform: it is there for linux/arm64/v8, and not for linux/amd64").await;
    let silent =
        "Platform: it does not say for which platforms it is, and linux/amd64, linux/arm64 is needed";
    check("silent:v1", "", silent).await;
    check("a:v2", "", "NotFound: no such image").await;
    check("lost:v1", "", "Unknown: the registry says no").await;
    check("b:v1", "", "Unreadable: the registry says no").await;
    let exists = Preflight::new(registry.clone()).check(&bundle(&pod("x", "silent:v1", ""))).await.unwrap();
    assert_eq!(said(&exists), ["silent:v1 of Pod shop/x:  None"]);
}

#[tokio::test]
async fn the_error_names_every_image_and_has_the_report() {
    let pods = pod("one", "a:v1", "") + &pod("two", "a:v2", "") + &pod("three", "gone:v1", "");
    let report = Preflight::new(registry(Vec::new())).check(&bundle(&pods)).await.unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["images"][1]["problem"]["kind"], "notFound");
    assert_eq!(json["images"][0]["usedBy"][0]["container"], "main");
    let error = report.clone().into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "preflight: 2 of 3 images cannot run: a:v2 of Pod shop/two: no such image; gone:v1 of Pod shop/three: no such image"
    );
    assert_eq!(std::error::Error::source(&error).and_then(|source| source.downcast_ref()), Some(&report));
}

/// The node sees what the secrets open, which is written in them.
fn as_node(registry: &Arc<Watched>) -> Preflight {
    Preflight::new(registry.clone()).as_node(|secrets| {
        let node = MemoryRegistry::new();
        for image in secrets.iter().flat_map(|secret| secret.config.reveal().split_whitespace()) {
            node.put(&image.parse()?, "4f1c2d9");
        }
        Ok(Arc::new(node))
    })
}

#[tokio::test]
async fn images_must_be_readable_with_the_pull_secrets() {
    let secret = |name: &str, content: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: shop}}, \
             type: kubernetes.io/dockerconfigjson, {content}}}\n"
        )
    };
    // "a:v1" in base64.
    let secrets = secret("plain", "stringData: {.dockerconfigjson: 'a:v1'}")
        + &secret("encoded", "data: {.dockerconfigjson: YTp2MQ==}")
        + "---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: ci, namespace: shop}, imagePullSecrets: [{name: plain}]}\n";
    let registry = registry(Vec::new());
    let stored = MemorySecrets::new([("shop/stored", "a:v1")]);
    let check = async |image: &str, more: &str, expect: &str| {
        let preflight = as_node(&registry).secrets(Arc::new(stored.clone()));
        let report = preflight.check(&bundle(&(pod("x", image, more) + &secrets))).await.unwrap();
        let said = said(&report).remove(0);
        assert!(said.contains(expect), "{said}");
        assert!(!format!("{report:?} {preflight:?}").contains("SecretText"));
    };
    check("a:v1", ", imagePullSecrets: [{name: plain}]", " Some(true)").await;
    check("a:v1", ", imagePullSecrets: [{name: encoded}, {name: gone}]", " Some(true)").await;
    check("a:v1", ", imagePullSecrets: [{name: stored}]", " Some(true)").await;
    check("a:v1", ", serviceAccountName: ci", " Some(true)").await;
    check("a:v1", "", "Unreadable: it is there, but cannot be read without pull secrets, and its pods name none: no such image").await;
    check(
        "b:v1",
        ", imagePullSecrets: [{name: plain}]",
        "Unreadable: it is there, but cannot be read with shop/plain: ",
    )
    .await;
    check("c:v1", ", imagePullSecrets: [{name: plain}]", "NotFound: no such image").await;
    let report =
        as_node(&registry).check(&bundle(&pod("x", "a:v1", ", imagePullSecrets: [{name: gone}]"))).await;
    let help = report.unwrap().into_result().unwrap_err();
    assert_eq!(help.advice(), Some("create shop/gone: there is no such secret"));

    let refused = async |content: &str, expect: &str| {
        let text = pod("x", "a:v1", ", imagePullSecrets: [{name: odd}]") + content;
        let error = as_node(&registry).check(&bundle(&text)).await.unwrap_err().to_string();
        assert!(error.contains(expect) && !error.contains("!!"), "{error}");
    };
    refused(
        &secret("odd", "data: {.dockerconfigjson: '!!'}"),
        "Secret shop/odd: what is under .dockerconfigjson is no text in base64",
    )
    .await;
    refused(&secret("odd", "data: {x: ''}"), "Secret shop/odd: it holds no .dockerconfigjson").await;
    let opaque = "---\n{apiVersion: v1, kind: Secret, metadata: {name: odd, namespace: shop}}\n";
    refused(opaque, "its type is Opaque, not kubernetes.io/dockerconfigjson").await;
}

#[tokio::test]
async fn every_image_is_asked_for_once_and_few_at_once() {
    let images: Vec<String> = (0..50).map(|number| format!("app{number}:v1")).collect();
    let registry = registry(Vec::new());
    for image in &images {
        registry.images.put(&image.parse().unwrap(), "4f1c2d9");
    }
    let pods = |prefix: &str| {
        let pods =
            images.iter().enumerate().map(|(number, image)| pod(&format!("{prefix}{number}"), image, ""));
        pods.collect::<String>()
    };
    let bundle = bundle(&(pods("a") + &pods("b")));
    let report = Preflight::new(registry.clone()).platform("linux/amd64").check(&bundle).await.unwrap();
    assert!(report.is_good() && report.images.len() == 50 && report.images[0].used_by.len() == 2);
    assert_eq!(registry.asked.swap(0, Ordering::Relaxed), 50);
    assert_eq!(registry.most.load(Ordering::Relaxed), AT_ONCE);
    let wanted = bundle.images().iter().map(|used| used.image.clone());
    let (asked, wanted) = (registry.clone(), wanted.collect::<Vec<_>>());
    let digests = tokio::spawn(async move { resolve_all(&*asked, wanted).await }).await.unwrap().unwrap();
    assert_eq!((digests.len(), registry.asked.swap(0, Ordering::Relaxed)), (50, 50));
    // What is pinned need not be resolved again, but still be there.
    let pinned = bundle.pinned(&digests).unwrap();
    let again = resolve_all(&*registry, pinned.images().iter().map(|used| used.image.clone())).await.unwrap();
    assert_eq!((again.len(), registry.asked.load(Ordering::Relaxed)), (0, 0));
    assert!(Preflight::new(registry).check(&pinned).await.unwrap().is_good());
}
