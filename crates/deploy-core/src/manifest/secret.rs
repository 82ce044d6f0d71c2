//! Secrets made of values that show nowhere.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::data::check_data_key;
use super::{MAX_DATA_BYTES, Object, ObjectId};
use crate::error::{Error, Result};
use crate::secret::{SecretSource, SecretText};

/// Builds a `v1/Secret` of values that show nowhere: not in `Debug`, not in errors, and not in diffs, where they are masked
/// ([`redact`](super::redact)).
///
/// ```
/// use deploy_core::manifest::SecretBuilder;
/// use deploy_core::memory::MemorySecrets;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let source = MemorySecrets::new([("shop-db-password", "correct horse")]);
/// let secret = SecretBuilder::new("db").read(&source, [("password", "shop-db-password")]).await?.build()?;
/// assert_eq!(secret.id().to_string(), "Secret db");
/// assert_eq!(secret.get("/data/password").unwrap(), "Y29ycmVjdCBob3JzZQ==");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct SecretBuilder {
    name: String,
    namespace: Option<String>,
    kind: String,
    labels: BTreeMap<String, String>,
    values: BTreeMap<String, SecretText>,
}

impl SecretBuilder {
    /// A Secret called `name`, of the type `Opaque` and still empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            kind: "Opaque".to_owned(),
            labels: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    /// Its namespace. Default: the bundle's.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Its type, as in `kubernetes.io/tls`. Default `Opaque`. Which keys a type needs, the API server checks.
    pub fn of_type(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Adds a label.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Puts a value under `key`; of several for one key the last one counts.
    pub fn value(mut self, key: impl Into<String>, value: SecretText) -> Self {
        self.values.insert(key.into(), value);
        self
    }

    /// Reads values: of each pair the key in the Secret, and the name in `source`. Cancel safe.
    ///
    /// # Errors
    /// What the source meets, naming the key; one that has no such value ends it.
    pub async fn read<K: Into<String>, N: AsRef<str>>(
        mut self,
        source: &dyn SecretSource,
        keys: impl IntoIterator<Item = (K, N)>,
    ) -> Result<Self> {
        // Taken first: the caller's iterator need not be `Send`.
        let keys: Vec<(String, String)> =
            keys.into_iter().map(|(key, name)| (key.into(), name.as_ref().to_owned())).collect();
        for (key, name) in keys {
            let value = source.get(&name).await.map_err(|error| error.inside(self.id()))?;
            self.values.insert(key, value);
        }
        Ok(self)
    }

    /// Builds the Secret.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput): a key that cannot be one, values of over [`MAX_DATA_BYTES`] together, no name.
    pub fn build(self) -> Result<Object> {
        let id = self.id();
        for key in self.values.keys() {
            check_data_key(key).map_err(|error| error.on(&id))?;
        }
        let total: usize = self.values.values().map(|value| value.reveal().len()).sum();
        if total > MAX_DATA_BYTES {
            return Err(Error::invalid(format!(
                "its values are {total} bytes, over the limit of {MAX_DATA_BYTES}"
            ))
            .on(&id)
            .help("the API server refuses larger ones: split it"));
        }
        let data: serde_json::Map<String, Value> = self
            .values
            .into_iter()
            .map(|(key, value)| (key, STANDARD.encode(value.reveal()).into()))
            .collect();
        let mut metadata = json!({"name": self.name});
        if let Some(namespace) = self.namespace {
            metadata["namespace"] = namespace.into();
        }
        if !self.labels.is_empty() {
            metadata["labels"] = json!(self.labels);
        }
        Object::new(json!({
            "apiVersion": "v1", "kind": "Secret", "type": self.kind, "metadata": metadata, "data": data,
        }))
    }

    fn id(&self) -> ObjectId {
        ObjectId::new("", "Secret", self.namespace.as_deref(), &self.name)
    }
}

/// Names its keys only.
impl fmt::Debug for SecretBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretBuilder")
            .field("name", &self.name)
            .field("type", &self.kind)
            .field("keys", &self.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
