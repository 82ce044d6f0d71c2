//! What the real cosign left in a registry, and what others could leave there.
//!
//! `tests/data/cosign/generate` made the data.

mod forged;
mod gate;
mod judge;
mod key;
mod random;

use std::collections::BTreeMap;
use std::path::Path;

use deploy_core::image::{Digest, Reference};
use deploy_core::memory::MemoryRegistry;
use deploy_core::registry::{Artifact, Layer};
use serde::Deserialize;
use serde_json::Value;

use super::{PublicKey, Signed};

fn data(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cosign").join(name)).unwrap()
}

fn key(name: &str) -> PublicKey {
    PublicKey::read(name, &data(&format!("{name}.pub"))).unwrap()
}

/// What was left in a repository.
#[derive(Deserialize)]
struct Recorded {
    image: Digest,
    referrers: BTreeMap<Digest, String>,
    tags: BTreeMap<String, String>,
    blobs: BTreeMap<Digest, String>,
}

impl Recorded {
    fn of(case: &str) -> Self {
        serde_json::from_slice(&data(&format!("{case}.json"))).unwrap()
    }

    fn image(&self) -> Reference {
        format!("registry.example/api@{}", self.image).parse().unwrap()
    }

    fn manifests(&self) -> impl Iterator<Item = Value> {
        self.referrers.values().chain(self.tags.values()).map(|text| serde_json::from_str(text).unwrap())
    }

    /// The bundles, and the payloads with their signatures.
    fn signed(&self) -> Vec<Signed> {
        let mut signed = Vec::new();
        for manifest in self.manifests() {
            for layer in manifest["layers"].as_array().unwrap() {
                let blob = &self.blobs[&digest(&layer["digest"])];
                signed.push(match layer["annotations"]["dev.cosignproject.cosign/signature"].as_str() {
                    Some(signature) => Signed::payload("a tag", blob.as_bytes(), signature).unwrap(),
                    None => Signed::bundle("a bundle", blob.as_bytes()).unwrap(),
                });
            }
        }
        signed
    }

    /// The same in a registry in memory, with the tag `v1` on the image.
    fn registry(&self) -> MemoryRegistry {
        let registry = MemoryRegistry::new();
        let image = self.image();
        let repository = image.repository();
        let tagged = Reference::tagged(repository.clone(), "v1".parse().unwrap());
        registry.put_facts(&tagged, deploy_core::registry::ImageFacts::new(self.image.clone()));
        let blobs = |layers: &[Layer]| {
            layers
                .iter()
                .map(|layer| (layer.digest.clone(), self.blobs[&layer.digest].clone().into_bytes()))
                .collect::<Vec<_>>()
        };
        for (digest, text) in &self.referrers {
            let artifact = artifact(digest.clone(), text);
            let blobs = blobs(&artifact.layers);
            registry.put_artifact(repository, artifact, blobs);
        }
        for (tag, text) in &self.tags {
            let artifact = artifact(Digest::sha256(text.as_bytes()), text);
            let (digest, blobs) = (artifact.digest.clone(), blobs(&artifact.layers));
            registry.put_artifact(repository, artifact, blobs);
            registry.tag(repository, tag.parse().unwrap(), digest);
        }
        registry
    }
}

fn artifact(of: Digest, text: &str) -> Artifact {
    let manifest: Value = serde_json::from_str(text).unwrap();
    let kind = manifest["artifactType"].as_str().or(manifest["config"]["mediaType"].as_str()).unwrap();
    let mut artifact = Artifact::new(of, kind);
    artifact.subject = manifest["subject"].is_object().then(|| digest(&manifest["subject"]["digest"]));
    artifact.annotations = annotations(&manifest);
    for layer in manifest["layers"].as_array().unwrap() {
        let size = layer["size"].as_u64().unwrap();
        let mut part = Layer::new(digest(&layer["digest"]), layer["mediaType"].as_str().unwrap(), size);
        part.annotations = annotations(layer);
        artifact.layers.push(part);
    }
    artifact
}

fn digest(value: &Value) -> Digest {
    value.as_str().unwrap().parse().unwrap()
}

fn annotations(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value["annotations"].clone()).unwrap_or_default()
}
