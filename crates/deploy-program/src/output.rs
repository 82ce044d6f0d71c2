//! What a program prints, within bounds.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of the end of standard error is kept, in bytes.
pub(crate) const KEPT: usize = 64 * 1024;

/// All of a stream; `None` if that is more than `most` bytes.
pub(crate) async fn whole(stream: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    stream.take(most as u64 + 1).read_to_end(&mut out).await?;
    Ok((out.len() <= most).then_some(out))
}

/// The last `kept` bytes of a stream, which is read whole.
pub(crate) async fn end(stream: &mut (impl AsyncRead + Unpin), kept: usize) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    loop {
        if stream.read_buf(&mut end).await? == 0 {
            end.drain(..end.len().saturating_sub(kept));
            return Ok(end);
        }
        if end.len() > kept.saturating_mul(2) {
            end.drain(..end.len() - kept);
        }
    }
}

/// A bound, for a person.
pub(crate) fn shown(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_read_whole_or_not_at_all() {
        assert_eq!(whole(&mut &b"abc"[..], 3).await.unwrap().as_deref(), Some(&b"abc"[..]));
        assert_eq!(whole(&mut &b"abcd"[..], 3).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_end_of_a_stream_is_kept() {
        for length in [0, 1, KEPT, KEPT + 1, 2 * KEPT + 1, 5 * KEPT + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let kept = end(&mut &bytes[..], KEPT).await.unwrap();
            assert!(kept == bytes[length.saturating_sub(KEPT)..], "of {length} bytes");
        }
    }

    #[test]
    fn bounds_are_shown() {
        assert_eq!([shown(10), shown(1024 * 1024), shown(64 * 1024 * 1024)], ["10 bytes", "1 MiB", "64 MiB"]);
    }
}
