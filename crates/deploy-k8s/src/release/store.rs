//! The Secrets that records are kept in (`pkg/storage/driver/secrets.go`).

use std::cmp::Ordering;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};
use k8s_openapi::ByteString;
use serde_json::Value;

use super::record::{Record, ReleaseStatus};
use super::{codec, name};
use crate::api::{Cluster, Place, Resource, escape};

/// The records of one namespace, or of all.
#[derive(Clone, Debug)]
pub(super) struct Store {
    cluster: Cluster,
    namespace: Option<String>,
}

/// A Secret that holds a record. What it says of itself is in its labels, so that the record is unpacked only where it is needed.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) namespace: String,
    pub(super) release: String,
    pub(super) revision: u64,
    pub(super) status: ReleaseStatus,
    /// When it was written last.
    pub(super) written: Option<Timestamp>,
    text: Option<ByteString>,
}

impl Store {
    pub(super) fn new(cluster: Cluster, namespace: Option<String>) -> Self {
        Self { cluster, namespace }
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The records of one release, or of all: by namespace, name and revision.
    pub(super) async fn entries(&self, release: Option<&str>) -> Result<Vec<Entry>> {
        let labels = match release {
            Some(release) => format!("owner=helm,name={release}"),
            None => "owner=helm".to_owned(),
        };
        let selector = format!("&labelSelector={}", escape(&labels));
        let (mut entries, _) =
            self.cluster.select(&self.place()?, &selector, |secret| Entry::read(&secret)).await?;
        entries.sort_by(Entry::order);
        Ok(entries)
    }

    /// One record.
    pub(super) async fn entry(&self, release: &str, revision: u64) -> Result<Option<Entry>> {
        let secret = self.cluster.get(&self.place()?, &name::secret(release, revision)).await?;
        Ok(secret.as_ref().and_then(Entry::read))
    }

    fn place(&self) -> Result<Place> {
        let secrets = Resource::of_records("", "Secret")?;
        Ok(secrets.within(self.namespace.as_deref()))
    }
}

impl Entry {
    /// Reads a Secret; nothing if it is no record. Its name says of which release and revision it is: that is what Helm gets it by.
    fn read(secret: &Value) -> Option<Self> {
        let metadata = secret.get("metadata")?;
        let text = |field: &str| metadata.get(field).and_then(Value::as_str);
        let label = |label: &str| metadata.get("labels")?.get(label)?.as_str();
        let (release, revision) = text("name")?.strip_prefix("sh.helm.release.v1.")?.rsplit_once(".v")?;
        let revision: u64 = revision.parse().ok().filter(|number| *number > 0)?;
        let seconds = |field: &str| label(field)?.parse().ok().map(Timestamp::from_unix_seconds);
        Some(Self {
            namespace: text("namespace")?.to_owned(),
            release: release.to_owned(),
            revision,
            status: label("status").unwrap_or_default().to_owned().into(),
            written: seconds("modifiedAt").or_else(|| seconds("createdAt")),
            text: serde_json::from_value(secret.get("data")?.get("release")?.clone()).ok(),
        })
    }

    /// The record itself.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what is none, or another's.
    pub(super) fn record(&self) -> Result<Record> {
        let named = |error: Error| {
            error.on(format!("Secret {}/{}", self.namespace, name::secret(&self.release, self.revision)))
        };
        let text = self.text.as_ref().ok_or_else(|| named(codec::unreadable("it is not base64")))?;
        let record = codec::decode(&text.0).map_err(named)?;
        if record.name != self.release || record.version != self.revision {
            let why = "it says that it is of another release or revision than its Secret's name";
            return Err(named(codec::unreadable(why)));
        }
        Ok(record)
    }

    pub(super) fn is_of_release(&self, other: &Self) -> bool {
        (&self.namespace, &self.release) == (&other.namespace, &other.release)
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |entry: &'_ Self| (entry.namespace.clone(), entry.release.clone(), entry.revision);
        key(self).cmp(&key(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    fn secret(name: &str, record: &Value) -> Value {
        // Twice: Helm's own base64 and that of the API.
        let text = STANDARD.encode(STANDARD.encode(record.to_string()));
        json!({
            "metadata": {"name": name, "namespace": "shop", "labels": {"owner": "helm", "status": "deployed", "createdAt": "1", "modifiedAt": "60"}},
            "data": {"release": text},
        })
    }

    #[test]
    fn a_record_is_read_by_its_secrets_name() {
        let entry =
            Entry::read(&secret("sh.helm.release.v1.api.v1.v12", &json!({"name": "api.v1", "version": 12})))
                .unwrap();
        assert_eq!((entry.release.as_str(), entry.revision), ("api.v1", 12));
        assert_eq!(entry.status, ReleaseStatus::Deployed);
        assert_eq!(entry.written, Some(Timestamp::from_unix_seconds(60)));
        assert_eq!(entry.record().unwrap().version, 12);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for name in [
            "",
            "api",
            "sh.helm.release.v1.api",
            "sh.helm.release.v1.api.v0",
            "sh.helm.release.v1.api.v-1",
            "sh.helm.release.v1.api.vx",
        ] {
            assert!(Entry::read(&secret(name, &json!({}))).is_none(), "{name}");
        }
        for wrong in [
            json!(null),
            json!({"metadata": 5}),
            json!({"metadata": {"name": "sh.helm.release.v1.a.v1", "namespace": "b"}}),
        ] {
            assert!(Entry::read(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn another_releases_record_is_refused() {
        for record in [json!({"name": "other", "version": 1}), json!({"name": "api", "version": 2})] {
            let error =
                Entry::read(&secret("sh.helm.release.v1.api.v1", &record)).unwrap().record().unwrap_err();
            assert!(
                error.to_string().starts_with(
                    "Secret shop/sh.helm.release.v1.api.v1: the release's record cannot be read: it says"
                ),
                "{error}"
            );
        }
    }
}
