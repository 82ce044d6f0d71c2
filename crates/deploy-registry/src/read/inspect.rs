//! What an image says of itself: in its index, its manifest and its config (image specification, annotations).

use std::collections::BTreeMap;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference};
use deploy_core::registry::ImageFacts;
use serde::Deserialize;

use super::blob::blob;
use super::manifest::{is_index, manifest};
use crate::content::{Content, Descriptor, Platform};
use crate::registry::OciRegistry;
use crate::transport::{Budget, MAX_SMALL};

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// An index may list an index, and so on: so far it is followed.
const MAX_DEPTH: usize = 4;

/// An image's config, as far as it is about the image.
#[derive(Debug, Default, Deserialize)]
struct Config {
    created: Option<String>,
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    #[serde(rename = "config")]
    run: Option<Run>,
}

#[derive(Debug, Default, Deserialize)]
struct Run {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

pub(crate) async fn inspect(
    registry: &OciRegistry,
    budget: &Budget,
    reference: &Reference,
) -> Result<ImageFacts> {
    let first = manifest(registry, budget, reference).await?;
    let mut platforms = listed_platforms(&first.content);
    let mut layers = vec![first.content.annotations.clone()];
    let mut content = first.content;
    let mut depth = 0;
    let config = loop {
        if !is_index(&content) {
            break config(registry, budget, reference, &content).await?;
        }
        let Some(one) = representative(&content) else { break Config::default() };
        depth += 1;
        if depth > MAX_DEPTH {
            return Err(Error::invalid(format!("an index that lists an index, {MAX_DEPTH} times over")));
        }
        let pinned = Reference::pinned(reference.repository().clone(), one.digest.clone());
        content = manifest(registry, budget, &pinned).await?.content;
        layers.push(content.annotations.clone());
        if platforms.is_empty() {
            platforms = listed_platforms(&content);
        }
    };
    if let (true, Some(os), Some(architecture)) = (platforms.is_empty(), &config.os, &config.architecture) {
        let own =
            Platform { os: os.clone(), architecture: architecture.clone(), variant: config.variant.clone() };
        platforms.push(own.text());
    }
    Ok(facts(first.digest, platforms, layers, config))
}

/// The outermost annotations win over the inner ones, those over the config's labels.
fn facts(
    digest: Digest,
    platforms: Vec<String>,
    layers: Vec<BTreeMap<String, String>>,
    config: Config,
) -> ImageFacts {
    let mut labels = config.run.unwrap_or_default().labels.unwrap_or_default();
    for annotations in layers.into_iter().rev() {
        labels.extend(annotations);
    }
    let time = |text: &String| text.parse::<Timestamp>().ok();
    let own = |key: &str| labels.get(key).filter(|value| !value.is_empty()).cloned();
    let mut facts = ImageFacts::new(digest);
    facts.platforms = platforms;
    facts.created = own("org.opencontainers.image.created")
        .as_ref()
        .and_then(time)
        .or_else(|| config.created.as_ref().and_then(time));
    facts.revision = own("org.opencontainers.image.revision");
    facts.source = own("org.opencontainers.image.source");
    facts.labels = labels;
    facts
}

/// What an index lists beside images: attestations, whose platform is `unknown/unknown`.
fn is_image(listed: &Descriptor) -> bool {
    let unknown = listed
        .platform
        .as_ref()
        .is_some_and(|platform| platform.os == "unknown" || platform.architecture == "unknown");
    listed.is_manifest() && !unknown && listed.annotation("vnd.docker.reference.type").is_none()
}

fn listed_platforms(content: &Content) -> Vec<String> {
    let mut platforms: Vec<String> = Vec::new();
    for listed in content.manifests.iter().filter(|listed| is_image(listed)) {
        if let Some(platform) = listed.platform.as_ref().map(Platform::text)
            && !platforms.contains(&platform)
        {
            platforms.push(platform);
        }
    }
    platforms
}

/// The manifest that speaks for an index: that of linux/amd64, or else the first.
fn representative(content: &Content) -> Option<&Descriptor> {
    let mut images = content.manifests.iter().filter(|listed| is_image(listed));
    let common = |listed: &&Descriptor| {
        listed.platform.as_ref().is_some_and(|platform| platform.text() == "linux/amd64")
    };
    images.clone().find(common).or_else(|| images.next())
}

async fn config(
    registry: &OciRegistry,
    budget: &Budget,
    reference: &Reference,
    content: &Content,
) -> Result<Config> {
    let is_config = |blob: &&Descriptor| blob.media_type == OCI_CONFIG || blob.media_type == DOCKER_CONFIG;
    let Some(listed) = content.blobs.iter().find(is_config) else { return Ok(Config::default()) };
    let bytes =
        blob(registry, budget, reference.repository(), &listed.digest, MAX_SMALL).await.map_err(|error| {
            // The image is there: that its config is not is the registry's fault.
            let kind = if error.kind() == ErrorKind::NotFound { ErrorKind::Internal } else { error.kind() };
            Error::new(kind, format!("its config {}: {}", listed.digest, error.message()))
                .with_retry(error.retry())
        })?;
    serde_json::from_slice(&bytes).map_err(|source| {
        Error::invalid(format!("its config {} is not one: {source}", listed.digest)).source(source)
    })
}
