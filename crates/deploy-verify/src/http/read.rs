//! Texts of a check's options: read, or refused in words.

use deploy_core::error::{Error, Result};
use http::{HeaderName, HeaderValue};
use regex::bytes::{Regex, RegexBuilder};
use reqwest::Url;

/// The longest regular expression, in bytes.
const MAX_PATTERN: usize = 4096;

/// The most bytes of a compiled one.
const MAX_COMPILED: usize = 1024 * 1024;

/// What stands in for a URL that is wrong: nothing is ever asked there, since it is not built.
#[expect(clippy::expect_used, reason = "a constant, which a test reads")]
pub(super) fn nowhere() -> Url {
    Url::parse("http://invalid.invalid/").expect("a URL")
}

/// The URL may hold a secret, and is not shown.
pub(super) fn url(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|source| Error::invalid(format!("it is no URL: {source}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Error::invalid(format!("only http and https can be asked, not {}", url.scheme())));
    }
    Ok(url)
}

pub(super) fn header_name(name: &str) -> Result<HeaderName> {
    name.parse().map_err(|_| Error::invalid(format!("{name:?} is no name of a header")))
}

pub(super) fn header_value(value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|_| Error::invalid(format!("{value:?} is no value of a header")))
}

pub(super) fn pointer(text: String) -> Result<String> {
    if text.is_empty() || text.starts_with('/') {
        return Ok(text);
    }
    Err(Error::invalid(format!("{text:?} is no JSON pointer: it begins with /")))
}

/// Without Unicode: its tables would double the size of what embeds this.
pub(super) fn pattern(text: &str) -> Result<Regex> {
    if text.len() > MAX_PATTERN {
        return Err(Error::invalid(format!("a regular expression has at most {MAX_PATTERN} bytes")));
    }
    let built = RegexBuilder::new(text).unicode(false).size_limit(MAX_COMPILED).build();
    built.map_err(|source| {
        let told = source.to_string();
        let why = told.rsplit("error: ").next().unwrap_or_default().trim();
        Error::invalid(format!("{text:?} is no regular expression: {why}"))
    })
}

pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}
