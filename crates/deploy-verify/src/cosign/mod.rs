//! Whether images were signed with a key.
//!
//! What `cosign sign --key` leaves in a registry is found and verified: of cosign 3 a Sigstore bundle, of cosign 2 a payload with its signature,
//! in an artifact that refers to the image or under the tag `sha256-<digest>.sig`. [`Signed`] reads both, [`judge`] decides by a [`Demand`], and
//! [`CosignKey`] is the gate around them.
//!
//! | | cosign 3 | cosign 2 |
//! | --- | --- | --- |
//! | where | an artifact of type `application/vnd.dev.sigstore.bundle.v0.3+json` that refers to the image | the tag; or, with `--registry-referrers-mode=oci-1-1`, one of type `application/vnd.dev.cosign.artifact.sig.v1+json` |
//! | what is signed | an in-toto statement in a DSSE envelope, of the predicate `https://sigstore.dev/cosign/sign/v1` | a "simple signing" payload |
//! | the image's digest | the statement's subject | `critical.image.docker-manifest-digest` |
//! | annotations (`-a`) | the subject's | `optional` |
//!
//! # What is not looked at
//! Transparency logs, timestamps and certificates: it is as `cosign verify --key KEY --insecure-ignore-tlog`, and who has the key can sign at any
//! time. Attestations are no signatures: that an image has an SBOM signed with the key says nothing about whether it may be deployed.
//!
//! # Keys, and why `ring`
//! ECDSA on P-256 (what `cosign generate-key-pair` makes) and P-384, and RSA of 2048 to 8192 bits. `ring` verifies them: it is in the tree
//! already, under rustls, it is the one crypto stack that deny.toml lets in, and for a signature by a known key it is all that is needed. The
//! `sigstore` crates are made for certificates and logs, and bring a second stack (RustCrypto's) and an HTTP client. `p256` would verify the
//! one kind of key only. What `ring` has not: P-521, and Ed25519ph, which is what cosign 2.6 and 3.1 sign with when they are given an Ed25519 key, and
//! which their own `cosign verify --key` does not accept either. Such keys are refused when they are read.
//!
//! ```
//! use deploy_verify::cosign::{Demand, PublicKey, Signed, judge};
//!
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cosign");
//! # let read = |name: &str| std::fs::read(format!("{folder}/{name}")).unwrap();
//! # let recorded: serde_json::Value = serde_json::from_slice(&read("bundle.json")).unwrap();
//! # let image = format!("registry.example/api@{}", recorded["image"].as_str().unwrap()).parse()?;
//! # let bundle = recorded["blobs"].as_object().unwrap().values().next().unwrap().as_str().unwrap();
//! let key = PublicKey::read("cosign.pub", &read("p256.pub"))?;
//! let signed = Signed::bundle("a bundle", bundle.as_bytes())?;
//! let verdict = judge(&[signed], &image, &Demand::any_of([key]).annotation("env", "prod"));
//! assert!(verdict.is_met(), "{}", verdict.reason());
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod bundle;
mod find;
mod gate;
mod judge;
mod key;
mod payload;
mod signed;
#[cfg(test)]
mod tests;

pub use gate::CosignKey;
pub use judge::{Demand, Verdict, judge};
pub use key::PublicKey;
pub use signed::{MAX_BUNDLE_BYTES, MAX_PAYLOAD_BYTES, Signed};
