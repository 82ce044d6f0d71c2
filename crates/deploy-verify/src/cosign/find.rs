//! Where cosign leaves signatures in a registry.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Repository};
use deploy_core::registry::{Artifact, Layer, Referrer, Registry};

use super::bundle::{MEDIA_TYPE, PREDICATE};
use super::{MAX_BUNDLE_BYTES, MAX_PAYLOAD_BYTES, Signed};

/// The most artifacts and layers that are read for one image.
const MOST: usize = 200;

/// cosign 2 with `--registry-referrers-mode=oci-1-1`.
const ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// What was found, and what kept from finding more.
#[derive(Default)]
pub(super) struct Found {
    pub(super) signed: Vec<Signed>,
    /// What could be read and is no signature.
    pub(super) refused: Vec<Error>,
    /// What could not be read: there may be a signature.
    pub(super) unread: Vec<Error>,
    read: usize,
}

impl Found {
    /// Of artifacts that refer to the image.
    pub(super) async fn referrers(&mut self, registry: &dyn Registry, image: &Reference, digest: &Digest) {
        match registry.referrers(image.repository(), digest).await {
            Ok(referrers) => {
                for referrer in referrers.iter().filter(|referrer| is_signature(referrer)) {
                    if self.is_full() {
                        return;
                    }
                    let name = Reference::pinned(image.repository().clone(), referrer.digest.clone());
                    let read = self.artifact(registry, &name, Some(digest)).await;
                    self.unread.extend(read.err());
                }
            }
            Err(error) => self.unread.push(error),
        }
    }

    /// Of the tag that cosign 2 derives from the digest.
    pub(super) async fn tag(&mut self, registry: &dyn Registry, image: &Reference, digest: &Digest) {
        let Ok(tag) = format!("{}-{}.sig", digest.algorithm(), digest.hex()).parse() else {
            // Too long for a tag, as of a sha512: cosign has none then.
            return;
        };
        let name = Reference::tagged(image.repository().clone(), tag);
        match self.artifact(registry, &name, None).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            read => self.unread.extend(read.err()),
        }
    }

    async fn artifact(
        &mut self,
        registry: &dyn Registry,
        name: &Reference,
        subject: Option<&Digest>,
    ) -> Result<()> {
        let artifact = registry.artifact(name).await?;
        let repository = name.repository();
        if subject.is_some() && artifact.subject.as_ref() != subject {
            self.refused.push(Error::invalid("it does not refer to the image").on(name));
            return Ok(());
        }
        if is_attestation(&artifact) {
            return Ok(());
        }
        for layer in &artifact.layers {
            if self.is_full() {
                return Ok(());
            }
            self.layer(registry, repository, layer, name).await?;
        }
        Ok(())
    }

    async fn layer(
        &mut self,
        registry: &dyn Registry,
        repository: &Repository,
        layer: &Layer,
        name: &Reference,
    ) -> Result<()> {
        let place = name.digest().map_or_else(|| name.to_string(), |digest| format!("{repository}@{digest}"));
        let signed = if layer.media_type.starts_with(MEDIA_TYPE) {
            let bytes = registry.blob(repository, &layer.digest, MAX_BUNDLE_BYTES as u64).await?;
            Signed::bundle(&place, &bytes)
        } else if layer.media_type == PAYLOAD {
            let Some(signature) = layer.annotations.get(SIGNATURE) else {
                self.refused
                    .push(Error::invalid(format!("a payload lacks the annotation {SIGNATURE}")).on(place));
                return Ok(());
            };
            let bytes = registry.blob(repository, &layer.digest, MAX_PAYLOAD_BYTES as u64).await?;
            Signed::payload(&place, &bytes, signature)
        } else {
            return Ok(());
        };
        match signed {
            Ok(signed) => self.signed.push(signed),
            Err(error) => self.refused.push(error),
        }
        Ok(())
    }

    /// Counts what is read. What nobody reads may be a signature.
    fn is_full(&mut self) -> bool {
        self.read += 1;
        if self.read == MOST + 1 {
            let message = format!("it has more than {MOST} signatures, and no more are read");
            self.unread.push(Error::invalid(message).help("delete those that nobody needs"));
        }
        self.read > MOST
    }
}

fn is_signature(referrer: &Referrer) -> bool {
    let kind = referrer.artifact_type.as_str();
    let other = referrer.annotations.get(PREDICATE_TYPE).is_some_and(|predicate| predicate != PREDICATE);
    kind == ARTIFACT || (kind.starts_with(MEDIA_TYPE) && !other)
}

/// What is said of it can be a lie, by which a signature is passed over: then it does not count.
fn is_attestation(artifact: &Artifact) -> bool {
    artifact.annotations.get(PREDICATE_TYPE).is_some_and(|predicate| predicate != PREDICATE)
}
