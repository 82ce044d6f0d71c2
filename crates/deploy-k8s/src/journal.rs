//! [`SecretJournal`]: a journal in Secrets, because what it keeps may be Secrets itself.
//!
//! The record of NAME is the Secret `deploy-journal.NAME`: gzipped JSON. A record too large for one Secret is spread over parts,
//! `deploy-journal.NAME.SAVE-PART`, that are written before the Secret that names them, so that either the old or the new record
//! stands whole. All of it goes when the run ends well.
//!
//! ```no_run
//! use deploy_core::journal::Journal;
//! use deploy_k8s::{Cluster, SecretJournal};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let journal = SecretJournal::new(Cluster::builder().build().await?, "shop");
//! assert!(journal.load("shop").await?.is_none());
//! # Ok(())
//! # }
//! ```

use std::fmt::Write as _;
use std::io::{Read, Write};

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::journal::{Intent, Journal};
use deploy_core::lock::check_name;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::api::{self, ApplyOptions, Cluster, Place, Resource, escape};

/// Bytes in one Secret, before base64: a Secret holds 1 MiB at most.
const PART: usize = 700 << 10;
const MAX_PARTS: usize = 100;
/// A record larger than this is refused before it is read whole.
const MAX_RECORD: u64 = 512 << 20;
const MANAGER: &str = "deploy-core-journal";
const TYPE: &str = "deploy-core/journal";

/// Keeps journals as Secrets in one namespace.
#[derive(Clone, Debug)]
pub struct SecretJournal {
    cluster: Cluster,
    namespace: String,
    /// What it keeps, as its Secrets' names and labels say.
    what: &'static str,
}

impl SecretJournal {
    /// Keeps its Secrets in `namespace`, which must exist. Needs the verbs get, list, create, patch and delete on secrets there.
    pub fn new(cluster: Cluster, namespace: impl Into<String>) -> Self {
        Self { cluster, namespace: namespace.into(), what: "journal" }
    }

    /// The one of releases: how objects looked before they were taken over, in Secrets `deploy-adopted.NAME`.
    pub(crate) fn of_adopted(cluster: Cluster, namespace: impl Into<String>) -> Self {
        Self { what: "adopted", ..Self::new(cluster, namespace) }
    }

    fn head(&self, name: &str) -> String {
        format!("deploy-{}.{name}", self.what)
    }

    fn label(&self) -> String {
        format!("deploy-core/{}", self.what)
    }

    fn place(&self) -> Result<Place> {
        let secrets = Resource::of_records("", "Secret")?;
        Ok(secrets.within(Some(&self.namespace)))
    }

    async fn put(&self, place: &Place, run: &str, name: &str, data: &Value) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": TYPE, "data": data,
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "deploy-core", self.label(): run}},
        });
        let options = ApplyOptions { manager: MANAGER, force: true, dry_run: false };
        match self.cluster.apply(place, &secret, options).await? {
            api::Apply::Done(_) => Ok(()),
            api::Apply::FieldConflict { error, .. } => Err(error),
            api::Apply::ChangedMeanwhile => {
                Err(Error::new(ErrorKind::Conflict, "changed meanwhile").on(place.id(name)))
            }
        }
    }

    async fn get(&self, place: &Place, name: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(secret) = self.cluster.get(place, name).await? else { return Ok(None) };
        let data = secret.pointer("/data").and_then(|data| data.get(key)).cloned();
        let Some(data) = data else { return Err(unreadable(place, name)) };
        let bytes: ByteString =
            serde_json::from_value(data).map_err(|error| unreadable(place, name).source(error))?;
        Ok(Some(bytes.0))
    }

    /// Deletes the parts of `run` that are not of the save `keep`.
    async fn sweep(&self, place: &Place, run: &str, keep: Option<&str>) -> Result<()> {
        let head = self.head(run);
        let prefix = keep.map(|save| format!("{head}.{save}-"));
        let mut old = Vec::new();
        let selector = format!("&labelSelector={}", escape(&format!("{}={run}", self.label())));
        self.cluster
            .list(place, &selector, |secret| {
                let name = secret.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                if name != head && prefix.as_ref().is_none_or(|prefix| !name.starts_with(prefix)) {
                    old.push(name.to_owned());
                }
            })
            .await?;
        for name in old {
            self.cluster.delete(place, &name, None).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for SecretJournal {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        check_name(name)?;
        let place = self.place()?;
        let head = self.head(name);
        let Some(first) = self.get(&place, &head, "intent").await? else { return Ok(None) };
        let packed = match parts(&first) {
            None => first,
            Some((save, count)) => {
                let mut packed = Vec::new();
                for part in 0..count {
                    let part = format!("{head}.{save}-{part}");
                    packed.extend(
                        self.get(&place, &part, "part").await?.ok_or_else(|| unreadable(&place, &part))?,
                    );
                }
                packed
            }
        };
        Intent::from_bytes(&unpack(&packed).ok_or_else(|| unreadable(&place, &head))?)
            .map(Some)
            .map_err(|error| error.on(place.id(&head)))
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        check_name(name)?;
        let place = self.place()?;
        let packed = pack(&intent.to_bytes()?)?;
        let head = self.head(name);
        if packed.len() <= PART {
            let data = json!({"intent": ByteString(packed)});
            return self.put(&place, name, &head, &data).await;
        }
        let chunks: Vec<&[u8]> = packed.chunks(PART).collect();
        if chunks.len() > MAX_PARTS {
            return Err(Error::invalid(format!("the journal would take {} bytes", packed.len()))
                .on(place.id(&head))
                .help("split the deployment into several"));
        }
        let save = format!("{:08x}", fastrand::u32(..));
        for (number, chunk) in chunks.iter().enumerate() {
            let data = json!({"part": ByteString(chunk.to_vec())});
            self.put(&place, name, &format!("{head}.{save}-{number}"), &data).await?;
        }
        let mut index = String::from("parts ");
        // Writing to a String cannot fail.
        let _ = write!(index, "{save} {}", chunks.len());
        self.put(&place, name, &head, &json!({"intent": ByteString(index.into_bytes())})).await?;
        self.sweep(&place, name, Some(&save)).await
    }

    async fn clear(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let place = self.place()?;
        // The head first: without it the parts mean nothing, and what a kill leaves of them goes with the next clearing.
        self.cluster.delete(&place, &self.head(name), None).await?;
        self.sweep(&place, name, None).await
    }
}

/// The save and the number of parts, if the record is spread.
fn parts(first: &[u8]) -> Option<(String, usize)> {
    let rest = std::str::from_utf8(first).ok()?.strip_prefix("parts ")?;
    let (save, count) = rest.split_once(' ')?;
    let count = count.parse().ok().filter(|count| *count <= MAX_PARTS)?;
    save.chars().all(|c| c.is_ascii_hexdigit()).then(|| (save.to_owned(), count))
}

fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    packed.map_err(|error| Error::new(ErrorKind::Internal, "cannot compress the journal").source(error))
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(packed).take(MAX_RECORD + 1).read_to_end(&mut bytes).ok()? as u64;
    (read <= MAX_RECORD).then_some(bytes)
}

fn unreadable(place: &Place, name: &str) -> Error {
    Error::invalid("is not a readable journal record")
        .during("read the journal")
        .on(place.id(name))
        .help("delete it only if the objects of that run are known to be right")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_unpacks() {
        let bytes = b"{\"format\": 1}".repeat(1000);
        let packed = pack(&bytes).unwrap();
        assert!(packed.len() < bytes.len() / 10);
        assert_eq!(unpack(&packed), Some(bytes));
        assert_eq!(unpack(b"not gzip"), None);
    }

    #[test]
    fn an_index_is_told_from_a_record() {
        assert_eq!(parts(b"parts 00c0ffee 3"), Some(("00c0ffee".to_owned(), 3)));
        for other in [&b"\x1f\x8b\x08"[..], b"parts x 3", b"parts 00 101", b"parts 00", b""] {
            assert_eq!(parts(other), None, "{other:?}");
        }
    }
}
