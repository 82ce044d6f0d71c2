//! [`ConfigMapStore`]: configuration in a ConfigMap.
//!
//! ```no_run
//! use deploy_core::config::{ConfigStore, Edit, Expect, Note};
//! use deploy_k8s::{Cluster, ConfigMapStore};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let store = ConfigMapStore::new(Cluster::builder().build().await?, "shop", "versions");
//! let seen = store.get("api").await?.expect("somebody set it");
//! store.set(&[Edit::put("api", "v2").expecting(Expect::Version(seen.version))], &Note::default()).await?;
//! # Ok(())
//! # }
//! ```

mod edits;

use std::time::Duration;

use async_trait::async_trait;
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use deploy_core::error::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use self::edits::{Change, change, check, entry};
use crate::api::{Cluster, Place, Resource};

/// Not that of `Apply`: what is set here and what is applied are two owners, so that a clash of both is seen.
const MANAGER: &str = "deploy-core-config";
/// How often a set of edits is tried while others write the ConfigMap.
const TRIES: u32 = 20;
/// The longest wait before the second try, for each try more.
const WAIT: Duration = Duration::from_millis(10);

/// Values in the `data` of one ConfigMap, by its keys.
///
/// - **All or nothing.** All edits of one set are one write, and its precondition is the ConfigMap as it was read (its
///   resourceVersion). Where somebody else wrote it meanwhile, it is read again, and the edits are made if what they expect still holds:
///   writers of different keys do not disturb each other, and of two that expect the same version of a key one gets a
///   [`Conflict`](ErrorKind::Conflict).
/// - **The rest stays.** The ConfigMap is made when it is not there, and never deleted. Other keys, `binaryData`, labels and annotations of
///   one that is there are not touched. What is written belongs to the field manager
///   `deploy-core-config`: keep a key either here or in a manifest that is
///   applied, or the two will take it from each other.
/// - **Versions.** A key's version is the digest of its value, as with files: other keys do not change it, and a value that comes
///   back has the version it had.
/// - **History** is the present value. The note is not written.
/// - **A lost answer** is looked up: where the values stand they count as set; where nobody wrote since, the write is sent again.
///
/// Keys are those of ConfigMaps ([`check_data_key`](deploy_core::manifest::check_data_key)), and all values together are 1 MiB at most.
/// Everybody who may read ConfigMaps may read them: no place for secrets.
#[derive(Clone, Debug)]
pub struct ConfigMapStore {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl ConfigMapStore {
    /// A store in the ConfigMap `name` in `namespace`, which must exist. Needs the verbs get, create and patch on configmaps there.
    pub fn new(cluster: Cluster, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { cluster, namespace: namespace.into(), name: name.into() }
    }

    fn place(&self) -> Result<Place> {
        if self.namespace.is_empty() || self.name.is_empty() {
            return Err(Error::invalid("a ConfigMap is named by its namespace and its name"));
        }
        Ok(Resource::of_records("", "ConfigMap")?.within(Some(&self.namespace)))
    }

    async fn found(&self, place: &Place) -> Result<Option<Value>> {
        self.cluster.get(place, &self.name).await
    }

    async fn make(&self, edits: &[Edit]) -> Result<()> {
        let place = self.place()?;
        // What a write was sent over whose answer was lost.
        let mut unanswered: Option<Base> = None;
        for attempt in 0..TRIES {
            if attempt > 0 && unanswered.is_none() {
                self.cluster.clock().sleep((WAIT * attempt).mul_f64(fastrand::f64())).await;
            }
            let found = self.found(&place).await?;
            let base = Base::of(found.as_ref());
            let change = match &unanswered {
                Some(_) if edits::stand(edits, found.as_ref()) => return Ok(()),
                Some(before) if *before != base => return Err(unknown()),
                _ => change(edits, found.as_ref())?,
            };
            let Change::Data(data) = change else { return Ok(()) };
            match self.write(&place, &base, &data).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => unanswered = Some(base),
                Err(error) => return Err(error),
            }
        }
        if unanswered.is_some() {
            return Err(unknown());
        }
        Err(Error::new(ErrorKind::Conflict, format!("others wrote it {TRIES} times meanwhile"))
            .help("try again"))
    }

    /// `false` if the ConfigMap is not what it was.
    async fn write(&self, place: &Place, base: &Base, data: &Value) -> Result<bool> {
        let written = match base {
            Base::Absent => {
                let map = json!({
                    "apiVersion": "v1", "kind": "ConfigMap", "data": data,
                    "metadata": {"name": self.name, "labels": {"app.kubernetes.io/managed-by": "deploy-core"}},
                });
                self.cluster.create(place, &map, MANAGER).await
            }
            Base::Version(version) => {
                let patch = json!({"metadata": {"resourceVersion": version}, "data": data});
                self.cluster.merge_once(place, &self.name, &patch, MANAGER).await
            }
        };
        match written {
            Ok(written) => Ok(written.is_some()),
            // Deleted meanwhile; a namespace that is not there is told when it is to be created.
            Err(error) if error.kind() == ErrorKind::NotFound && *base != Base::Absent => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(error.help(format!("the namespace \"{}\" must exist: create it first", self.namespace)))
            }
            Err(error) => Err(error),
        }
    }
}

/// What a write is made over.
#[derive(Debug, PartialEq, Eq)]
enum Base {
    Absent,
    Version(String),
}

impl Base {
    fn of(found: Option<&Value>) -> Self {
        let version = |map: &Value| {
            let version = map.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            version.unwrap_or_default().to_owned()
        };
        found.map_or(Self::Absent, |map| Self::Version(version(map)))
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the answer was lost, and others wrote it since")
        .help("read it again")
}

#[async_trait]
impl ConfigStore for ConfigMapStore {
    fn describe(&self) -> String {
        format!("ConfigMap {}/{} in {}", self.namespace, self.name, self.cluster.describe())
    }

    fn capabilities(&self) -> ConfigCapabilities {
        let mut can = ConfigCapabilities::default();
        can.removal = true;
        can
    }

    /// One request. Cancel safe.
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        Ok(self.get_all(&[key.to_owned()]).await?.pop().flatten())
    }

    /// One request, whatever the number of keys. Cancel safe.
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        let read = async {
            let place = self.place()?;
            keys.iter().try_for_each(|key| check(key))?;
            let found = self.found(&place).await?;
            keys.iter().map(|key| entry(found.as_ref(), key)).collect::<Result<_>>()
        };
        read.await.map_err(|error| self.error(error, "read"))
    }

    /// Two requests, where nobody else writes. Dropped, it may still take effect.
    async fn set(&self, edits: &[Edit], _note: &Note) -> Result<()> {
        let set = async {
            edits::check_all(edits)?;
            if edits.is_empty() { Ok(()) } else { self.make(edits).await }
        };
        set.await.map_err(|error| self.error(error, "edit"))
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        let present = self.get(key).await?;
        let past = present.map(|entry| PastEntry::new(Some(entry.value), entry.version));
        Ok(past.into_iter().take(limit).collect())
    }
}

impl ConfigMapStore {
    fn error(&self, error: Error, verb: &str) -> Error {
        let id = format!("ConfigMap {}/{}", self.namespace, self.name);
        // Errors of requests name it already.
        if error.object() == Some(id.as_str()) { error.during(verb) } else { error.during(verb).inside(id) }
    }
}
