//! A stream of bytes that are what their descriptor says, or an error.

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest as _, Sha256};

/// A digest that is being computed.
pub(crate) struct Hasher(Sha256);

impl Hasher {
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for another algorithm than sha256.
    pub(crate) fn new(expected: &Digest) -> Result<Self> {
        match expected.algorithm() {
            "sha256" => Ok(Self(Sha256::new())),
            other => {
                Err(Error::new(ErrorKind::Unsupported, format!("{other} is not computed here")).on(expected))
            }
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&mut self, expected: &Digest) -> Result<()> {
        let found = self.0.finalize_reset();
        let hex = |byte: &u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16));
        let found: String = found.iter().flat_map(hex).flatten().collect();
        if found == expected.hex() {
            return Ok(());
        }
        Err(Error::invalid(format!("its content has the digest sha256:{found}")).on(expected))
    }
}

/// Passes on what `bytes` has, if these are `length` bytes with `digest`.
///
/// The last part is held back until that is known: who passes it on to where its length is announced does not complete a wrong one.
pub(crate) fn verified(
    bytes: BoxStream<'static, Result<Bytes>>,
    digest: Digest,
    length: u64,
) -> BoxStream<'static, Result<Bytes>> {
    let state = match Hasher::new(&digest) {
        Ok(hasher) => State { bytes, hasher, digest, length, read: 0 },
        Err(error) => return stream::iter([Err(error)]).boxed(),
    };
    stream::unfold(Some(state), async |state| {
        let mut state = state?;
        match state.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(state))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct State {
    bytes: BoxStream<'static, Result<Bytes>>,
    hasher: Hasher,
    digest: Digest,
    length: u64,
    read: u64,
}

impl State {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(bytes) = self.bytes.next().await.transpose()? else {
            if self.read < self.length {
                return Err(self.not_whole("fewer", self.read));
            }
            // Of nothing, no part was checked.
            return if self.length == 0 { self.hasher.finish(&self.digest).map(|()| None) } else { Ok(None) };
        };
        self.read = self.read.saturating_add(bytes.len() as u64);
        if self.read > self.length {
            return Err(self.not_whole("more", self.length));
        }
        self.hasher.update(&bytes);
        if self.read == self.length && !bytes.is_empty() {
            self.hasher.finish(&self.digest)?;
        }
        Ok(Some(bytes))
    }

    fn not_whole(&self, which: &str, count: u64) -> Error {
        let says = self.length;
        let message = match which {
            "more" => format!("its content has more than the {count} bytes of its descriptor"),
            _ => format!("its content has {count} bytes, its descriptor says {says}"),
        };
        Error::invalid(message).on(&self.digest)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn nothing_wrong_is_completed() {
        let check = async |parts: &[&'static str], of: &str, length: u64, expect: Result<(), &str>| {
            let bytes: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
            let digest = Digest::sha256(of.as_bytes());
            let mut stream = verified(stream::iter(bytes).boxed(), digest.clone(), length);
            let mut passed = 0;
            let end = loop {
                match stream.try_next().await {
                    Ok(Some(bytes)) => passed += bytes.len() as u64,
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error.to_string()),
                }
            };
            assert_eq!(end, expect.map_err(|why| format!("{digest}: {why}")), "{parts:?}");
            assert_eq!(passed == length, end.is_ok() || length == 0, "{parts:?}");
        };
        check(&["ab", "c"], "abc", 3, Ok(())).await;
        check(&["abc", ""], "abc", 3, Ok(())).await;
        check(&[""], "", 0, Ok(())).await;
        check(&[], "", 0, Ok(())).await;
        let empty = "its content has the digest sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(&[], "abc", 0, Err(empty)).await;
        check(&["a"], "abc", 3, Err("its content has 1 bytes, its descriptor says 3")).await;
        check(&["abc", "d"], "abcd", 3, Err("its content has the digest sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")).await;
        check(&["abcd"], "abcd", 3, Err("its content has more than the 3 bytes of its descriptor")).await;
        check(&["ab", "d"], "abc", 3, Err("its content has the digest sha256:a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9")).await;
    }

    #[tokio::test]
    async fn other_algorithms_are_refused() {
        let digest: Digest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
        let error = verified(stream::empty().boxed(), digest, 0).try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
