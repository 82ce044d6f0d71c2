//! What a registry or a token service refuses with, in words.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Retry};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// Why a request was refused with `status` by `host`.
pub(crate) fn error(status: StatusCode, headers: &HeaderMap, body: &[u8], host: &str) -> Error {
    let said = said(headers, body);
    let code = said.code.as_deref().unwrap_or_default();
    let reason = if said.text.is_empty() { String::new() } else { format!(": {}", said.text) };
    let new = |kind, what: &str| Error::new(kind, format!("{host} {what}{reason}"));
    let number = status.as_u16();
    match number {
        401 => new(ErrorKind::Unauthorized, "asks for credentials, or refused those it was given")
            .help(format!("log in to it, as with docker login {host}, or give credentials")),
        403 => new(ErrorKind::Forbidden, "forbids it")
            .help("the credentials do not allow this: ask for access to the repository"),
        404 => new(
            ErrorKind::NotFound,
            match code {
                "NAME_UNKNOWN" => "has no such repository",
                "MANIFEST_UNKNOWN" => "has no such manifest",
                "BLOB_UNKNOWN" => "has no such blob",
                "BLOB_UPLOAD_UNKNOWN" => "has no such upload",
                _ => "has no such thing (404)",
            },
        ),
        429 => new(ErrorKind::Unavailable, "is asked too often (429)"),
        409 => new(ErrorKind::Conflict, "answered 409"),
        400 | 405 if code == "UNSUPPORTED" => new(ErrorKind::Unsupported, "does not support this"),
        405 | 501 => new(ErrorKind::Unsupported, &format!("does not support this ({number})")),
        400 | 413 | 416 | 422 => new(ErrorKind::InvalidInput, &format!("answered {number}")),
        408 | 500..=599 => new(ErrorKind::Unavailable, &format!("cannot answer now ({number})")),
        _ => new(ErrorKind::Internal, &format!("answered {number}")),
    }
}

/// Whether the same request may pass later.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

/// Adds the wait that the far side asked for.
pub(crate) fn with_wait(error: Error, headers: &HeaderMap, now: Timestamp) -> Error {
    error.with_retry(Retry::Later { after: retry_after(headers, now) })
}

/// `Retry-After`: seconds, or an HTTP date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let seconds = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?).since(now))
}

#[derive(Debug, Default, PartialEq)]
struct Said {
    code: Option<String>,
    text: String,
}

/// The specification's `{"errors":[{code, message, detail}]}`, and what token services have in its place.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Reason>,
    error_description: Option<String>,
    details: Option<String>,
    message: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

fn said(headers: &HeaderMap, body: &[u8]) -> Said {
    if let Ok(body) = serde_json::from_slice::<Body>(body) {
        let code = body.errors.first().map(|reason| cut(&reason.code));
        let text = match body.errors.first() {
            Some(reason) if !reason.message.is_empty() => Some(reason.message.clone()),
            Some(reason) => Some(reason.code.clone()),
            None => body.error_description.or(body.details).or(body.message).or(body.error),
        };
        return Said { code, text: cut(&text.unwrap_or_default()) };
    }
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = match media_type {
        html if html.starts_with("text/html") => "with an HTML page: is it a registry?".to_owned(),
        _ => cut(&String::from_utf8_lossy(body)),
    };
    Said { code: None, text }
}

/// Text from outside in one short line without control characters.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    if line.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, media_type: &str, body: &str, kind: ErrorKind, text: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media_type.parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let error = error(status, &headers, body.as_bytes(), "r.example");
        assert_eq!((error.kind(), error.message()), (kind, text));
    }

    #[test]
    fn says_what_the_registry_says() {
        use ErrorKind as K;
        let json = "application/json";
        let name =
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known","detail":{}}]}"#;
        check(404, json, name, K::NotFound, "r.example has no such repository: repository name not known");
        check(404, json, "{}", K::NotFound, "r.example has no such thing (404)");
        let denied = r#"{"errors":[{"code":"DENIED","message":"requested\naccess is denied"}]}"#;
        check(403, json, denied, K::Forbidden, "r.example forbids it: requested access is denied");
        check(
            405,
            json,
            r#"{"errors":[{"code":"UNSUPPORTED"}]}"#,
            K::Unsupported,
            "r.example does not support this: UNSUPPORTED",
        );
        check(
            429,
            "text/plain",
            "slow\u{7} down\n",
            K::Unavailable,
            "r.example is asked too often (429): slow down",
        );
        let page = "<html>sign in</html>";
        check(
            503,
            "text/html; charset=utf-8",
            page,
            K::Unavailable,
            "r.example cannot answer now (503): with an HTML page: is it a registry?",
        );
        let token = r#"{"error":"invalid_grant","error_description":"it ended"}"#;
        let asks = "r.example asks for credentials, or refused those it was given: it ended";
        check(401, json, token, K::Unauthorized, asks);
        let long = "x".repeat(5000);
        check(
            418,
            "text/plain",
            &long,
            K::Internal,
            &format!("r.example answered 418: {}…", "x".repeat(200)),
        );
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        let check = |text: &str, expect: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expect.map(Duration::from_secs), "{text}");
        };
        check("7", Some(7));
        check("Wed, 21 Oct 2015 07:28:30 GMT", Some(30));
        check("Wed, 21 Oct 2015 07:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }
}
