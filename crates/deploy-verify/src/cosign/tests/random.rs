use proptest::prelude::*;

use super::super::{Demand, judge};
use super::*;

/// What was recorded, with something odd in it.
fn damaged(text: String) -> impl Strategy<Value = Vec<u8>> {
    let length = text.len();
    (0..length, 0..length, any::<u8>(), 0..4).prop_map(move |(from, to, byte, how)| {
        let mut bytes = text.clone().into_bytes();
        let (from, to) = (from.min(to), from.max(to));
        match how {
            0 => bytes[from] = byte,
            1 => drop(bytes.drain(from..to)),
            2 => bytes.truncate(from),
            _ => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
        }
        bytes
    })
}

fn blob(case: &str) -> String {
    Recorded::of(case).blobs.into_values().next().unwrap()
}

fn look(signed: deploy_core::error::Result<Signed>) {
    if let Ok(signed) = signed {
        judge(
            &[signed],
            &Recorded::of("tag").image(),
            &Demand::any_of([key("p256"), key("rsa")]).annotation("env", "prod"),
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..300), signature in "\\PC{0,40}") {
        look(Signed::bundle("here", &bytes));
        look(Signed::payload("here", &bytes, &signature));
        let _ = PublicKey::read("here", &bytes);
    }

    #[test]
    fn no_bundle_is_too_odd(bytes in damaged(blob("bundle"))) {
        look(Signed::bundle("here", &bytes));
    }

    #[test]
    fn no_payload_is_too_odd(bytes in damaged(blob("tag")), signature in "[A-Za-z0-9+/]{0,8}={0,2}") {
        look(Signed::payload("here", &bytes, &signature));
    }

    #[test]
    fn no_key_is_too_odd(bytes in prop_oneof![damaged(String::from_utf8(data("p256.pub")).unwrap()), damaged(String::from_utf8(data("rsa.pub")).unwrap())]) {
        if let Ok(key) = PublicKey::read("here", &bytes) {
            judge(&Recorded::of("tag-rsa").signed(), &Recorded::of("tag-rsa").image(), &Demand::any_of([key]));
        }
    }
}
