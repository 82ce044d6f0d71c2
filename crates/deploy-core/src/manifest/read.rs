//! Named bytes to objects.

use std::sync::Arc;

use serde_json::Value;

use super::excerpt::Source;
use super::places::{Mark, Places};
use super::yaml::{self, MAX_BYTES, Repeated};
use super::{Object, Origin};
use crate::error::{Error, Result};

/// Reads the Kubernetes objects of a YAML or JSON text, `name` being what errors call it (a file's path).
///
/// YAML means what it means to `kubectl`: several documents, YAML 1.1 scalars (`yes` is true, `0777` is 511), keys
/// made text (`1: x`), merge keys, anchors. JSON objects may follow one another. Empty documents are left out, and
/// the items of a `List` (or any `…List` with `items`) stand for themselves. Tags that YAML does not know are
/// ignored, as there.
///
/// It is stricter in three places: a key that stands twice in a map, a merge key behind a different key of the same
/// name (tools disagree on which wins), and `!!binary` that is not text are errors.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput), naming file, line and column where there are any: bytes
/// that are not UTF-8 text, YAML that does not parse, a document that is no object, and what is over
/// [`MAX_BYTES`], [`MAX_DEPTH`](super::MAX_DEPTH), [`MAX_VALUES`](super::MAX_VALUES) or
/// [`MAX_ALIAS_BYTES`](super::MAX_ALIAS_BYTES). [`excerpt`](super::excerpt) has the line.
///
/// ```
/// let objects = deploy_core::manifest::read("shop.yaml", b"
/// apiVersion: v1
/// kind: ConfigMap
/// metadata:
///   name: settings
/// data:
///   mode: \"0644\"
/// ")?;
/// assert_eq!(objects[0].id().to_string(), "ConfigMap settings");
/// assert_eq!(objects[0].origin().unwrap().to_string(), "shop.yaml:2:1");
/// assert_eq!(objects[0].place("/data/mode").unwrap().to_string(), "shop.yaml:7:9");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<Object>> {
    read_with(name, bytes, Repeated::Refused)
}

/// Reads what was applied before, by tools that are less strict: of a key that stands twice the last one wins, and so it does of a
/// merge key and a key before it. Anything else is as in [`read`].
///
/// What somebody wants to apply now is better read by [`read`]: a key that stands twice is a mistake.
///
/// # Errors
/// As [`read`], but for keys that stand twice.
///
/// ```
/// let text = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: old}, labels: {a: new}}}";
/// let objects = deploy_core::manifest::read_lenient("a record", text)?;
/// assert_eq!(objects[0].label("a"), Some("new"));
/// assert!(deploy_core::manifest::read("a file", text).is_err());
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn read_lenient(name: &str, bytes: &[u8]) -> Result<Vec<Object>> {
    read_with(name, bytes, Repeated::LastWins)
}

/// The documents of a YAML or JSON text as values, whatever they mean: for what else people write by hand. They are read as [`read`] reads
/// them, with the same bounds; empty ones are left out.
///
/// # Errors
/// As [`read`], but a document need not be an object.
///
/// ```
/// let documents = deploy_core::manifest::documents("ignored.yaml", b"- {id: CVE-2026-1, until: 2026-12-31}")?;
/// assert_eq!(documents[0][0]["until"], "2026-12-31");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn documents(name: &str, bytes: &[u8]) -> Result<Vec<Value>> {
    let source = Source { name: Arc::from(name), text: text(name, bytes)? };
    let documents = yaml::documents(&source, Repeated::Refused)?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

fn read_with(name: &str, bytes: &[u8], repeated: Repeated) -> Result<Vec<Object>> {
    let source = Source { name: Arc::from(name), text: text(name, bytes)? };
    let mut objects = Vec::new();
    for document in yaml::documents(&source, repeated)? {
        let places = Places::new(&source.name, document.places);
        flatten(&source, document.value, document.start.origin(&source.name), places, &mut objects)?;
    }
    Ok(objects)
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let refuse = |problem: &str| Err(Error::invalid(problem).on(name));
    if bytes.len() > MAX_BYTES {
        let limit = MAX_BYTES / 1024 / 1024;
        return refuse(&format!("it is {} bytes, over the limit of {limit} MiB", bytes.len()));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refuse("it is UTF-16: save it as UTF-8");
    }
    if bytes.contains(&0) {
        return refuse("it is a binary file, not a manifest");
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            refuse(&format!("line {line} is not UTF-8 text"))
        }
    }
}

/// Appends `value`, or the items of a list, of lists in it too.
fn flatten(
    source: &Source<'_>,
    value: Value,
    origin: Origin,
    places: Places,
    objects: &mut Vec<Object>,
) -> Result<()> {
    match list_of(value) {
        Ok((kind, api_version, items)) => {
            for (index, mut item) in items.into_iter().enumerate() {
                // The items of a typed list (`DeploymentList`) need not repeat what they are.
                if let (Some(map), Some(kind)) = (item.as_object_mut(), &kind)
                    && !map.contains_key("kind")
                {
                    map.insert("kind".into(), kind.as_str().into());
                    if !map.contains_key("apiVersion") {
                        map.insert("apiVersion".into(), api_version.clone());
                    }
                }
                let places = places.item("items", index);
                let origin = places.find("").unwrap_or_else(|| origin.clone());
                flatten(source, item, origin, places, objects)?;
            }
        }
        Err(value) => {
            let mark = Mark::new(origin.line, origin.column);
            let object = Object::checked(value).map_err(|problem| {
                let error = source.error(mark, problem.message);
                problem.help.into_iter().fold(error, Error::help)
            })?;
            objects.push(object.at(origin).with_places(places));
        }
    }
    Ok(())
}

/// A list's items, with their kind if the list's own kind tells it and the list's `apiVersion`; or what is no list.
fn list_of(mut value: Value) -> Result<(Option<String>, Value, Vec<Value>), Value> {
    let Some(kind) = value.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List"))
    else {
        return Err(value);
    };
    let kind = (!kind.is_empty()).then(|| kind.to_owned());
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => {
            let api_version = value.get("apiVersion").cloned().unwrap_or_default();
            Ok((kind, api_version, items))
        }
        Some(items) => {
            if let Some(slot) = value.get_mut("items") {
                *slot = items;
            }
            Err(value)
        }
        None => Err(value),
    }
}
