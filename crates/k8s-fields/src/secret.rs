//! `stringData` of Secrets.

use serde_json::Value;

use crate::{ParseError, ParseErrorKind};

/// Turns a Secret's `stringData` into `data`, as the API server would; other objects stay as they are.
///
/// Applied as `stringData`, keys that the manifest no longer has would stay for ever, and others' changes would raise no
/// conflict: what a manager owns is `stringData`, which the live object never shows. So convert before you compare or
/// apply. A key of both is `stringData`'s.
///
/// ```
/// use k8s_fields::secret_string_data_to_data;
/// use serde_json::json;
///
/// let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"user": "amélie"}});
/// secret_string_data_to_data(&mut secret)?;
/// assert_eq!(secret, json!({"apiVersion": "v1", "kind": "Secret", "data": {"user": "YW3DqWxpZQ=="}}));
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
///
/// # Errors
/// `stringData` or `data` is no object, or a value of `stringData` is no string; the object is then unchanged. The error
/// names the key, never the value.
pub fn secret_string_data_to_data(object: &mut Value) -> Result<(), ParseError> {
    let Some(secret) = object.as_object_mut() else { return Ok(()) };
    let is = |name: &str, expected: &str| secret.get(name).and_then(Value::as_str) == Some(expected);
    if !is("apiVersion", "v1") || !is("kind", "Secret") {
        return Ok(());
    }
    let map = |name: &str| match secret.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(_) => Err(ParseError::new(format_args!(".{name}"), ParseErrorKind::NotAnObject)),
    };
    let Some(string_data) = map("stringData")? else {
        secret.remove("stringData");
        return Ok(());
    };
    let mut data = map("data")?.unwrap_or_default();
    for (key, value) in &string_data {
        let bad = || {
            ParseError::new(format_args!(".stringData.{key}"), ParseErrorKind::BadField("must be a string"))
        };
        data.insert(key.clone(), base64(value.as_str().ok_or_else(bad)?.as_bytes()).into());
    }
    secret.remove("stringData");
    if !data.is_empty() || secret.contains_key("data") {
        secret.insert("data".to_owned(), Value::Object(data));
    }
    Ok(())
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| chunk.get(i).copied().map_or(0, u32::from);
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { digit as char } else { '=' });
        }
    }
    text
}
