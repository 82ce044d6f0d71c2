//! A signature with what it signs, in either form.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, Result};
use deploy_core::image::Digest;
use serde_json::Value;

use super::{PublicKey, bundle, payload};

/// The most bytes of a bundle.
pub const MAX_BUNDLE_BYTES: usize = 1024 * 1024;

/// The most bytes of a payload of cosign 2.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// A signature with what it signs. Nothing is verified yet: [`judge`](super::judge) does.
#[derive(Clone)]
pub struct Signed {
    place: String,
    message: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    /// What is claimed, or why that is nothing about an image.
    claims: Result<Vec<Claims>, String>,
}

/// What a signature says of an image.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub(super) digest: Digest,
    pub(super) annotations: BTreeMap<String, Value>,
    /// What the image was called, where that is signed.
    pub(super) reference: Option<String>,
}

impl Signed {
    /// A Sigstore bundle, as cosign 3 writes it; `place` is what answers call it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput): no bundle, or one without a statement; over [`MAX_BUNDLE_BYTES`].
    pub fn bundle(place: &str, bytes: &[u8]) -> Result<Self> {
        let at = |error: Error| error.during("read signature").on(place);
        within(bytes, MAX_BUNDLE_BYTES).map_err(at)?;
        let bundle::Opened { payload, message, signatures } = bundle::open(bytes).map_err(at)?;
        Ok(Self { place: place.to_owned(), message, signatures, claims: told(bundle::claims(&payload)) })
    }

    /// A payload of cosign 2 and its signature in base64, which is the layer's annotation `dev.cosignproject.cosign/signature`.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput): a signature that is not base64; over [`MAX_PAYLOAD_BYTES`].
    pub fn payload(place: &str, payload: &[u8], signature: &str) -> Result<Self> {
        let at = |error: Error| error.during("read signature").on(place);
        within(payload, MAX_PAYLOAD_BYTES).map_err(at)?;
        let signature = STANDARD
            .decode(signature.trim())
            .map_err(|_| at(Error::invalid("the signature is not base64")))?;
        Ok(Self {
            place: place.to_owned(),
            message: payload.to_vec(),
            signatures: vec![signature],
            claims: told(payload::claims(payload)),
        })
    }

    /// Where it was found.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether it was made with this key, whatever it says.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| key.signed(&self.message, signature))
    }

    /// What it says, or why that is nothing about an image. Worth nothing before it is known by whom it is.
    pub(super) fn claims(&self) -> Result<&[Claims], &str> {
        self.claims.as_deref().map_err(String::as_str)
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("place", &self.place)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

fn told(claims: Result<Vec<Claims>>) -> Result<Vec<Claims>, String> {
    claims.map_err(|error| error.message().to_owned())
}

fn within(bytes: &[u8], most: usize) -> Result<()> {
    if bytes.len() > most {
        return Err(Error::invalid(format!("it is {} bytes, and {most} at most are read", bytes.len())));
    }
    Ok(())
}
