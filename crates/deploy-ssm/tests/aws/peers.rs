//! The same on moto and ministack, as `tests/peers/up` starts them: what others understand of S3 and Parameter Store.

use std::time::Duration;

use deploy_core::conformance;
use deploy_core::secret::SecretText;
use deploy_ssm::Aws;
use deploy_ssm::aws::{Bucket, Credentials, Temporary};

use crate::locks::Locks;
use crate::objects;
use crate::parameters::{secrets_at, store_at};
use crate::stores::builder;

/// How long locks last: a peer that is asked by all tests at once takes its time.
const LASTS: Duration = Duration::from_secs(5);

/// The one whose endpoint is in this variable.
#[expect(clippy::disallowed_methods, reason = "the edge of a test")]
fn peer(variable: &str) -> Aws {
    let endpoint = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: eval \"$(crates/deploy-ssm/tests/peers/up)\""));
    // Those that ministack knows.
    let credentials = Credentials::new("test", SecretText::new("test"));
    builder().credentials(credentials).s3_endpoint(&endpoint).ssm_endpoint(&endpoint).build().unwrap()
}

/// A bucket of its own, that ends with the peer.
async fn bucket(aws: &Aws) -> Bucket {
    let bucket = Bucket::new(aws, format!("tests-{:08x}", fastrand::u32(..))).unwrap();
    bucket.create(&Temporary::new().tag("made-by", "tests")).await.unwrap();
    bucket
}

macro_rules! peer_tests {
    ($($peer:ident: $variable:literal;)+) => {
        $(mod $peer {
            use super::*;

            #[tokio::test]
            #[ignore = "needs moto and ministack: tests/peers/up"]
            async fn objects() {
                objects::objects(&bucket(&peer($variable)).await).await.unwrap();
            }

            #[tokio::test]
            #[ignore = "needs moto and ministack: tests/peers/up"]
            async fn temporary_buckets() {
                objects::temporary(&peer($variable)).await.unwrap();
            }

            #[tokio::test]
            #[ignore = "needs moto and ministack: tests/peers/up"]
            async fn locks() {
                conformance::lock::run(|| async { Locks::new(bucket(&peer($variable)).await, LASTS, ()) }).await;
            }

            #[tokio::test]
            #[ignore = "needs moto and ministack: tests/peers/up"]
            async fn parameters() {
                conformance::config_store::run(|| async { store_at(&peer($variable)) }).await;
            }

            #[tokio::test]
            #[ignore = "needs moto and ministack: tests/peers/up"]
            async fn secrets() {
                conformance::secret_source::run(|| async { secrets_at(&peer($variable)).await }).await;
            }
        })+
    };
}

peer_tests! {
    moto: "MOTO_ENDPOINT";
    ministack: "MINISTACK_ENDPOINT";
}
