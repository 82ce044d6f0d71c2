//! The Secrets that records are kept in (`pkg/storage/driver/secrets.go`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::DEPLOYMENT_ID;
use deploy_core::run::DeploymentId;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::record::{Record, ReleaseStatus};
use super::{codec, name};
use crate::api::{Cluster, Place, Resource, escape};

/// The type of a Secret that holds a record.
const TYPE: &str = "helm.sh/release.v1";
/// Labels that Helm writes (`pkg/storage/driver/secrets.go`); all others are the user's.
pub(super) const RESERVED: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
/// The annotation of a revision that took objects over.
const ADOPTS: &str = "deploy-core/adopts";
/// Who writes records, in their `managedFields`.
const WRITER: &str = "deploy-core";
/// How often a record may change under us before we give up on it.
const MAX_RACES: usize = 5;

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
    /// The run of ours that wrote it; Helm drops this when it writes, and then it is Helm's.
    pub(super) run: Option<String>,
    /// Whether it took objects over that stood before it: a journal says how they were.
    pub(super) adopts: bool,
    metadata: Value,
    text: Option<ByteString>,
}

/// Who records a revision.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) run: &'a DeploymentId,
    /// Whether it takes objects over.
    pub(super) adopts: bool,
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

    /// A revision and the next one, as far as they are recorded.
    pub(super) async fn entry_and_next(&self, release: &str, revision: u64) -> Result<Vec<Entry>> {
        let labels = format!("owner=helm,name={release},version in ({revision},{})", revision + 1);
        let selector = format!("&labelSelector={}", escape(&labels));
        let (mut entries, _) =
            self.cluster.select(&self.place()?, &selector, |secret| Entry::read(&secret)).await?;
        entries.sort_by(Entry::order);
        Ok(entries)
    }

    /// Records a revision; `false` if somebody else has recorded one of that number.
    pub(super) async fn create(
        &self,
        record: &Record,
        labels: &BTreeMap<String, String>,
        by: Writer<'_>,
        now: Timestamp,
    ) -> Result<bool> {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": TYPE,
            "metadata": {
                "name": name::secret(&record.name, record.version), "namespace": record.namespace,
                "labels": labels, "annotations": {DEPLOYMENT_ID: by.run},
            },
        });
        if by.adopts {
            secret["metadata"]["annotations"][ADOPTS] = "true".into();
        }
        hold(&mut secret, record, "createdAt", now)?;
        match self.cluster.create(&self.place()?, &secret, WRITER).await {
            Ok(Some(_)) => Ok(true),
            Err(error) if error.kind() != ErrorKind::OutcomeUnknown => Err(error),
            // Somebody's, or ours whose answer was lost.
            lost => match self.entry(&record.name, record.version).await? {
                Some(entry) => Ok(entry.is_by(by.run)),
                None => lost.map(|_| false),
            },
        }
    }

    /// Writes a record anew, on the condition that it still is as read. Where it is not, `change` is asked again of what stands now; what
    /// it changes nothing of is not written.
    pub(super) async fn update(
        &self,
        entry: &Entry,
        now: Timestamp,
        change: impl Fn(&mut Record) -> Result<bool>,
    ) -> Result<()> {
        let (place, mut entry) = (self.place()?, entry.clone());
        for _ in 0..MAX_RACES {
            let mut record = entry.record()?;
            if !change(&mut record)? {
                return Ok(());
            }
            let mut secret = json!({
                "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": entry.metadata.clone(),
            });
            hold(&mut secret, &record, "modifiedAt", now)?;
            match self.cluster.replace(&place, &secret, WRITER).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                Err(error) => return Err(error),
            }
            let Some(again) = self.entry(&entry.release, entry.revision).await? else {
                return Err(entry.error(ErrorKind::Stale, "somebody deleted it"));
            };
            entry = again;
        }
        Err(entry.error(ErrorKind::Conflict, "others keep changing it").help("run again"))
    }

    /// Deletes a record if it still is as read; whatever it has become otherwise, stays.
    pub(super) async fn delete(&self, entry: &Entry) -> Result<()> {
        let read = json!({"metadata": entry.metadata});
        let name = name::secret(&entry.release, entry.revision);
        self.cluster.delete_as_read(&self.place()?, &name, &read).await.map(drop)
    }

    fn place(&self) -> Result<Place> {
        let secrets = Resource::of_records("", "Secret")?;
        Ok(secrets.within(self.namespace.as_deref()))
    }
}

impl Entry {
    /// Reads a Secret; nothing if it is no record. Its name says of which release and revision it is: that is what Helm gets it by.
    pub(super) fn read(secret: &Value) -> Option<Self> {
        let metadata = secret.get("metadata")?;
        let annotation = |key: &str| metadata.get("annotations")?.get(key)?.as_str();
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
            run: annotation(DEPLOYMENT_ID).map(str::to_owned),
            adopts: annotation(ADOPTS).is_some(),
            metadata: unmanaged(metadata),
            text: secret
                .get("data")
                .and_then(|data| serde_json::from_value(data.get("release")?.clone()).ok()),
        })
    }

    /// The record itself.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what is none, or another's.
    pub(super) fn record(&self) -> Result<Record> {
        let named = |error: Error| error.on(self.secret());
        let text =
            self.text.as_ref().ok_or_else(|| named(codec::unreadable("it holds none, or not in base64")))?;
        let record = codec::decode(&text.0).map_err(named)?;
        if record.name != self.release || record.version != self.revision {
            let why = "it says that it is of another release or revision than its Secret's name";
            return Err(named(codec::unreadable(why)));
        }
        Ok(record)
    }

    /// Whether a run of ours wrote it last, and which.
    pub(super) fn is_by(&self, run: &DeploymentId) -> bool {
        self.run.as_deref() == Some(run.as_str())
    }

    /// The labels that are not Helm's own.
    pub(super) fn users_labels(&self) -> BTreeMap<String, String> {
        let labels = self.metadata.get("labels").and_then(Value::as_object).into_iter().flatten();
        let users = labels.filter(|(key, _)| !RESERVED.contains(&key.as_str()));
        users.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }

    /// When it was made, by the API server's clock.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.metadata.get("creationTimestamp")?.as_str()?.parse().ok()
    }

    pub(super) fn error(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, why).on(self.secret())
    }

    fn secret(&self) -> String {
        format!("Secret {}/{}", self.namespace, name::secret(&self.release, self.revision))
    }

    pub(super) fn is_of_release(&self, other: &Self) -> bool {
        (&self.namespace, &self.release) == (&other.namespace, &other.release)
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |entry: &'_ Self| (entry.namespace.clone(), entry.release.clone(), entry.revision);
        key(self).cmp(&key(other))
    }
}

/// Puts a record into its Secret, and what Helm selects records by on its labels.
fn hold(secret: &mut Value, record: &Record, when: &str, now: Timestamp) -> Result<()> {
    let text = codec::encode(record)?;
    secret["data"] = json!({"release": ByteString(text.into_bytes())});
    let labels = &mut secret["metadata"]["labels"];
    if !labels.is_object() {
        *labels = json!({});
    }
    labels["owner"] = "helm".into();
    labels["name"] = record.name.as_str().into();
    labels["status"] = record.info.status.as_str().into();
    labels["version"] = record.version.to_string().into();
    labels[when] = (now.as_millis() / 1000).to_string().into();
    Ok(())
}

fn unmanaged(metadata: &Value) -> Value {
    let mut metadata = metadata.clone();
    if let Some(map) = metadata.as_object_mut() {
        map.remove("managedFields");
    }
    metadata
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
        for wrong in [json!(null), json!({"metadata": 5})] {
            assert!(Entry::read(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn one_that_holds_nothing_is_named() {
        for data in [json!(null), json!({}), json!({"release": 5})] {
            let name = "sh.helm.release.v1.a.v1";
            let entry =
                Entry::read(&json!({"metadata": {"name": name, "namespace": "b"}, "data": data})).unwrap();
            let error = entry.record().unwrap_err().to_string();
            assert!(
                error.starts_with("Secret b/sh.helm.release.v1.a.v1: the release's record cannot be read"),
                "{error}"
            );
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
