//! What edits make of a file's text, with their expectations. Pure.

use std::collections::BTreeSet;

use deploy_core::config::{Edit, Entry, Expect, Version};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;

use super::form::{Form, Wanted};
use crate::edit::Reading;

/// Refuses a key that is named twice.
pub(crate) fn check(edits: &[Edit]) -> Result<()> {
    let mut keys = BTreeSet::new();
    match edits.iter().find(|edit| !keys.insert(&edit.key)) {
        Some(twice) => Err(on_key(Error::invalid("it is named twice").during("set"), "", &twice.key)),
        None => Ok(()),
    }
}

/// The values of `keys` in a file that may not be there. Errors call one by `prefix` and its name.
pub(crate) fn get(
    form: &dyn Form,
    bytes: Option<Vec<u8>>,
    keys: &[impl AsRef<str>],
    prefix: &str,
) -> Result<Vec<Option<Entry>>> {
    let text = match bytes {
        Some(bytes) => utf8(bytes)?,
        None => form.empty().unwrap_or_default().to_owned(),
    };
    let reading = form.format().read(&text)?;
    let value = |key: &str| {
        let value = form.value(&reading, key).map_err(|error| on_key(error, prefix, key))?;
        Ok(value.map(entry))
    };
    keys.iter().map(|key| value(key.as_ref())).collect()
}

/// The file after all edits; `None` if there is nothing to change. Errors call a key by `prefix` and its name.
pub(crate) fn edit(
    form: &dyn Form,
    bytes: Option<Vec<u8>>,
    edits: &[Edit],
    prefix: &str,
) -> Result<Option<Vec<u8>>> {
    let old = match (bytes, form.empty()) {
        (Some(bytes), _) => utf8(bytes)?,
        (None, Some(empty)) => empty.to_owned(),
        (None, None) => {
            return Err(Error::new(ErrorKind::NotFound, "there is no such file").help("make it first"));
        }
    };
    let new = edited(form, &old, edits, prefix)?;
    Ok(new.filter(|new| *new != old).map(String::into_bytes))
}

/// The version of a value is its digest.
pub(crate) fn version(value: &str) -> Version {
    Version::new(Digest::sha256(value.as_bytes()).as_str())
}

fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| Error::invalid("it is not UTF-8").help("save it as UTF-8"))
}

fn on_key(error: Error, prefix: &str, key: &str) -> Error {
    error.on(format!("key \"{prefix}{key}\""))
}

fn entry(value: String) -> Entry {
    Entry { version: version(&value), value }
}

/// The text after all edits; `None` if there is nothing to change.
fn edited(form: &dyn Form, text: &str, edits: &[Edit], prefix: &str) -> Result<Option<String>> {
    let named = |error, key: &str| on_key(error, prefix, key);
    let reading = form.format().read(text)?;
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    for edit in edits {
        let now = form.value(&reading, &edit.key).map_err(|error| named(error, &edit.key))?;
        let differs = now != edit.value;
        expect(edit, now).map_err(|error| named(error, &edit.key))?;
        if differs {
            wanted.push((&edit.key, edit.value.as_deref()));
        }
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let changes = form.changes(&reading, &wanted)?;
    let (new, tree) = form.format().edit(text, reading, &changes)?;
    let reading = Reading::new(&new, tree);
    for (key, value) in wanted {
        if form.value(&reading, key)?.as_deref() != value {
            return Err(named(
                Error::new(
                    ErrorKind::Unsupported,
                    "it would not read back as it was set, so it is not written",
                ),
                key,
            ));
        }
    }
    Ok(Some(new))
}

fn expect(edit: &Edit, now: Option<String>) -> Result<()> {
    let now = now.map(entry);
    let holds = match &edit.expect {
        Expect::Any => true,
        Expect::Absent => now.is_none(),
        Expect::Version(version) => now.as_ref().is_some_and(|now| now.version == *version),
        Expect::Value(value) => now.as_ref().is_some_and(|now| now.value == *value),
        _ => return Err(Error::new(ErrorKind::Unsupported, "this expectation is not known here")),
    };
    if holds {
        return Ok(());
    }
    let is = now.map_or_else(|| "is not there".to_owned(), |now| format!("is at version {}", now.version));
    Err(Error::new(ErrorKind::Conflict, format!("it {is}, which was not expected")).help("read it again"))
}
