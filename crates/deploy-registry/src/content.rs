//! Descriptors, indexes and manifests, as far as their content is moved: what refers to what.
//!
//! By the image specification (descriptor, image-index, manifest), and Docker's manifests of schema 2, which have the same fields.

use std::collections::BTreeMap;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use serde::{Deserialize, Serialize};

/// The largest manifest, in bytes: what the distribution specification asks registries to take.
pub(crate) const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// The most descriptors in one manifest or index.
const MAX_CHILDREN: usize = 10_000;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What a content is, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

impl Platform {
    /// As in `linux/arm64/v8`.
    pub(crate) fn text(&self) -> String {
        let variant = self.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{variant}", self.os, self.architecture)
    }
}

impl Descriptor {
    pub(crate) fn new(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.into(),
            digest: Digest::sha256(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            platform: None,
            urls: Vec::new(),
            annotations: None,
        }
    }

    /// Whether it is a manifest, or an index of them.
    pub(crate) fn is_manifest(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_LIST)
    }

    /// Layers that registries do not keep (Windows' base layers): they are fetched from their own URLs.
    pub(crate) fn is_foreign(&self) -> bool {
        self.media_type.contains(".nondistributable.") || self.media_type.contains(".foreign.")
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

/// A manifest or an index, as far as it refers to others.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) media_type: String,
    /// Of an index, what it lists: manifests, and in odd ones blobs.
    pub(crate) manifests: Vec<Descriptor>,
    /// The config and the layers, each once.
    pub(crate) blobs: Vec<Descriptor>,
    pub(crate) subject: Option<Descriptor>,
    /// Of a manifest, its own `artifactType`, else its config's media type.
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    schema_version: Option<u64>,
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    blobs: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Content {
    /// Reads a manifest or an index; `media_type` is what whoever referred to it says it is.
    pub(crate) fn read(bytes: &[u8], media_type: Option<&str>) -> Result<Self> {
        if bytes.len() as u64 > MAX_MANIFEST {
            return Err(Error::invalid("it is larger than the 4 MiB that a manifest may have"));
        }
        let fields: Fields = serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid(format!("it is not a manifest: {error}")))?;
        if fields.schema_version == Some(1) {
            let message = "it is a manifest of Docker's schema 1, which registries take no more";
            return Err(Error::new(ErrorKind::Unsupported, message).help("build the image anew"));
        }
        let media_type = match (&fields.media_type, media_type) {
            (Some(own), Some(said)) if own != said => {
                return Err(Error::invalid(format!(
                    "it says that it is {own:?}, and is referred to as {said:?}"
                )));
            }
            (Some(own), _) => own.clone(),
            (None, Some(said)) => said.to_owned(),
            (None, None) if fields.manifests.is_some() => OCI_INDEX.to_owned(),
            (None, None) => OCI_MANIFEST.to_owned(),
        };
        // What two readers take for two things is refused, as containerd does.
        if fields.manifests.is_some() && (fields.config.is_some() || fields.layers.is_some()) {
            return Err(Error::invalid("it has both manifests and layers: is it an index or a manifest?"));
        }
        let manifests = fields.manifests.unwrap_or_default();
        let config_type = fields.config.as_ref().map(|config| config.media_type.clone());
        let mut blobs: Vec<Descriptor> = Vec::new();
        let listed = fields.config.into_iter().chain(fields.layers.into_iter().flatten());
        let mut seen = std::collections::BTreeSet::new();
        for blob in listed.chain(fields.blobs.into_iter().flatten()) {
            if seen.insert(blob.digest.clone()) {
                blobs.push(blob);
            }
        }
        if manifests.len() > MAX_CHILDREN || blobs.len() > MAX_CHILDREN {
            return Err(Error::invalid(format!("it refers to more than {MAX_CHILDREN} others")));
        }
        Ok(Self {
            media_type,
            manifests,
            blobs,
            subject: fields.subject,
            artifact_type: fields.artifact_type.or(config_type),
            annotations: fields.annotations.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_refers_to_what() {
        let digest = Digest::sha256(b"");
        let check = |text: &str, said: Option<&str>, expect: Result<(usize, usize, &str), &str>| {
            let text = text.replace('#', &format!("\"digest\": \"{digest}\", \"size\": 0"));
            let read = Content::read(text.as_bytes(), said);
            let found = read.map(|read| (read.manifests.len(), read.blobs.len(), read.media_type));
            let expect = expect.map(|(manifests, blobs, media)| (manifests, blobs, media.to_owned()));
            assert_eq!(found.map_err(|error| error.to_string()), expect.map_err(str::to_owned), "{text}");
        };
        check(r#"{"manifests": [{"mediaType": "m", #}]}"#, None, Ok((1, 0, OCI_INDEX)));
        check(r#"{"manifests": []}"#, Some(DOCKER_LIST), Ok((0, 0, DOCKER_LIST)));
        let twice = r#"{"config": {"mediaType": "c", #}, "layers": [{"mediaType": "l", #}]}"#;
        check(twice, None, Ok((0, 1, OCI_MANIFEST)));
        check(r#"{"mediaType": "a", "annotations": null}"#, None, Ok((0, 0, "a")));
        check(
            r#"{"mediaType": "a"}"#,
            Some("b"),
            Err("it says that it is \"a\", and is referred to as \"b\""),
        );
        check(
            r#"{"manifests": [], "layers": []}"#,
            None,
            Err("it has both manifests and layers: is it an index or a manifest?"),
        );
        check(
            r#"{"schemaVersion": 1}"#,
            None,
            Err(
                "it is a manifest of Docker's schema 1, which registries take no more (build the image anew)",
            ),
        );
    }
}
