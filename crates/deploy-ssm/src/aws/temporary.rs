//! Buckets that are made for a while: created, found again, deleted with what is in them.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    PublicAccessBlockConfiguration, Tag, Tagging,
};
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};

use super::operation as op;
use super::{Aws, Bucket, failed};

/// The region whose buckets have no location, as it was the first.
const FIRST_REGION: &str = "us-east-1";
/// Objects of a bucket that is deleted; more were not made by a deployment.
const MOST_OBJECTS: usize = 10_000;
/// Buckets of one account that are looked at.
const MOST_BUCKETS: usize = 10_000;

/// How a bucket is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Temporary {
    /// Its tags: what it is found again by.
    pub tags: Vec<(String, String)>,
    /// After how many days its objects go by themselves.
    pub days: u16,
}

impl Temporary {
    /// A bucket without tags whose objects live one day.
    pub fn new() -> Self {
        Self { tags: Vec::new(), days: 1 }
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// Sets [`Temporary::days`].
    #[must_use]
    pub fn days(mut self, days: u16) -> Self {
        self.days = days.max(1);
        self
    }
}

impl Default for Temporary {
    fn default() -> Self {
        Self::new()
    }
}

/// A bucket of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundBucket {
    /// Its name.
    pub name: String,
    /// When it was made, on S3's clock.
    pub created: Option<Timestamp>,
    /// Its tags; `None` where they could not be read.
    pub tags: Option<Vec<(String, String)>>,
}

impl Bucket {
    /// Makes the bucket: tagged, closed to the public, with a rule by which its objects go. Where a later step fails the bucket is deleted again;
    /// dropped, it may be left without all that, and is found by its name.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) for a name that somebody has, this account too;
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) where the answer was lost; what AWS refuses.
    pub async fn create(&self, how: &Temporary) -> Result<()> {
        let mut request = self.aws.s3_once().create_bucket().bucket(&self.name);
        if self.aws.region() != FIRST_REGION {
            let place = BucketLocationConstraint::from(self.aws.region());
            let location = CreateBucketConfiguration::builder().location_constraint(place).build();
            request = request.create_bucket_configuration(location);
        }
        request.send().await.map_err(|error| failed(error, &op::CREATE_BUCKET, self.object("")))?;
        let Err(error) = self.furnish(how).await else { return Ok(()) };
        // The first error is what counts; a bucket that is left is empty.
        if let Err(left) = self.delete_empty().await {
            tracing::warn!(bucket = self.name, error = %left, "a bucket is left");
        }
        Err(error)
    }

    /// Makes the bucket as [`create`](Self::create) does, and where this account has made it already, by a call whose answer was lost or that was
    /// killed, gives it what `how` says. Dropped, it may be left.
    ///
    /// # Errors
    /// As `create`; of a name that somebody else has what AWS refuses.
    pub async fn ensure(&self, how: &Temporary) -> Result<()> {
        let made = match self.create(how).await {
            // Asked again, S3 says whether it is there.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => self.create(how).await,
            made => made,
        };
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.furnish(how).await,
            made => made,
        }
    }

    async fn furnish(&self, how: &Temporary) -> Result<()> {
        let invalid = |_| Error::invalid("no bucket can be made so").on(self.object(""));
        let s3 = self.aws.s3();
        if !how.tags.is_empty() {
            let tag = |(name, value): &(String, String)| Tag::builder().key(name).value(value).build();
            let tags = how.tags.iter().map(tag).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
            let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(invalid)?;
            let request = s3.put_bucket_tagging().bucket(&self.name).tagging(tagging);
            request.send().await.map_err(|error| failed(error, &op::TAG_BUCKET, self.object("")))?;
        }
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let request =
            s3.put_public_access_block().bucket(&self.name).public_access_block_configuration(block);
        request.send().await.map_err(|error| failed(error, &op::BLOCK_PUBLIC, self.object("")))?;
        let days = i32::from(how.days.max(1));
        let rule = LifecycleRule::builder()
            .id("expire")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .expiration(LifecycleExpiration::builder().days(days).build())
            .abort_incomplete_multipart_upload(
                AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build(),
            )
            .build()
            .map_err(invalid)?;
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build().map_err(invalid)?;
        let request =
            s3.put_bucket_lifecycle_configuration().bucket(&self.name).lifecycle_configuration(rules);
        request.send().await.map_err(|error| failed(error, &op::EXPIRE, self.object("")))?;
        Ok(())
    }

    /// Deletes the bucket with all that is in it; one that is not there is fine.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for one of more than 10,000 objects, of which none is deleted; what AWS refuses.
    pub async fn remove(&self) -> Result<()> {
        let objects = match self.list("", MOST_OBJECTS).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            objects => objects?,
        };
        let keys: Vec<_> = objects.into_iter().map(|object| object.key).collect();
        self.delete_all(&keys).await?;
        self.delete_empty().await
    }

    async fn delete_empty(&self) -> Result<()> {
        match self.aws.s3().delete_bucket().bucket(&self.name).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchBucket") => Ok(()),
            Err(error) => Err(failed(error, &op::DELETE_BUCKET, self.object(""))),
        }
    }

    /// The buckets of the account and region whose names begin with `prefix`, with their tags: a request for each. Of one that goes away
    /// meanwhile, or whose tags may not be read, the tags are unknown. Cancel safe.
    ///
    /// # Errors
    /// What AWS refuses.
    pub async fn find(aws: &Aws, prefix: &str) -> Result<Vec<FoundBucket>> {
        let mut found = Vec::new();
        let (mut token, mut seen): (Option<String>, usize) = (None, 0);
        loop {
            let mut request = aws.s3().list_buckets().set_continuation_token(token.clone());
            if !prefix.is_empty() {
                request = request.prefix(prefix);
            }
            let request = request.bucket_region(aws.region()).send().await;
            let answer = request.map_err(|error| failed(error, &op::LIST_BUCKETS, "buckets"))?;
            seen += answer.buckets().len();
            for bucket in answer.buckets() {
                // Those that speak like S3 do not all know of a prefix.
                let Some(name) = bucket.name().filter(|name| name.starts_with(prefix)) else { continue };
                let created = bucket.creation_date().map(|at| Timestamp::from_unix_seconds(at.secs()));
                found.push(FoundBucket { name: name.to_owned(), created, tags: None });
            }
            let next = answer.continuation_token().map(str::to_owned);
            if next.is_none() || next == token || seen > MOST_BUCKETS {
                break;
            }
            token = next;
        }
        for bucket in &mut found {
            match aws.s3().get_bucket_tagging().bucket(&bucket.name).send().await {
                Ok(answer) => {
                    let tags =
                        answer.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
                    bucket.tags = Some(tags.collect());
                }
                Err(error) if error.code() == Some("NoSuchTagSet") => bucket.tags = Some(Vec::new()),
                Err(error) => {
                    let error = failed(error, &op::BUCKET_TAGS, &bucket.name);
                    tracing::debug!(%error, "the tags of a bucket are not known");
                }
            }
        }
        Ok(found)
    }
}
