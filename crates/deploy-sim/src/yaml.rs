//! YAML in and out.

use serde_json::Value;

/// YAML as JSON, and whether no map has a key twice; of two that are the same the last one counts.
///
/// # Errors
/// Why it is no YAML.
pub(crate) fn read(text: &[u8]) -> Result<(Value, bool), String> {
    // As Go's YAML reads `defaultMode: 0644`.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    if let Ok(document) = serde_saphyr::from_slice_with_options(text, options) {
        return Ok((document, true));
    }
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true, duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins
    };
    let document = serde_saphyr::from_slice_with_options(text, options).map_err(|error| error.to_string())?;
    Ok((document, false))
}

pub(crate) fn written(document: &Value) -> Vec<u8> {
    // What was JSON can be written.
    serde_saphyr::to_string(document).unwrap_or_default().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let document = json!({
            "texts": ["true", "12", "1e3", "null", "~", "", " a ", "a: b", "# c", "- d", "a\nb\n", "\u{e9}\t\"'", "0x1f", "no"],
            "others": [true, 12, -1, 1.5, null, {}, []], "deep": {"a b": {"": [{"x": 1}, [2]]}},
        });
        assert_eq!(read(&written(&document)), Ok((document, true)));
        assert_eq!(read(b"a: 1\na: 2\n"), Ok((json!({"a": 2}), false)));
        assert!(read(b"a: [").is_err());
        let octal = json!({"a": 420, "b": "0644", "c": 420, "d": 0});
        assert_eq!(read(b"a: 0644\nb: '0644'\nc: 0o644\nd: 0\n"), Ok((octal, true)));
        assert_eq!(read(b"a: 1\na: 0644\n"), Ok((json!({"a": 420}), false)));
    }
}
