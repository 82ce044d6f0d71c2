//! URLs that let others read and write an object.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use deploy_core::error::{Error, Result};
use deploy_core::secret::SecretText;

use super::bucket::check_key;
use super::operation as op;
use super::{Bucket, failed};

/// How long S3 lets a presigned URL live at most: 7 days.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl Bucket {
    /// A URL that lets whoever has it read the object for as long as `expires`, and no longer than these credentials live. No request is sent,
    /// but maybe for credentials.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for a time of no length or over 7 days; missing credentials.
    pub async fn presign_get(&self, key: &str, expires: Duration) -> Result<SecretText> {
        let request = self.aws.s3_to_sign().get_object().bucket(&self.name).key(key);
        let signed = request.presigned(self.presigning(key, expires)?).await;
        let signed = signed.map_err(|error| failed(error, &op::GET_OBJECT, self.object(key)))?;
        Ok(SecretText::new(signed.uri()))
    }

    /// A URL that lets whoever has it write the object, as [`presign_get`](Self::presign_get) does for reading.
    ///
    /// # Errors
    /// As for [`presign_get`](Self::presign_get).
    pub async fn presign_put(&self, key: &str, expires: Duration) -> Result<SecretText> {
        let request = self.aws.s3_to_sign().put_object().bucket(&self.name).key(key);
        let signed = request.presigned(self.presigning(key, expires)?).await;
        let signed = signed.map_err(|error| failed(error, &op::PUT_OBJECT, self.object(key)))?;
        Ok(SecretText::new(signed.uri()))
    }

    fn presigning(&self, key: &str, expires: Duration) -> Result<PresigningConfig> {
        check_key(key)?;
        let wrong = || {
            Error::invalid(format!("a URL cannot be presigned for {} s", expires.as_secs()))
                .on(self.object(key))
                .help("S3 allows 1 s to 7 days")
        };
        if expires < Duration::from_secs(1) || expires > LONGEST {
            return Err(wrong());
        }
        PresigningConfig::expires_in(expires).map_err(|_| wrong())
    }
}
