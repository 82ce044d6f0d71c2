//! What lies in S3 while a deployment goes on: the package, and what the node tells back.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::run::DeploymentId;
use deploy_core::secret::SecretText;

use crate::aws::{Aws, Bucket, Etag, Got, Put, Temporary};

/// The tag of what is ours, with the application as its value.
pub(crate) const TAG: &str = "deploy-ssm";
/// What temporary buckets begin with.
pub(crate) const BUCKETS: &str = "deploy-ssm-";

/// The most bytes that are read of each thing the node tells back.
const MAX_RESULT: u64 = 4 << 20;
const MAX_EVENTS: u64 = 16 << 20;
const MAX_LOG: u64 = 64 << 20;

/// Which bucket is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Through {
    /// None: all goes through the command.
    #[default]
    Command,
    /// One that is there, under a prefix.
    Bucket { name: String, prefix: String },
    /// One that is made for the deployment, and goes with it.
    TemporaryBucket,
}

/// The place of one deployment in S3.
#[derive(Clone, Debug)]
pub(crate) struct Staging {
    bucket: Bucket,
    /// Ends with a slash; empty in a bucket of its own.
    prefix: String,
    temporary: bool,
    /// Whether the node tells here what it does: several would overwrite each other's.
    tells: bool,
}

/// The node's events, as far as they were sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    etag: Option<Etag>,
}

impl Staging {
    /// The place of deployment `id`; nothing is made there yet.
    pub(super) fn new(aws: &Aws, through: &Through, app: &str, id: &DeploymentId) -> Result<Option<Self>> {
        Ok(match through {
            Through::Command => None,
            Through::Bucket { name, prefix } => {
                let prefix = format!("{}{id}/", folder(prefix, app));
                Some(Self { bucket: Bucket::new(aws, name)?, prefix, temporary: false, tells: true })
            }
            Through::TemporaryBucket => {
                let bucket = Bucket::new(aws, format!("{BUCKETS}{}", id.as_str().to_lowercase()))?;
                Some(Self { bucket, prefix: String::new(), temporary: true, tells: true })
            }
        })
    }

    /// The same for several nodes: a package that all of them read, and nothing that they write.
    pub(super) fn shared(self) -> Self {
        Self { tells: false, ..self }
    }

    /// Whether the node tells here what it does.
    pub(super) fn tells(&self) -> bool {
        self.tells
    }

    /// Makes the bucket, if it is one for a while. One that is there is ours, from a call whose answer was lost.
    pub(super) async fn open(&self, app: &str) -> Result<()> {
        if !self.temporary {
            return Ok(());
        }
        self.bucket.ensure(&Temporary::new().tag(TAG, app)).await
    }

    pub(super) async fn put_package(&self, package: &[u8]) -> Result<()> {
        let how = Put::new().content_type("application/gzip").tag(TAG, "package");
        self.bucket.put(&self.key("package.tar.gz"), package.to_vec(), &how).await.map(drop)
    }

    pub(super) async fn package_url(&self, expires: Duration) -> Result<SecretText> {
        self.bucket.presign_get(&self.key("package.tar.gz"), expires).await
    }

    pub(super) fn package_uri(&self) -> String {
        format!("s3://{}/{}", self.bucket.name(), self.key("package.tar.gz"))
    }

    /// Where the node puts its events, its result and its log.
    pub(super) async fn urls(&self, expires: Duration) -> Result<[SecretText; 3]> {
        let put = async |name: &str| self.bucket.presign_put(&self.key(name), expires).await;
        Ok([put("events.jsonl").await?, put("result.json").await?, put("log").await?])
    }

    /// The node's events, if there are new ones since `seen`.
    pub(super) async fn events(&self, seen: &mut Seen) -> Result<Option<String>> {
        match self.bucket.get(&self.key("events.jsonl"), MAX_EVENTS, seen.etag.as_ref()).await {
            Ok(Got::Object { bytes, etag }) => {
                seen.etag = Some(etag);
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Ok(_) => Ok(None),
            Err(error) => nothing_yet(error),
        }
    }

    /// The result, once it is there.
    pub(super) async fn result(&self) -> Result<Option<String>> {
        self.text("result.json", MAX_RESULT).await
    }

    /// The whole log, once the result is there.
    pub(super) async fn log(&self) -> Result<Option<String>> {
        self.text("log", MAX_LOG).await
    }

    /// What was put where a log goes.
    pub(super) async fn log_bytes(&self) -> Result<Option<Vec<u8>>> {
        match self.bucket.get(&self.key("log"), MAX_LOG, None).await? {
            Got::Object { bytes, .. } => Ok(Some(bytes.to_vec())),
            _ => Ok(None),
        }
    }

    /// Whether its bucket is made for one deployment.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    async fn text(&self, name: &str, limit: u64) -> Result<Option<String>> {
        match self.bucket.get(&self.key(name), limit, None).await {
            Ok(Got::Object { bytes, .. }) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Ok(_) => Ok(None),
            Err(error) => nothing_yet(error),
        }
    }

    /// Removes all of it: the node keeps what is worth keeping.
    pub(super) async fn clear(&self) -> Result<()> {
        if self.temporary {
            return self.bucket.remove().await;
        }
        let keys = ["package.tar.gz", "events.jsonl", "result.json", "log"].map(|name| self.key(name));
        self.bucket.delete_all(&keys).await
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Where all of an application's deployments lie in a bucket.
pub(super) fn folder(prefix: &str, app: &str) -> String {
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    format!("{prefix}{slash}{app}/")
}

fn nothing_yet<T>(error: Error) -> Result<Option<T>> {
    // Without the right to list, S3 says "forbidden" of what is not there.
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) { Ok(None) } else { Err(error) }
}
