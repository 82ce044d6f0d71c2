//! [`EventSink`]: the record of who did what, as Kubernetes Events.
//!
//! ```no_run
//! use deploy_core::{audit::{AuditRecord, AuditSink}, clock::Timestamp, manifest::ObjectId};
//! use deploy_k8s::{Cluster, EventSink};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let api = ObjectId::new("apps", "Deployment", Some("shop"), "api");
//! let events = EventSink::new(Cluster::builder().build().await?, api);
//! let record = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop").change(None, Some("v2".into()));
//! events.record(&record).await // kubectl describe deployment api
//! # }
//! ```

mod words;

use async_trait::async_trait;
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use deploy_core::manifest::ObjectId;
use serde_json::{Value, json};

use self::words::{note, reason, short, warns};
use crate::api::{Cluster, Resource};
use crate::apply::FIELD_MANAGER;

/// The annotation of an Event that holds the whole record as JSON.
pub const AUDIT_RECORD: &str = "deploy-core/audit-record";

/// The largest record that is taken, in bytes of its JSON: half of what the annotations of an object may hold.
const MAX_RECORD: usize = 128 << 10;
/// How often an Event is sent whose answer is lost.
const TRIES: usize = 3;
/// Of the object's name and of what the record says was done, in bytes.
const MAX_NAME: usize = 200;
const MAX_ACTION: usize = 128;

/// Records as Events (`v1`) about one object: a workload, or a Namespace. `kubectl describe` and `kubectl events` show them.
///
/// The reason is what was done (`Deploy`, `Rollback`), the type `Warning` for a step back or a refusal and `Normal` for the rest, the message one
/// line of at most 1,024 bytes; the whole record is the annotation [`AUDIT_RECORD`]. The reporting component is `deploy-core`.
///
/// An Event's name is made of its record: recording the same one again changes nothing, so a run that is repeated doubles nothing. In this it
/// differs from other sinks, which keep the same line twice.
///
/// **Kubernetes deletes Events after a while**, mostly an hour: this is for whoever looks at the cluster now. Keep the record that must
/// stay elsewhere as well.
///
/// Needs the verbs get and create on events in the object's namespace (`default` for what has none but a Namespace), and get on the object's
/// kind: without that, `kubectl describe` does not find the Events of the object, and they are there all the same.
#[derive(Clone, Debug)]
pub struct EventSink {
    cluster: Cluster,
    about: ObjectId,
}

impl EventSink {
    /// Events about this object. One without a namespace is in the context's, if its kind has namespaces.
    pub fn new(cluster: Cluster, about: ObjectId) -> Self {
        Self { cluster, about }
    }

    async fn involved(&self) -> Result<(Value, String)> {
        let ObjectId { group, kind, namespace, name } = &self.about;
        let Some(resource) = self.cluster.served(group, kind).await? else {
            return Err(
                Error::new(ErrorKind::NotFound, "the cluster does not serve this kind").on(&self.about)
            );
        };
        let mut involved = json!({"apiVersion": resource.api_version(), "kind": kind, "name": name});
        // A Namespace's Events are in it, and say so: the API server holds both against each other.
        let namespace = match (resource.namespaced, kind.as_str()) {
            (true, _) => Some(namespace.as_deref().unwrap_or_else(|| self.cluster.default_namespace())),
            (false, "Namespace") => Some(name.as_str()),
            (false, _) => None,
        };
        if let Some(namespace) = namespace {
            involved["namespace"] = namespace.into();
        }
        let namespace = namespace.unwrap_or("default").to_owned();
        match self.cluster.get(&resource.within(Some(&namespace)), name).await {
            Ok(Some(live)) => involved["uid"] = live["metadata"]["uid"].clone(),
            // It may be gone by now, or not be ours to look at.
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Forbidden => {}
            Err(error) => return Err(error),
        }
        Ok((involved, namespace))
    }

    async fn write(&self, record: &AuditRecord) -> Result<()> {
        let whole = serde_json::to_string(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "the record cannot be written as JSON").source(error)
        })?;
        if whole.len() > MAX_RECORD {
            return Err(Error::invalid(format!(
                "the record is {} bytes, over the limit of {MAX_RECORD}",
                whole.len()
            )));
        }
        let (involved, namespace) = self.involved().await?;
        let digest = Digest::sha256(format!("{}\n{whole}", self.about).as_bytes());
        let name =
            format!("{}.{}", short(&self.about.name, MAX_NAME), digest.hex().get(..16).unwrap_or_default());
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace, "annotations": {AUDIT_RECORD: whole}},
            "involvedObject": involved,
            "reason": reason(&record.action), "message": note(record),
            "type": if warns(&record.action) { "Warning" } else { "Normal" },
            "action": short(&record.action, MAX_ACTION),
            "firstTimestamp": seconds(record), "lastTimestamp": seconds(record), "count": 1,
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER, "reportingInstance": "",
        });
        let place = Resource::of_records("", "Event")?.within(Some(&namespace));
        for _ in 0..TRIES {
            match self.cluster.create(&place, &event, FIELD_MANAGER).await {
                // `None`: this record is there.
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                    if self.cluster.get(&place, &name).await?.is_some() {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::OutcomeUnknown, format!("its answer was lost {TRIES} times")))
    }
}

/// Events count in seconds.
fn seconds(record: &AuditRecord) -> String {
    let text = record.at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

#[async_trait]
impl AuditSink for EventSink {
    /// Two requests. Dropped, the Event may still be written.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a record over 128 KiB; what the cluster refuses.
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        let written = self.write(record).await;
        written.map_err(|error| error.during("record an event about").on(&self.about))
    }
}
