//! The objects of a bucket under a prefix.

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};

use super::operation as op;
use super::{Bucket, failed};

/// An object, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
    /// When it was written last, on S3's clock.
    pub modified: Option<Timestamp>,
}

impl Bucket {
    /// The objects whose keys begin with `prefix`, by key; a thousand a request. Cancel safe.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) where there are more than `limit`; what AWS refuses.
    pub async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request = self.aws.s3().list_objects_v2().bucket(&self.name).prefix(prefix);
            let answer = request.set_continuation_token(token.clone()).send().await;
            let answer = answer.map_err(|error| failed(error, &op::LIST_OBJECTS, self.object(prefix)))?;
            all.extend(answer.contents().iter().filter_map(|object| {
                let key = object.key()?.to_owned();
                let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                let modified = object.last_modified().map(|at| Timestamp::from_unix_seconds(at.secs()));
                Some(Listed { key, size, modified })
            }));
            if all.len() > limit {
                return Err(Error::invalid(format!("there are more than {limit} objects"))
                    .during("list")
                    .on(self.object(prefix)));
            }
            let next = answer.next_continuation_token().map(str::to_owned);
            // A page that leads to itself would go on for ever.
            if next.is_none() || answer.is_truncated() != Some(true) || next == token {
                return Ok(all);
            }
            token = next;
        }
    }
}
