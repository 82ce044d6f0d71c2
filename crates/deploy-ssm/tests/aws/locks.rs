//! The lock in a bucket: the conformance suite, lost answers, and stores that it cannot be in.

use std::time::Duration;

use async_trait::async_trait;
use deploy_core::conformance::lock::Fixture;
use deploy_core::error::ErrorKind;
use deploy_core::lock::Lock;
use deploy_ssm::S3Lock;
use deploy_ssm::aws::{Bucket, Put};

use crate::server::Fault;
use crate::stores::Storage;
use crate::virtual_s3;

/// How long locks last here.
const LASTS: Duration = Duration::from_secs(3);

/// A lock, and the server that it needs.
pub struct Locks<S> {
    lock: S3Lock,
    bucket: Bucket,
    prefix: String,
    lasts: Duration,
    _server: S,
}

impl<S> Locks<S> {
    /// Under a prefix of its own, in a bucket that others use too.
    pub fn new(bucket: Bucket, lasts: Duration, server: S) -> Self {
        let prefix = format!("locks-{:08x}", fastrand::u32(..));
        Self {
            lock: S3Lock::new(bucket.clone(), &prefix).lasting(lasts),
            bucket,
            prefix,
            lasts,
            _server: server,
        }
    }
}

#[async_trait]
impl<S: Send + Sync> Fixture for Locks<S> {
    fn lock(&self) -> &dyn Lock {
        &self.lock
    }

    async fn steal(&self, name: &str, thief: &str) {
        // What releases before this one wrote must be read by it.
        let record = format!(
            "{{\"format\":1,\"holder\":\"{thief}\",\"token\":\"stolen\",\"beat\":0,\"lastsMillis\":{},\"since\":\"\"}}",
            self.lasts.as_millis()
        );
        self.bucket.put(&format!("{}/{name}.lock", self.prefix), record, &Put::new()).await.unwrap();
    }

    fn patience(&self) -> Duration {
        self.lasts
    }
}

mod conformance {
    use super::*;

    deploy_core::lock_conformance! { #[tokio::test(start_paused = true)] || async {
        let (aws, folder) = virtual_s3::start();
        Locks::new(Bucket::new(&aws, "shop").unwrap(), LASTS, folder)
    } }
}

async fn lock() -> (Storage, S3Lock) {
    let storage = Storage::start().await;
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    (storage, S3Lock::new(bucket, "locks").lasting(LASTS))
}

#[tokio::test]
async fn a_free_lock_is_two_requests() {
    let (storage, lock) = lock().await;
    lock.acquire("shop", "first").await.unwrap().release().await.unwrap();
    let before = storage.aws.calls().total();
    let guard = lock.acquire("shop", "second").await.unwrap();
    assert_eq!(storage.aws.calls().total() - before, 2, "GET and PUT");
    guard.release().await.unwrap();
    assert_eq!(storage.aws.calls().total() - before, 3);
}

/// Where the answer to a write was lost, it is found to be ours.
#[tokio::test]
async fn lost_answers_lose_no_lock() {
    let (storage, lock) = lock().await;
    // The first PUT is the one that must not pass.
    storage.server.after(1, "PUT", Fault::Lost);
    let guard = lock.acquire("shop", "runner").await.unwrap();
    for _ in 0..3 {
        storage.server.next("PUT", Fault::Lost);
        tokio::time::sleep(LASTS / 5).await;
    }
    assert!(!guard.lost().is_cancelled());
    storage.server.next("PUT", Fault::Lost);
    guard.release().await.unwrap();
    let started = tokio::time::Instant::now();
    lock.acquire("shop", "next").await.unwrap().release().await.unwrap();
    assert!(started.elapsed() < LASTS, "it was given back");
}

/// A holder whose heartbeats do not get through stops before another may take it over.
#[tokio::test]
async fn a_holder_that_is_cut_off_gives_up_in_time() {
    let (storage, lock) = lock().await;
    let guard = lock.acquire("shop", "runner").await.unwrap();
    for _ in 0..10 {
        storage.server.next("PUT", Fault::Silent);
    }
    let lost = guard.lost();
    tokio::time::timeout(LASTS, lost.cancelled()).await.expect("it gives up in time");
}

#[tokio::test]
async fn a_store_without_conditions_is_refused() {
    let storage = Storage::with(true, |builder| builder).await;
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    let lock = S3Lock::new(bucket.clone(), "locks");
    for _ in 0..2 {
        let error = lock.acquire("shop", "runner").await.expect_err("it cannot be exclusive");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("ignores If-Match"), "{error}");
    }
    assert!(bucket.list("", 10).await.unwrap().is_empty(), "nothing is left");
}

#[tokio::test]
async fn what_is_no_lock_is_left_alone() {
    let (storage, lock) = lock().await;
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    bucket.put("locks/shop.lock", "my notes", &Put::new()).await.unwrap();
    let error = lock.acquire("shop", "runner").await.expect_err("it is no lock");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("lock s3://shop/locks/shop.lock: "), "{error}");
}
