//! What cosign leaves in a registry: only the bundle that it made is by its key.
#![no_main]

use deploy_verify::cosign::{Demand, PublicKey, Signed, judge};

const KEY: &[u8] = include_bytes!("../../crates/deploy-verify/tests/data/cosign/p256.pub");
/// Nobody signed this.
const IMAGE: &str = "shop/api@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// As a bundle, as a key, and as a payload with its signature on the last line.
libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let image = IMAGE.parse().expect("it is one");
    let demand =
        Demand::any_of([PublicKey::read("cosign.pub", KEY).expect("it is one")]).annotation("env", "prod");
    let line = text.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
    let (payload, signature) = text.split_at(line);
    let signature = String::from_utf8_lossy(signature);
    let signed: Vec<_> = [Signed::bundle("fuzz", text), Signed::payload("fuzz", payload, &signature)]
        .into_iter()
        .flatten()
        .collect();
    assert!(!judge(&signed, &image, &demand).is_met());
    if let Ok(key) = PublicKey::read("fuzz", text) {
        judge(&signed, &image, &Demand::all_of([key]));
    }
});
