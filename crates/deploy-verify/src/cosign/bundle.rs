//! What cosign 3 signs: an in-toto statement in a DSSE envelope in a Sigstore bundle (`sigstore_bundle.proto` of its protobuf-specs,
//! `protocol.md` of secure-systems-lab/dsse, `spec/v1/statement.md` of in-toto/attestation).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use super::signed::Claims;

/// What every version of the format begins with.
pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle";

/// The predicate that says "signed", and nothing else.
pub(super) const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
    annotations: Option<BTreeMap<String, Value>>,
}

/// A bundle, opened.
pub(super) struct Opened {
    /// The statement.
    pub(super) payload: Vec<u8>,
    /// What is signed: the envelope's pre-authentication encoding of it.
    pub(super) message: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
}

pub(super) fn open(bytes: &[u8]) -> Result<Opened> {
    let unreadable = |_| Error::invalid("it is no Sigstore bundle");
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(unreadable)?;
    if !bundle.media_type.starts_with(MEDIA_TYPE) {
        return Err(Error::invalid("it is no Sigstore bundle"));
    }
    let Some(envelope) = bundle.dsse_envelope else {
        return Err(Error::invalid("there is no statement about an image in it"));
    };
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Error::invalid("what it signs is no in-toto statement"));
    }
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| Error::invalid("it is not base64"));
    let payload = decode(&envelope.payload)?;
    let signatures =
        envelope.signatures.iter().map(|signature| decode(&signature.sig)).collect::<Result<_>>()?;
    let mut message = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    message.extend_from_slice(&payload);
    Ok(Opened { payload, message, signatures })
}

/// What a statement says of each of its subjects, whoever signed it.
pub(super) fn claims(statement: &[u8]) -> Result<Vec<Claims>> {
    let unreadable = |_| Error::invalid("what it signs is no in-toto statement");
    let Statement { kind, subject, predicate_type } =
        serde_json::from_slice(statement).map_err(unreadable)?;
    if !kind.starts_with(STATEMENT) {
        return Err(Error::invalid("what it signs is no in-toto statement"));
    }
    if predicate_type != PREDICATE {
        return Err(Error::invalid("it is an attestation, and no signature"));
    }
    let mut claims = Vec::new();
    for Subject { digest, annotations } in subject {
        let annotations = annotations.unwrap_or_default();
        // Of several digests of one subject each is the image's, by another algorithm.
        claims.extend(digest.iter().filter_map(|(algorithm, hex)| {
            let digest = format!("{algorithm}:{hex}").parse().ok()?;
            Some(Claims { digest, annotations: annotations.clone(), reference: None })
        }));
    }
    Ok(claims)
}
