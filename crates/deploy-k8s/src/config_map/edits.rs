//! What a set of edits makes of a ConfigMap: a decision about data.

use std::collections::BTreeSet;

use deploy_core::config::{Edit, Entry, Expect, Version};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use deploy_core::manifest::{MAX_DATA_BYTES, check_data_key};
use serde_json::{Map, Value};

/// What is to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything is as it is to be.
    None,
    /// Keys with their new values, null for those that go: a merge patch of `data`.
    Data(Value),
}

pub(super) fn check(key: &str) -> Result<()> {
    check_data_key(key).map_err(|error| on_key(error, key))
}

pub(super) fn check_all(edits: &[Edit]) -> Result<()> {
    let mut keys = BTreeSet::new();
    for edit in edits {
        check(&edit.key)?;
        if !keys.insert(&edit.key) {
            return Err(on_key(Error::invalid("it is named twice"), &edit.key));
        }
    }
    Ok(())
}

/// The value of `key` in a ConfigMap that may be there.
pub(super) fn entry(found: Option<&Value>, key: &str) -> Result<Option<Entry>> {
    let Some(found) = found else { return Ok(None) };
    let at = |field: &str| found.get(field).and_then(|data| data.get(key));
    if at("binaryData").is_some() {
        return Err(on_key(
            Error::new(ErrorKind::Unsupported, "its value is bytes (`binaryData`), not text"),
            key,
        ));
    }
    Ok(at("data").and_then(Value::as_str).map(|value| Entry {
        value: value.to_owned(),
        version: Version::new(Digest::sha256(value.as_bytes()).as_str()),
    }))
}

/// Whether every edit is there.
pub(super) fn stand(edits: &[Edit], found: Option<&Value>) -> bool {
    let stands =
        |edit: &Edit| entry(found, &edit.key).is_ok_and(|entry| entry.map(|entry| entry.value) == edit.value);
    edits.iter().all(stands)
}

/// What `edits` make of the ConfigMap that was `found`.
pub(super) fn change(edits: &[Edit], found: Option<&Value>) -> Result<Change> {
    let mut data = Map::new();
    for edit in edits {
        let now = entry(found, &edit.key)?;
        expect(edit, now.as_ref()).map_err(|error| on_key(error, &edit.key))?;
        if now.map(|now| now.value) != edit.value {
            data.insert(edit.key.clone(), edit.value.clone().map_or(Value::Null, Value::String));
        }
    }
    if data.is_empty() {
        return Ok(Change::None);
    }
    if let Some(found) = found {
        writable(found)?;
    }
    let bytes = size(found, &data);
    if bytes > MAX_DATA_BYTES {
        return Err(Error::invalid(format!(
            "its values would be {bytes} bytes, over the limit of {MAX_DATA_BYTES}"
        ))
        .help("the API server refuses larger ones: keep some of it in another ConfigMap"));
    }
    Ok(Change::Data(Value::Object(data)))
}

fn writable(found: &Value) -> Result<()> {
    if found.get("immutable").and_then(Value::as_bool) == Some(true) {
        return Err(
            Error::new(ErrorKind::Unsupported, "it is immutable").help("delete it, or name another one")
        );
    }
    if found.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null()) {
        return Err(Error::new(ErrorKind::Conflict, "it is being deleted").help("wait until it is gone"));
    }
    Ok(())
}

/// The bytes of all values after the change, as the API server counts them.
fn size(found: Option<&Value>, data: &Map<String, Value>) -> usize {
    let field = |name: &str| found.and_then(|found| found.get(name)).and_then(Value::as_object);
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let kept = field("data").into_iter().flatten().filter(|(key, _)| !data.contains_key(*key));
    let binary = field("binaryData").into_iter().flatten().map(|(_, value)| {
        let text = value.as_str().unwrap_or_default();
        let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count().min(2);
        (text.len() / 4 * 3).saturating_sub(padding)
    });
    kept.chain(data).map(|(_, value)| length(value)).sum::<usize>() + binary.sum::<usize>()
}

fn expect(edit: &Edit, now: Option<&Entry>) -> Result<()> {
    let holds = match &edit.expect {
        Expect::Any => true,
        Expect::Absent => now.is_none(),
        Expect::Version(version) => now.is_some_and(|now| now.version == *version),
        Expect::Value(value) => now.is_some_and(|now| now.value == *value),
        _ => return Err(Error::new(ErrorKind::Unsupported, "this expectation is not known here")),
    };
    if holds {
        return Ok(());
    }
    let is = now.map_or_else(|| "is not there".to_owned(), |now| format!("is at version {}", now.version));
    Err(Error::new(ErrorKind::Conflict, format!("it {is}, which was not expected")).help("read it again"))
}

fn on_key(error: Error, key: &str) -> Error {
    error.on(format!("key \"{}\"", key.escape_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found() -> Value {
        json!({"metadata": {"name": "m"}, "data": {"a": "1", "b": "2"}, "binaryData": {"c": "eA=="}})
    }

    #[test]
    fn only_what_differs_is_written() {
        let check = |edits: &[Edit], found: Option<&Value>, expect: Value| {
            let change = change(edits, found).unwrap();
            assert_eq!(change, if expect.is_null() { Change::None } else { Change::Data(expect) });
        };
        let found = found();
        check(&[Edit::put("a", "2"), Edit::put("b", "2")], Some(&found), json!({"a": "2"}));
        check(&[Edit::put("a", "1"), Edit::remove("x")], Some(&found), Value::Null);
        check(&[Edit::remove("a"), Edit::put("x", "")], Some(&found), json!({"a": null, "x": ""}));
        check(&[Edit::put("a", "1")], None, json!({"a": "1"}));
        check(&[Edit::remove("a")], None, Value::Null);
        check(&[Edit::put("a", "1").expecting(Expect::Absent)], None, json!({"a": "1"}));
        let same = Edit::put("a", "2").expecting(Expect::Value("1".into()));
        check(&[same], Some(&json!({"data": {"a": "1"}, "binaryData": null})), json!({"a": "2"}));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |edit: Edit, found: &Value, kind: ErrorKind, text: &str| {
            let error = change(&[edit], Some(found)).expect_err(text);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        };
        let found = found();
        let conflict = ErrorKind::Conflict;
        check(
            Edit::put("a", "1").expecting(Expect::Absent),
            &found,
            conflict,
            "key \"a\": it is at version sha256:",
        );
        check(
            Edit::put("x", "1").expecting(Expect::Value("1".into())),
            &found,
            conflict,
            "key \"x\": it is not there",
        );
        check(Edit::put("c", "1"), &found, ErrorKind::Unsupported, "key \"c\": its value is bytes");
        let immutable = json!({"data": {"a": "1"}, "immutable": true});
        check(Edit::put("a", "2"), &immutable, ErrorKind::Unsupported, "it is immutable");
        assert_eq!(change(&[Edit::put("a", "1")], Some(&immutable)).unwrap(), Change::None);
        let goes = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        check(Edit::put("a", "2"), &goes, conflict, "it is being deleted");
    }

    #[test]
    fn the_limit_counts_all_values() {
        let found = json!({"data": {"a": "x".repeat(MAX_DATA_BYTES - 10), "b": "12345"}, "binaryData": {"c": "eA=="}});
        let fits = |edit: Edit| change(&[edit], Some(&found)).is_ok();
        assert!(fits(Edit::put("d", "1234")), "four are left");
        assert!(!fits(Edit::put("d", "12345")));
        assert!(fits(Edit::put("b", "123456789")), "what it takes the place of is gone");
        assert!(fits(Edit::remove("a")));
    }

    #[test]
    fn keys() {
        let check = |edits: &[Edit], text: &str| {
            let error = check_all(edits).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        };
        check(&[Edit::put("a", "1"), Edit::remove("a")], "key \"a\": it is named twice");
        check(&[Edit::put("a/b", "1")], "key \"a/b\": \"a/b\" cannot be a key");
        assert!(check_all(&[]).is_ok());
    }
}
