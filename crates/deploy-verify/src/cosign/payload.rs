//! What cosign 2 signs: the "simple signing" payload (`specs/SIGNATURE_SPEC.md` of cosign).

use std::collections::BTreeMap;

use deploy_core::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use super::signed::Claims;

const KIND: &str = "cosign container image signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
    optional: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What a payload says, whoever signed it.
pub(super) fn claims(payload: &[u8]) -> Result<Vec<Claims>> {
    let unreadable = |_| Error::invalid("what it signs is no payload of cosign");
    let Payload { critical, optional } = serde_json::from_slice(payload).map_err(unreadable)?;
    if critical.kind != KIND {
        return Err(Error::invalid("what it signs is no signature of an image"));
    }
    Ok(vec![Claims {
        digest: critical.image.digest.parse()?,
        annotations: optional.unwrap_or_default(),
        reference: Some(critical.identity.reference),
    }])
}
