//! One error type for every stage: what failed, on which object, why, whether a retry helps, and what to do.
//!
//! ```
//! use deploy_core::error::{Error, ErrorKind, Retry};
//!
//! let error = Error::new(ErrorKind::Forbidden, "user \"ci\" may not patch deployments in namespace \"shop\"")
//!     .during("apply")
//!     .on("Deployment shop/api")
//!     .help("bind a Role that allows the verb \"patch\" on \"deployments\"");
//! assert_eq!(error.retry(), Retry::Never);
//! assert_eq!(
//!     error.to_string(),
//!     "apply Deployment shop/api: user \"ci\" may not patch deployments in namespace \"shop\" \
//!      (bind a Role that allows the verb \"patch\" on \"deployments\")"
//! );
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is: what a caller branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input (a file, a manifest, a reference, a flag) is wrong; nothing was written.
    InvalidInput,
    /// The thing named does not exist.
    NotFound,
    /// The thing to be created exists.
    AlreadyExists,
    /// Somebody else owns or changed what was to be written.
    Conflict,
    /// The world is no longer what the plan saw: plan again.
    Stale,
    /// The caller is known but may not do this.
    Forbidden,
    /// The caller's credentials were refused or are missing.
    Unauthorized,
    /// Another run holds the lock; see [`Error::holder`].
    Locked,
    /// The lock was lost while the run went on; it stopped writing.
    LockLost,
    /// The adapter does not offer this.
    Unsupported,
    /// The far side cannot answer now (connection refused, 429, 5xx).
    Unavailable,
    /// No answer within the time allowed for one request.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// A request was sent and its answer lost: it may or may not have taken effect.
    OutcomeUnknown,
    /// The far side broke its own contract, or this crate has a bug.
    Internal,
}

/// Whether sending the same request again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// A later try may pass; not before `after`, where the far side said so.
    Later {
        /// The wait that the far side asked for (`Retry-After`).
        after: Option<Duration>,
    },
    /// It was retried as often as allowed.
    Exhausted,
    /// Look up whether it took effect before anything is sent again.
    LookUpFirst,
}

/// An error that answers its reader's questions.
///
/// `Display` is one lowercase line without the source; the chain is in [`std::error::Error::source`].
/// It never holds a secret: adapters mask before they build one.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: Option<String>,
    object: Option<String>,
    message: String,
    help: Option<String>,
    holder: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a message in lowercase that says why.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Unavailable | ErrorKind::Timeout => Retry::Later { after: None },
            ErrorKind::OutcomeUnknown => Retry::LookUpFirst,
            _ => Retry::Never,
        };
        Self(Box::new(Inner {
            kind,
            retry,
            operation: None,
            object: None,
            message: message.into(),
            help: None,
            holder: None,
            source: None,
        }))
    }

    /// Shorthand for [`ErrorKind::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Shorthand for [`ErrorKind::Locked`] by `holder`.
    pub fn locked(name: &str, holder: impl Into<String>, since: Option<&str>) -> Self {
        let holder = holder.into();
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        let mut error =
            Self::new(ErrorKind::Locked, format!("another run of \"{name}\" is held by {holder}{since}"))
                .help("wait until it ends, or stop it; a dead holder is taken over by itself");
        error.0.holder = Some(holder);
        error
    }

    /// Names the operation, a verb like `apply`; an operation already named (the inner one) stays.
    #[must_use]
    pub fn during(mut self, operation: impl Into<String>) -> Self {
        self.0.operation.get_or_insert(operation.into());
        self
    }

    /// Names the object; one already named stays.
    #[must_use]
    pub fn on(mut self, object: impl fmt::Display) -> Self {
        self.0.object.get_or_insert_with(|| object.to_string());
        self
    }

    /// Names what holds the object, before it: the file of a key.
    #[must_use]
    pub fn inside(mut self, place: impl fmt::Display) -> Self {
        self.0.object = Some(match self.0.object.take() {
            Some(object) => format!("{place}, {object}"),
            None => place.to_string(),
        });
        self
    }

    /// Says what the reader can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Says whether a retry helps, where the kind's own answer is not right.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Chains the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether sending the same request again can help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The message alone, without operation, object and help.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the reader can do.
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The object it is about.
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// Who holds the lock, for [`ErrorKind::Locked`].
    pub fn holder(&self) -> Option<&str> {
        self.0.holder.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, object, message, help, .. } = &*self.0;
        match (operation, object) {
            (Some(operation), Some(object)) => write!(f, "{operation} {object}: ")?,
            (Some(only), None) | (None, Some(only)) => write!(f, "{only}: ")?,
            (None, None) => {}
        }
        f.write_str(message)?;
        help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, retry, source, .. } = &*self.0;
        write!(f, "{kind:?}/{retry:?}: {self}")?;
        source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Error", 4)?;
        out.serialize_field("kind", &self.0.kind)?;
        out.serialize_field("object", &self.0.object)?;
        out.serialize_field("message", &self.to_string())?;
        out.serialize_field("retry", &matches!(self.0.retry, Retry::Later { .. }))?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_known() {
        let check = |error: Error, text: &str| assert_eq!(error.to_string(), text);
        check(Error::invalid("no documents"), "no documents");
        check(Error::invalid("no documents").during("read"), "read: no documents");
        check(Error::invalid("no name").on("a.yaml:3:1"), "a.yaml:3:1: no name");
        check(Error::invalid("x").during("inner").during("outer"), "inner: x");
        check(Error::invalid("x").on("key \"a\"").inside("b.yaml"), "b.yaml, key \"a\": x");
        check(Error::invalid("x").inside("b.yaml"), "b.yaml: x");
    }

    #[test]
    fn a_lost_answer_is_looked_up_first() {
        assert_eq!(Error::new(ErrorKind::OutcomeUnknown, "connection reset").retry(), Retry::LookUpFirst);
    }

    #[test]
    fn locked_names_its_holder() {
        let error = Error::locked("shop", "runner-7", Some("12:01"));
        assert_eq!(error.holder(), Some("runner-7"));
        assert!(error.to_string().contains("runner-7 since 12:01"));
    }
}
