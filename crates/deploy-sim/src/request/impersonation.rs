//! As whom a request is to be done.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};

/// As whom a request is to be done, by its `Impersonate-…` headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Impersonation {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl Impersonation {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut found = Self::default();
        for (name, value) in headers {
            match name.as_str().strip_prefix("impersonate-") {
                Some("user") => found.name = text(value),
                Some("uid") => found.uid = text(value),
                Some("group") => found.groups.push(text(value)),
                Some(other) => {
                    if let Some(key) = other.strip_prefix("extra-") {
                        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy().into_owned();
                        found.extra.entry(key).or_default().push(text(value));
                    }
                }
                None => {}
            }
        }
        found
    }
}
