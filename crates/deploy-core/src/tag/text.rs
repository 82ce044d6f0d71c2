//! Text made fit for a tag.

use crate::image::Digest;

/// The most bytes of a branch (or any other text field) that a rendered tag holds: with a time, two separators and a whole commit the tag
/// stays within OCI's 128.
pub const MAX_TEXT_LENGTH: usize = 63;

/// Digits of the hash that ends a text that was cut.
const HASH: usize = 8;

/// `text` as a tag writes it: every character that a tag cannot hold, `/` above all, becomes `-`, and a `.` or `-` at the start `_`.
///
/// What is over [`MAX_TEXT_LENGTH`] is cut, and ends with `-` and 8 digits of the sha256 of the whole, so that two long branches that begin
/// alike stay two. Short ones may fall together, as `a/b` and `a-b` do.
///
/// ```
/// use deploy_core::tag::tag_safe;
///
/// assert_eq!(tag_safe("feature/login-2.0"), "feature-login-2.0");
/// assert_eq!(tag_safe("-x"), "_x");
/// assert_eq!(tag_safe(&"long/".repeat(20)).len(), 63);
/// ```
pub fn tag_safe(text: &str) -> String {
    let safe = uncut(text);
    if safe.len() <= MAX_TEXT_LENGTH {
        return safe;
    }
    let digest = Digest::sha256(text.as_bytes());
    let hash = digest.hex().get(..HASH).unwrap_or_default();
    // All of it is ASCII by now.
    let kept = safe.get(..MAX_TEXT_LENGTH - 1 - HASH).unwrap_or_default();
    format!("{kept}-{hash}")
}

/// The same without a limit: how a tag of another tool may write it.
pub(super) fn uncut(text: &str) -> String {
    let safe = text.chars().enumerate().map(|(at, c)| match c {
        '.' | '-' if at == 0 => '_',
        c if super::is_tag_char(c) => c,
        _ if at == 0 => '_',
        _ => '-',
    });
    safe.collect()
}
