//! [`Aws`]: the one way to AWS that everything here takes, and [`Bucket`]: what is needed of S3.
//!
//! ```
//! use deploy_core::secret::SecretText;
//! use deploy_ssm::Aws;
//! use deploy_ssm::aws::{Bucket, Credentials};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SecretText::new("a secret key"));
//! let aws = Aws::builder().region("eu-central-1").credentials(credentials).build()?;
//! let bucket = Bucket::new(&aws, "deployments")?;
//! // A presigned URL is made here: no request is sent.
//! let url = bucket.presign_get("shop/prod/package.tar.gz", std::time::Duration::from_secs(900)).await?;
//! assert!(url.reveal().contains("X-Amz-Expires=900"));
//! assert_eq!(aws.calls().total(), 0);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! Errors say which action on which resource was refused, in which region a bucket is, that credentials have expired or a clock is
//! wrong. Where an answer was lost and the operation does something else when it is done twice, the error is
//! [`OutcomeUnknown`](deploy_core::error::ErrorKind::OutcomeUnknown), and the SDK's own retries do not hide it.

mod bucket;
mod builder;
mod calls;
mod failure;
mod handle;
mod listing;
mod mask;
mod once;
pub(crate) mod operation;
mod presign;
mod refusal;
mod temporary;

pub use bucket::{Bucket, Condition, Etag, Got, Put};
pub use builder::{AwsBuilder, Credentials};
pub use calls::Calls;
pub use handle::Aws;
pub use listing::Listed;
pub use temporary::{FoundBucket, Temporary};

pub(crate) use failure::failed;
