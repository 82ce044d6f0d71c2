//! Bytes that are what their digest says.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Refuses bytes with another digest.
pub(super) fn verify(bytes: &[u8], digest: &Digest, host: &str) -> Result<()> {
    let is_it = match digest.algorithm() {
        "sha256" => is(&Sha256::digest(bytes), digest),
        "sha384" => is(&Sha384::digest(bytes), digest),
        _ => is(&Sha512::digest(bytes), digest),
    };
    if is_it {
        return Ok(());
    }
    let message = format!("{host} answered with bytes whose digest is not {digest}: refused");
    Err(Error::new(ErrorKind::Internal, message).help("the registry, or somebody in between, changed them"))
}

fn is(hash: &[u8], digest: &Digest) -> bool {
    let hex = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    hex.map(|half| char::from_digit(half.into(), 16)).eq(digest.hex().chars().map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_bytes_have_a_digest() {
        let check = |digest: &str, bytes: &[u8], expect: bool| {
            assert_eq!(verify(bytes, &digest.parse().unwrap(), "r.example").is_ok(), expect, "{digest}");
        };
        check("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", b"abc", true);
        check("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", b"abd", false);
        let sha384 = "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        check(sha384, b"abc", true);
        check(sha384, b"", false);
        let sha512 = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        check(sha512, b"abc", true);
        check(sha512, b"", false);
    }
}
