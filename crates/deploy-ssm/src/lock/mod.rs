//! [`S3Lock`]: a lock in a bucket, for runs that share nothing else.
//!
//! ```no_run
//! use deploy_core::lock::Lock;
//! use deploy_ssm::aws::{Aws, Bucket};
//! use deploy_ssm::S3Lock;
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let aws = Aws::builder().from_environment().await?;
//! let lock = S3Lock::new(Bucket::new(&aws, "deployments")?, "locks");
//! let guard = lock.acquire("shop", "runner-7").await?;
//! guard.release().await
//! # }
//! ```

mod hold;
mod record;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, SystemClock};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::lock::{Lock, LockGuard, check_name};
use tokio::sync::OnceCell;

use self::hold::{Held, Hold};
use crate::aws::{Bucket, Condition, Etag, Put};

/// How long a lock lasts without a heartbeat, if nothing else is said.
const LASTS: Duration = Duration::from_secs(15);
/// No object has this ETag.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";

/// Locks in objects of a bucket that is there, one for each name: `PREFIX/NAME.lock`.
///
/// - **Exclusive** by S3's conditional writes: an object is made only where there is none (`If-None-Match: *`), and written only as it was
///   read (`If-Match`). A store without `If-Match` (it ignores the header, or answers 501) is no place for this lock: before the
///   first one is taken that is tried on an object that is not there, and refused as [`Unsupported`](ErrorKind::Unsupported). Use
///   another lock then, as `deploy-k8s` has it on a Lease.
/// - **A dead holder** is one whose object a taker saw unchanged for as long as the lock lasts, on the taker's own clock; times in
///   the object are for people. A holder writes a heartbeat five times in that time, and gives up after two thirds of it
///   without one that got through.
/// - **Released**, the object stays, and says that nobody holds it: S3 cannot everywhere delete on a condition.
///
/// Taking a free lock is one GET and one PUT (and one PUT more the first time), a heartbeat one PUT, a look at a held one a GET that is
/// answered without content. Needs `s3:GetObject` and `s3:PutObject` on the objects, and `s3:ListBucket` for the prefix: without it
/// S3 answers 403 for an object that is not there (see [`iam`](crate::iam)).
#[derive(Clone)]
pub struct S3Lock {
    bucket: Bucket,
    prefix: String,
    lasts: Duration,
    clock: Arc<dyn Clock>,
    /// Whether the store has conditional writes was tried.
    tried: Arc<OnceCell<()>>,
}

impl S3Lock {
    /// Locks under `prefix`, a path without a slash at its ends; empty for none. They last 15 s without a heartbeat.
    pub fn new(bucket: Bucket, prefix: &str) -> Self {
        let (prefix, clock) = (prefix.trim_matches('/').to_owned(), Arc::new(SystemClock::new()));
        Self { bucket, prefix, lasts: LASTS, clock, tried: Arc::default() }
    }

    /// How long locks last without a heartbeat: 100 ms to 60 s. Those of other runs last as long as they say.
    #[must_use]
    pub fn lasting(mut self, duration: Duration) -> Self {
        self.lasts = duration.clamp(record::SHORTEST, record::LONGEST);
        self
    }

    /// Tells time by `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { format!("{name}.lock") } else { format!("{}/{name}.lock", self.prefix) }
    }

    /// Writes an object that is not there on the condition that it is in some state, which must not pass.
    async fn try_conditions(&self) -> Result<()> {
        // No name of a lock begins with a dot.
        let key = self.key(".conditions");
        let how = Put::new().only_if(Condition::Is(Etag(NO_ETAG.to_owned())));
        match self.bucket.put(&key, "", &how).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                let _ = self.bucket.delete(&key).await;
                let what = format!("the store of bucket {} ignores If-Match", self.bucket.name());
                Err(Error::new(ErrorKind::Unsupported, what).help(
                    "a lock needs conditional writes, as S3 has them: use another bucket, or another lock",
                ))
            }
        }
    }
}

impl fmt::Debug for S3Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Lock")
            .field("bucket", &self.bucket.name())
            .field("prefix", &self.prefix)
            .field("lasts", &self.lasts)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Lock for S3Lock {
    async fn acquire(&self, name: &str, holder: &str) -> Result<Box<dyn LockGuard>> {
        check_name(name)?;
        let about = |error: Error| error.during("lock");
        self.tried.get_or_try_init(|| self.try_conditions()).await.map_err(about)?;
        let hold = Hold {
            bucket: self.bucket.clone(),
            key: self.key(name),
            holder: holder.chars().take(record::HOLDER).collect(),
            token: format!("{:016x}", fastrand::u64(..)),
            lasts: self.lasts,
            clock: Arc::clone(&self.clock),
        };
        let written = hold.take(name).await.map_err(about)?;
        Ok(Box::new(Held::start(hold, written)))
    }
}
