//! Signatures made here, of what cosign never signs; and signatures that somebody changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;

use super::super::{Demand, judge};
use super::*;

/// A key of which the private half is known.
pub(super) struct Pair(EcdsaKeyPair);

impl Pair {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap())
    }

    pub(super) fn public(&self) -> PublicKey {
        // What stands before the point in every key on P-256.
        let before = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let mut der: Vec<u8> = (0..before.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&before[at..at + 2], 16).unwrap())
            .collect();
        der.extend_from_slice(self.0.public_key().as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der));
        PublicKey::read("made", pem.as_bytes()).unwrap()
    }

    fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(&SystemRandom::new(), message).unwrap())
    }

    pub(super) fn payload(&self, payload: &Value) -> Signed {
        let bytes = serde_json::to_vec(payload).unwrap();
        Signed::payload("here", &bytes, &self.sign(&bytes)).unwrap()
    }

    fn bundle(&self, kind: &str, statement: &Value) -> Vec<u8> {
        let payload = serde_json::to_vec(statement).unwrap();
        let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
        message.extend_from_slice(&payload);
        serde_json::to_vec(&json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "dsseEnvelope": {"payload": STANDARD.encode(&payload), "payloadType": kind, "signatures": [{"sig": self.sign(&message)}]},
        }))
        .unwrap()
    }
}

fn image() -> Reference {
    format!("registry.example/api@{}", Digest::sha256(b"image")).parse().unwrap()
}

pub(super) fn payload() -> Value {
    json!({
        "critical": {
            "identity": {"docker-reference": "registry.example/api"},
            "image": {"docker-manifest-digest": Digest::sha256(b"image")},
            "type": "cosign container image signature",
        },
        "optional": {"env": "prod", "count": 3},
    })
}

fn statement() -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": Digest::sha256(b"image").hex()}, "annotations": {"env": "prod"}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    })
}

#[test]
fn what_is_signed_must_be_about_the_image() {
    let pair = Pair::new();
    let check = |change: &dyn Fn(&mut Value), expect: &str| {
        let mut payload = payload();
        change(&mut payload);
        let demand = Demand::any_of([pair.public()]).annotation("env", "prod");
        let verdict = judge(&[pair.payload(&payload)], &image(), &demand);
        assert!(verdict.reason().contains(expect), "{}", verdict.reason());
        assert_eq!(verdict.is_met(), expect.starts_with("signed by"));
    };
    check(&|_| {}, "signed by made");
    check(
        &|value| value["critical"]["type"] = "atomic container signature".into(),
        "no signature of an image",
    );
    check(
        &|value| value["critical"]["image"]["docker-manifest-digest"] = "sha256:1".into(),
        "does not count: ",
    );
    check(&|value| value["critical"] = Value::Null, "what it signs is no payload of cosign");
    check(&|value| value["optional"] = Value::Null, "it has no env");
    check(&|value| value["optional"]["env"] = json!(["prod"]), "env is no text");
    check(&|value| value["optional"] = json!("env=prod"), "what it signs is no payload of cosign");
}

#[test]
fn what_a_bundle_says_must_be_about_the_image() {
    let pair = Pair::new();
    let check = |change: &dyn Fn(&mut Value), expect: &str| {
        let mut statement = statement();
        change(&mut statement);
        let signed =
            Signed::bundle("here", &pair.bundle("application/vnd.in-toto+json", &statement)).unwrap();
        let demand = Demand::any_of([pair.public()]).annotation("env", "prod");
        let verdict = judge(&[signed], &image(), &demand);
        assert!(verdict.reason().contains(expect), "{}", verdict.reason());
        assert_eq!(verdict.is_met(), expect.starts_with("signed by"));
    };
    let other =
        json!({"digest": {"sha256": Digest::sha256(b"another").hex()}, "annotations": {"env": "prod"}});
    check(&|_| {}, "signed by made");
    check(&|value| value["subject"].as_array_mut().unwrap().insert(0, other.clone()), "signed by made");
    check(&|value| value["subject"] = json!([other.clone()]), "it is of another image");
    check(&|value| value["subject"] = json!([]), "it is of another image");
    // The annotations of another subject are not the image's.
    check(
        &|value| {
            value["subject"][0]["annotations"] = Value::Null;
            value["subject"].as_array_mut().unwrap().push(other.clone());
        },
        "it has no env",
    );
    check(
        &|value| value["subject"][0]["digest"] = json!({"sha512": Digest::sha256(b"image").hex()}),
        "it is of another image",
    );
    check(
        &|value| value["predicateType"] = "https://slsa.dev/provenance/v1".into(),
        "it is an attestation, and no signature",
    );
    check(
        &|value| value["_type"] = "https://example.com/Statement/v1".into(),
        "what it signs is no in-toto statement",
    );
}

#[test]
fn a_bundle_holds_a_statement() {
    let pair = Pair::new();
    let check = |bytes: &[u8], expect: &str| {
        let error = Signed::bundle("here", bytes).unwrap_err().to_string();
        assert_eq!(error, format!("read signature here: {expect}"));
    };
    check(&pair.bundle("text/plain", &statement()), "what it signs is no in-toto statement");
    check(b"{}", "it is no Sigstore bundle");
    check(br#"{"mediaType": "application/json", "dsseEnvelope": null}"#, "it is no Sigstore bundle");
    let signed_blob = br#"{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "messageSignature": {"signature": "AA=="}}"#;
    check(signed_blob, "there is no statement about an image in it");
    check(&vec![b' '; 1024 * 1024 + 1], "it is 1048577 bytes, and 1048576 at most are read");
    let error = Signed::payload("here", b"{}", "not base64").unwrap_err();
    assert_eq!(error.to_string(), "read signature here: the signature is not base64");
    assert!(Signed::payload("here", &vec![b' '; 64 * 1024 + 1], "AA==").is_err());
}

/// A signature holds for its bytes alone: of a payload in a bundle, and of a bundle as a payload.
#[test]
fn what_is_signed_cannot_be_changed() {
    let flipped = |text: &str| -> Vec<String> {
        let change = |at: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        (0..text.len()).map(change).collect()
    };
    let demand = Demand::any_of([key("p256")]);
    let recorded = Recorded::of("tag");
    let payload = recorded.blobs.values().next().unwrap();
    let manifest = recorded.manifests().next().unwrap();
    let signature =
        manifest["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"].as_str().unwrap();
    let counts = |payload: &str, signature: &str| {
        let signed = Signed::payload("here", payload.as_bytes(), signature);
        signed.is_ok_and(|signed| judge(&[signed], &recorded.image(), &demand).is_met())
    };
    assert!(counts(payload, signature));
    assert!(flipped(payload).iter().all(|payload| !counts(payload, signature)));
    assert!(!counts(&format!("{payload}\n"), signature));

    let recorded = Recorded::of("bundle");
    let bundle = recorded.blobs.values().next().unwrap();
    let counts = |bundle: &str| {
        let signed = Signed::bundle("here", bundle.as_bytes());
        signed.is_ok_and(|signed| judge(&[signed], &recorded.image(), &demand).is_met())
    };
    assert!(counts(bundle));
    let payload = serde_json::from_str::<Value>(bundle).unwrap()["dsseEnvelope"]["payload"]
        .as_str()
        .unwrap()
        .to_owned();
    for changed in flipped(&payload) {
        assert!(!counts(&bundle.replace(&payload, &changed)));
    }
}
