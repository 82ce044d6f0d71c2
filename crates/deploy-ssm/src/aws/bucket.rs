//! [`Bucket`]: objects put, read and deleted.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, Delete, ObjectIdentifier};
use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};

use super::operation as op;
use super::{Aws, failed};

/// The most keys that S3 deletes at once.
const AT_ONCE: usize = 1000;

/// A bucket of S3. What it is called is checked, not whether it is there.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub(super) aws: Aws,
    pub(super) name: String,
}

/// Which state of an object it is; only equality means anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(pub(crate) String);

/// What must hold for an object to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// There is no such object (`If-None-Match: *`).
    Absent,
    /// It is in this state (`If-Match`).
    Is(Etag),
}

/// How an object is written.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Put {
    /// The type of its content.
    pub content_type: Option<String>,
    /// Tags, by which rules and bills can choose it.
    pub tags: Vec<(String, String)>,
    /// What must hold.
    pub condition: Condition,
}

impl Put {
    /// Whatever is there, without type and tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Put::content_type`].
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// Sets [`Put::condition`].
    #[must_use]
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }
}

/// What reading an object came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Got {
    /// There is none.
    Absent,
    /// It is in the state that was named.
    NotModified,
    /// This.
    Object {
        /// Its content.
        bytes: Bytes,
        /// Its state.
        etag: Etag,
    },
}

impl Bucket {
    /// The bucket called `name`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that cannot be a bucket's: 3 to 63 lowercase letters, digits, `-` and `.`.
    pub fn new(aws: &Aws, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let allowed = name.chars().all(|c| inner(c) || c == '-' || c == '.');
        let ends = name.starts_with(inner) && name.ends_with(inner);
        if !(3..=63).contains(&name.len()) || !allowed || !ends || name.contains("..") {
            return Err(Error::invalid(format!(
                "\"{}\" cannot be the name of a bucket",
                name.escape_default()
            ))
            .help("use 3 to 63 lowercase letters, digits, '-' and '.'"));
        }
        Ok(Self { aws: aws.clone(), name })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes an object, with the SHA-256 of its content for S3 to check. Dropped, it may still take effect.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where the condition does not hold. With a condition:
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) where the answer was lost. What AWS refuses.
    pub async fn put(&self, key: &str, content: impl Into<Bytes>, how: &Put) -> Result<Etag> {
        check_key(key)?;
        let (client, operation) = match how.condition {
            Condition::None if how.tags.is_empty() => (self.aws.s3(), &op::PUT_OBJECT),
            Condition::None => (self.aws.s3(), &op::PUT_TAGGED),
            Condition::Absent | Condition::Is(_) => (self.aws.s3_once(), &op::PUT_OBJECT_IF),
        };
        let mut request = client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(content.into()))
            .set_content_type(how.content_type.clone());
        request = match &how.condition {
            Condition::None => request,
            Condition::Absent => request.if_none_match("*"),
            Condition::Is(Etag(etag)) => request.if_match(etag),
        };
        if !how.tags.is_empty() {
            let pairs = how.tags.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
            request = request.tagging(pairs.collect::<Vec<_>>().join("&"));
        }
        let answer = request.send().await.map_err(|error| {
            // Of an object that is gone S3 says so, instead of that the condition does not hold.
            let gone = matches!(how.condition, Condition::Is(_)) && error.code() == Some("NoSuchKey");
            let error = failed(error, operation, self.object(key));
            if gone {
                Error::new(ErrorKind::Conflict, "it is gone").during("put").on(self.object(key))
            } else {
                error
            }
        })?;
        etag(answer.e_tag()).ok_or_else(|| self.broken(key, "S3 answered without an ETag"))
    }

    /// Reads an object of at most `limit` bytes; with `known`, only if it is no longer in that state. Cancel safe.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a larger one; what AWS refuses.
    pub async fn get(&self, key: &str, limit: u64, known: Option<&Etag>) -> Result<Got> {
        check_key(key)?;
        let request = self.aws.s3().get_object().bucket(&self.name).key(key);
        let answer = match request.set_if_none_match(known.map(|etag| etag.0.clone())).send().await {
            Ok(answer) => answer,
            Err(error) if status(&error) == Some(304) => return Ok(Got::NotModified),
            Err(error) if is_absent(&error) => return Ok(Got::Absent),
            Err(error) => return Err(failed(error, &op::GET_OBJECT, self.object(key))),
        };
        let etag = etag(answer.e_tag()).ok_or_else(|| self.broken(key, "S3 answered without an ETag"))?;
        // Not all that speak like S3 know the header.
        if known == Some(&etag) {
            return Ok(Got::NotModified);
        }
        let too_large = || self.broken(key, &format!("it is over the limit of {limit} bytes"));
        let length =
            answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        if length > limit {
            return Err(too_large());
        }
        let mut body = answer.body;
        let mut bytes = Vec::new();
        let broke = |error| super::failure::cut_off(&error).during("get").on(self.object(key));
        while let Some(part) = body.try_next().await.map_err(broke)? {
            if (bytes.len() + part.len()) as u64 > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&part);
        }
        Ok(Got::Object { bytes: bytes.into(), etag })
    }

    /// How many bytes an object has; `None` if there is none. Cancel safe.
    ///
    /// # Errors
    /// What AWS refuses.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        check_key(key)?;
        match self.aws.s3().head_object().bucket(&self.name).key(key).send().await {
            Ok(answer) => Ok(answer.content_length().and_then(|length| u64::try_from(length).ok())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed(error, &op::HEAD_OBJECT, self.object(key))),
        }
    }

    /// Deletes an object; one that is not there is fine.
    ///
    /// # Errors
    /// What AWS refuses.
    pub async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        match self.aws.s3().delete_object().bucket(&self.name).key(key).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(failed(error, &op::DELETE_OBJECT, self.object(key))),
        }
    }

    /// Deletes objects, a thousand a request; those that are not there are fine.
    ///
    /// # Errors
    /// What AWS refuses, of the first object where it refuses some; others may be gone then.
    pub async fn delete_all(&self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let invalid = |_| Error::invalid("no such keys can be deleted").on(self.object(""));
        for some in keys.chunks(AT_ONCE) {
            let one = |key: &String| ObjectIdentifier::builder().key(key).build().map_err(invalid);
            let objects = some.iter().map(one).collect::<Result<Vec<_>>>()?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(invalid)?;
            let request = self.aws.s3().delete_objects().bucket(&self.name).delete(delete);
            let answer =
                request.send().await.map_err(|error| failed(error, &op::DELETE_OBJECTS, self.object("")))?;
            if let Some(error) = answer.errors().first() {
                let refusal = super::refusal::Refusal {
                    code: error.code().unwrap_or_default(),
                    message: error.message().unwrap_or_default(),
                    ..Default::default()
                };
                let object = self.object(error.key().unwrap_or_default());
                return Err(super::refusal::explain(&refusal, &op::DELETE_OBJECT)
                    .during("delete")
                    .on(object));
            }
        }
        Ok(())
    }

    pub(super) fn object(&self, key: &str) -> String {
        if key.is_empty() {
            return format!("bucket {}", self.name);
        }
        format!("s3://{}/{}", self.name, key.escape_default())
    }

    fn broken(&self, key: &str, what: &str) -> Error {
        Error::invalid(what).during("get").on(self.object(key))
    }
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::NotModified => f.write_str("NotModified"),
            Self::Object { bytes, etag } => {
                write!(f, "Object({} bytes, {})", bytes.len(), etag.0)
            }
        }
    }
}

/// S3's rule for keys, without what its console and other tools trip over.
pub(super) fn check_key(key: &str) -> Result<()> {
    let odd = |part: &str| matches!(part, "." | "..");
    if key.is_empty() || key.len() > 1024 || key.chars().any(char::is_control) || key.split('/').any(odd) {
        return Err(Error::invalid(format!("\"{}\" cannot be the key of an object", key.escape_default()))
            .help("use 1 to 1024 bytes of text without control characters, '.' and '..'"));
    }
    Ok(())
}

fn etag(text: Option<&str>) -> Option<Etag> {
    text.filter(|text| !text.is_empty() && text.len() <= 256).map(|text| Etag(text.to_owned()))
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// Whether there is no such object. A missing bucket is an error.
fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    // Answers to HEAD have no body to say which it is.
    status(error) == Some(404) && error.code() != Some("NoSuchBucket")
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
