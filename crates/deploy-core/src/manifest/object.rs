//! One Kubernetes object as data: its identity, its JSON, and where it was read.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::places::Places;
use super::{ObjectId, Origin};
use crate::error::{Error, Result};

/// A Kubernetes object as data, with an `apiVersion`, a `kind` and a `metadata.name`.
///
/// A clone shares its data with the original until one of them is changed. `Debug` shows the identity only: an object may be a Secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Object {
    value: Arc<Value>,
    origin: Option<Origin>,
    places: Option<Places>,
}

/// Why a value is no object.
pub(super) struct Problem {
    /// Names the object as far as it is known.
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

impl Object {
    /// Takes a JSON value for an object.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if it is not a map, or if `apiVersion`, `kind` or `metadata.name` is missing,
    /// empty or not a string.
    pub fn new(value: Value) -> Result<Self> {
        Self::checked(value).map_err(|problem| {
            let error = Error::invalid(problem.message);
            problem.help.into_iter().fold(error, Error::help)
        })
    }

    pub(super) fn checked(value: Value) -> Result<Self, Problem> {
        let text =
            |pointer: &str| at(&value, pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        if !value.is_object() {
            let message = "a manifest must be a map with apiVersion, kind and metadata".into();
            return Err(Problem { message, help: None });
        }
        for (pointer, field) in
            [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/name", "metadata.name")]
        {
            if text(pointer).is_none() {
                let problem = match value.pointer(pointer) {
                    None | Some(Value::Null) => "is missing",
                    Some(Value::String(_)) => "is empty",
                    Some(_) => "is not a string",
                };
                let subject = match (text("/kind"), text("/metadata/name")) {
                    (Some(kind), Some(name)) => format!("{kind} {name}: "),
                    (Some(kind), None) => format!("{kind}: "),
                    (None, _) => String::new(),
                };
                let generated = field == "metadata.name" && value.pointer("/metadata/generateName").is_some();
                return Err(Problem {
                    message: format!("{subject}{field} {problem}"),
                    help: generated.then_some("generateName cannot be applied: give it a name"),
                });
            }
        }
        Ok(Self { value: Arc::new(value), origin: None, places: None })
    }

    /// The same object, with the place it was read from.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Where it was read.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The place in its file of the value at a JSON pointer, or of the nearest value around it that was written
    /// there; `None` if it was not read from a text.
    pub fn place(&self, pointer: &str) -> Option<Origin> {
        self.places.as_ref().and_then(|places| places.find(pointer)).or_else(|| self.origin.clone())
    }

    /// An error about this object, with its place if it was read from a text.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        let error = Error::invalid(message);
        match &self.origin {
            Some(origin) => error.on(origin),
            None => error,
        }
    }

    pub(super) fn with_places(self, places: Places) -> Self {
        Self { places: Some(places), ..self }
    }

    /// Its identity.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(self.group(), self.kind(), self.namespace(), self.name())
    }

    /// `apiVersion`, as in `apps/v1`.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The version of the API, as in `v1`.
    pub fn version(&self) -> &str {
        self.api_version().rsplit_once('/').map_or(self.api_version(), |(_, version)| version)
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.namespace`, if it is there and not empty.
    pub fn namespace(&self) -> Option<&str> {
        self.get("/metadata/namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty())
    }

    /// `metadata.uid` of a live object.
    pub fn uid(&self) -> Option<&str> {
        self.get("/metadata/uid").and_then(Value::as_str)
    }

    /// `metadata.resourceVersion` of a live object.
    pub fn resource_version(&self) -> Option<&str> {
        self.get("/metadata/resourceVersion").and_then(Value::as_str)
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.get("/metadata/annotations")?.get(key)?.as_str()
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.get("/metadata/labels")?.get(key)?.as_str()
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        at(&self.value, pointer)
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The whole object, given away.
    pub fn into_value(self) -> Value {
        Arc::unwrap_or_clone(self.value)
    }

    /// Changes the object, keeping the promise of [`Object::new`].
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if `change` left it without `apiVersion`, `kind` or name.
    pub fn edit(self, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let Self { value, origin, places } = self;
        let mut value = Arc::unwrap_or_clone(value);
        change(&mut value);
        Ok(Self { origin, places, ..Self::new(value)? })
    }

    /// The same object with an annotation set.
    #[must_use]
    pub fn with_annotation(self, key: &str, value: &str) -> Self {
        self.with_metadata("annotations", key, value)
    }

    /// The same object with a label set.
    #[must_use]
    pub fn with_label(self, key: &str, value: &str) -> Self {
        self.with_metadata("labels", key, value)
    }

    /// The same object in `namespace`.
    #[must_use]
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        if self.namespace() != Some(namespace) {
            self.set("/metadata", "namespace", namespace.into());
        }
        self
    }

    /// Sets a key of the map at `pointer`; nothing happens where there is no map.
    pub(super) fn set(&mut self, pointer: &str, key: &str, value: Value) {
        if let Some(map) = Arc::make_mut(&mut self.value).pointer_mut(pointer).and_then(Value::as_object_mut)
        {
            map.insert(key.into(), value);
        }
    }

    /// Removes a key of the map at `pointer`, if it is there.
    pub(crate) fn remove(&mut self, pointer: &str, key: &str) {
        if self.get(pointer).and_then(|map| map.get(key)).is_none() {
            return;
        }
        if let Some(map) = Arc::make_mut(&mut self.value).pointer_mut(pointer).and_then(Value::as_object_mut)
        {
            map.remove(key);
        }
    }

    fn with_metadata(mut self, map: &str, key: &str, value: &str) -> Self {
        let object = Arc::make_mut(&mut self.value);
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            let entry = metadata.entry(map).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            if let Some(entry) = entry.as_object_mut() {
                entry.insert(key.into(), value.into());
            }
        }
        self
    }

    fn text(&self, pointer: &str) -> &str {
        self.get(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The same content; where it was read does not matter.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} {})", self.api_version(), self.id())
    }
}

impl TryFrom<Value> for Object {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        Self::new(value)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        object.into_value()
    }
}

/// [`Value::pointer`], which unescapes a copy of every name on its way: judging reads thousands of fields.
pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let Some(names) = pointer.strip_prefix('/').filter(|names| !names.contains('~')) else {
        return value.pointer(pointer);
    };
    let mut found = value;
    for name in names.split('/') {
        found = match found {
            Value::Object(fields) => fields.get(name)?,
            Value::Array(_) => return value.pointer(pointer),
            _ => return None,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refuses_what_has_no_identity() {
        let check = |value: Value, text: &str| {
            let error = Object::new(value).expect_err("must be refused").to_string();
            assert!(error.contains(text), "{error}");
        };
        check(json!([]), "must be a map");
        check(json!({"kind": "Pod", "metadata": {"name": "x"}}), "Pod x: apiVersion is missing");
        check(json!({"apiVersion": "v1", "kind": "", "metadata": {"name": "x"}}), "kind is empty");
        check(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 1}}),
            "Pod: metadata.name is not a string",
        );
        check(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"}}),
            "give it a name",
        );
    }

    #[test]
    fn finds_what_a_pointer_names() {
        let value = json!({"a": {"": 1, "b": [{"c": 2}], "x/y": {"~z": 3}}, "~0": 4, "d": null});
        let pointers = [
            "",
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/a/b/0/c",
            "/a/b/00/c",
            "/a/b/1",
            "/a/x~1y/~0z",
            "/~00",
            "/~0",
            "/d",
            "/d/e",
            "a",
        ];
        for pointer in pointers {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn identity_leaves_the_version_out() {
        let check = |api_version: &str, namespace: &str, text: &str| {
            let value = json!({"apiVersion": api_version, "kind": "K", "metadata": {"name": "n", "namespace": namespace}});
            assert_eq!(Object::new(value).unwrap().id().to_string(), text);
        };
        check("v1", "", "K n");
        check("apps/v1", "shop", "K shop/n");
        check("networking.k8s.io/v1", "shop", "K shop/n");
        check("kafka.strimzi.io/v1beta2", "shop", "K.kafka.strimzi.io shop/n");
    }
}
