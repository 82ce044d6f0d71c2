//! What can be wrong with text and JSON from outside.

use std::fmt;

/// FieldsV1, a path or `managedFields` that cannot be read: what is wrong, and where. A retry does not help.
///
/// ```
/// use k8s_fields::{FieldSet, ParseErrorKind};
/// use serde_json::json;
///
/// let error = FieldSet::from_value(&json!({"f:spec": {"q:replicas": {}}})).unwrap_err();
/// assert_eq!(error.to_string(), r#".spec: "q:replicas" is no path element (f:, k:, v:, i: or .)"#);
/// assert_eq!(error.kind(), &ParseErrorKind::UnknownElement("q:replicas".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    at: String,
    kind: ParseErrorKind,
}

/// What is wrong, without the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// More levels than [`FieldSet::MAX_DEPTH`](crate::FieldSet::MAX_DEPTH).
    #[error("deeper than {} levels", crate::FieldSet::MAX_DEPTH)]
    TooDeep,
    /// More elements than [`FieldSet::MAX_ELEMENTS`](crate::FieldSet::MAX_ELEMENTS).
    #[error("more than {} path elements", crate::FieldSet::MAX_ELEMENTS)]
    TooLarge,
    /// Something else stands where an object must.
    #[error("must be an object")]
    NotAnObject,
    /// A prefix that FieldsV1 does not have. The API server ignores these; here they are an error, because a set that
    /// was read in part must never decide anything.
    #[error("{0:?} is no path element (f:, k:, v:, i: or .)")]
    UnknownElement(String),
    /// The part after the prefix is not what the prefix promises.
    #[error("{element:?}: {reason}")]
    BadElement {
        /// The element as it was written.
        element: String,
        /// What it must be.
        reason: &'static str,
    },
    /// A `managedFields` entry, or a Secret's data, that is not as the API has it.
    #[error("{0}")]
    BadField(&'static str),
}

impl ParseError {
    pub(crate) fn new(at: impl fmt::Display, kind: ParseErrorKind) -> Self {
        Self { at: at.to_string(), kind }
    }

    /// The same error, found below `place`.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.at = format!("{place}{}", self.at);
        self
    }

    /// Where: the path so far, after the `managedFields` entry where there is one. Empty at the root.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { self.kind.fmt(f) } else { write!(f, "{}: {}", self.at, self.kind) }
    }
}

impl std::error::Error for ParseError {}
