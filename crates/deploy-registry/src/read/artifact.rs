//! What a manifest lists.

use deploy_core::error::{Error, Result};
use deploy_core::image::Reference;
use deploy_core::registry::{Artifact, Layer};
use serde::Deserialize;

use super::manifest::{is_index, manifest};
use crate::content::Descriptor;
use crate::registry::OciRegistry;
use crate::transport::Budget;

/// A manifest's layers in its own order.
#[derive(Deserialize)]
struct Layers {
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
}

pub(crate) async fn artifact(
    registry: &OciRegistry,
    budget: &Budget,
    reference: &Reference,
) -> Result<Artifact> {
    let manifest = manifest(registry, budget, reference).await?;
    if is_index(&manifest.content) {
        let platforms: Vec<String> = manifest
            .content
            .manifests
            .iter()
            .filter_map(|listed| Some(listed.platform.as_ref()?.text()))
            .collect();
        let message =
            format!("it is an index of {} manifests, not one manifest", manifest.content.manifests.len());
        return Err(Error::invalid(message)
            .help(format!("ask for one of them by its digest: {}", platforms.join(", "))));
    }
    let listed: Layers = serde_json::from_slice(&manifest.bytes)
        .map_err(|error| Error::invalid(format!("it is not a manifest: {error}")))?;
    let mut artifact = Artifact::new(manifest.digest, manifest.content.artifact_type.unwrap_or_default());
    artifact.subject = manifest.content.subject.map(|subject| subject.digest);
    artifact.layers = listed.layers.or(listed.blobs).unwrap_or_default().into_iter().map(layer).collect();
    artifact.annotations = manifest.content.annotations;
    Ok(artifact)
}

fn layer(listed: Descriptor) -> Layer {
    let mut layer = Layer::new(listed.digest, listed.media_type, listed.size);
    layer.annotations = listed.annotations.unwrap_or_default();
    layer
}
