//! What the API server's refusals mean.
//!
//! A body may be a `Status`, plain text (429 of priority and fairness, proxies), or HTML: it is read as hostile input.

use std::fmt::Write as _;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Retry};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::retry::Setback;

/// Longer messages are cut: a server-side apply error can quote the whole object.
const MAX_MESSAGE: usize = 1000;
/// As much of the end is kept in any case.
const MAX_REASON: usize = 300;

/// A refusal, read.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: StatusCode,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) causes: Vec<RefusalCause>,
    pub(crate) after: Option<Duration>,
}

/// One cause of a refusal.
#[derive(Debug)]
pub(crate) struct RefusalCause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// Every field of a conflict is one; the body's size is bounded too.
const MAX_CAUSES: usize = 10_000;

/// How Kubernetes says that a field cannot be changed: `apimachinery/pkg/api/validation` and the `strategy.go` or validation of
/// StatefulSet, Service, PVC and RBAC.
pub(crate) const IMMUTABLE: [&str; 5] = [
    "field is immutable",
    "may not change once set",
    "cannot change roleRef",
    "updates to statefulset spec for fields other than",
    "is immutable after creation",
];

/// What follows the path of a field that its kind does not have (`structured-merge-diff`, `typed/validate.go`).
pub(crate) const UNDECLARED: &str = ": field not declared in schema";
/// What stands between a list's path and the key of an item that it has several times.
pub(crate) const TWICE: &str = ": duplicate entries for key ";

impl Refusal {
    pub(crate) fn read(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or_default();
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let message = match text(&status, "message") {
            message if !message.is_empty() => message,
            _ => plain(body),
        };
        let causes = status
            .pointer("/details/causes")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let header =
            headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let detail = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64);
        Self {
            code,
            reason: text(&status, "reason"),
            message: cut(&message),
            causes: causes
                .iter()
                .take(MAX_CAUSES)
                .map(|cause| RefusalCause {
                    reason: text(cause, "reason"),
                    message: cut(&text(cause, "message")),
                    field: text(cause, "field"),
                })
                .collect(),
            after: header.or(detail).filter(|seconds| *seconds > 0).map(Duration::from_secs),
        }
    }

    /// Whether it is worth another try, and what is known of the first.
    pub(crate) fn setback(&self) -> Option<Setback> {
        match self.code.as_u16() {
            429 => Some(Setback::Refused { after: self.after }),
            _ if self.is_bad_object() => None,
            500 | 502..=504 => Some(Setback::ServerFailed { after: self.after }),
            _ => None,
        }
    }

    /// The manifest does not fit the schema: server-side apply answers 500 without a reason, whatever `fieldValidation` says.
    pub(crate) fn is_bad_object(&self) -> bool {
        let typed = "failed to create typed patch object";
        self.code == StatusCode::INTERNAL_SERVER_ERROR && self.message.starts_with(typed)
            || self.code == StatusCode::BAD_REQUEST
            || self.code == StatusCode::UNPROCESSABLE_ENTITY
    }

    /// The same without what may quote the object: of a schema error only the path is left. What kind of refusal it is stays.
    pub(crate) fn without_values(mut self) -> Self {
        const LEFT_OUT: &str = "the API server's words may quote its value, and are left out";
        if self.is_bad_object() {
            let (typed, rest) = self.message.split_once("): ").unwrap_or(("", &self.message));
            let undeclared: Vec<String> = rest
                .match_indices(UNDECLARED)
                .filter_map(|(at, _)| rest.get(..at)?.rsplit(' ').next().filter(|path| path.starts_with('.')))
                .map(|path| format!("{path}{UNDECLARED}"))
                .collect();
            let undeclared = undeclared.join("; ");
            let path = match rest.split_once(": ") {
                _ if !undeclared.is_empty() => undeclared.as_str(),
                Some((path, _)) if path.starts_with('.') => path,
                _ => "it is refused",
            };
            let typed = if typed.is_empty() { String::new() } else { format!("{typed}): ") };
            let immutable = IMMUTABLE.iter().find(|words| self.message.contains(**words));
            let words = immutable.map(|words| format!("{words}; ")).unwrap_or_default();
            self.message = format!("{typed}{path}: {words}{LEFT_OUT}");
        } else if self.code.is_server_error() {
            LEFT_OUT.clone_into(&mut self.message);
        }
        self
    }

    /// A server-side-apply conflict with other field managers.
    pub(crate) fn is_field_conflict(&self) -> bool {
        self.code == StatusCode::CONFLICT
            && self.causes.iter().any(|cause| cause.reason == "FieldManagerConflict")
    }

    /// A precondition (resourceVersion, uid) that does not hold.
    pub(crate) fn is_changed_meanwhile(&self) -> bool {
        self.code == StatusCode::CONFLICT && !self.is_field_conflict() && self.reason != "AlreadyExists"
    }

    /// The refusal as an error of `verb` on `object`.
    pub(crate) fn into_error(self, verb: &str, object: &str) -> Error {
        let error = |kind, message: String| Error::new(kind, message).during(verb).on(object);
        match self.code.as_u16() {
            401 => error(ErrorKind::Unauthorized, "the API server does not accept the credentials".into())
                .help("they may have expired: renew them"),
            403 if self.message.contains("being terminated") => error(ErrorKind::Conflict, self.message)
                .help("wait until the namespace is gone, then run again"),
            403 if self.message.contains("exceeded quota") => {
                error(ErrorKind::Forbidden, self.message).help("free some of the quota or have it raised")
            }
            403 => error(ErrorKind::Forbidden, self.message).help("have a Role bound that allows it"),
            404 => error(ErrorKind::NotFound, self.message),
            409 if self.is_field_conflict() => self.field_conflict(verb, object),
            409 if self.reason == "AlreadyExists" => error(ErrorKind::AlreadyExists, self.message),
            409 => error(ErrorKind::Conflict, self.message),
            410 => error(ErrorKind::Stale, self.message),
            413 => error(ErrorKind::InvalidInput, "the API server refuses it as too large".into()),
            429 => error(ErrorKind::Unavailable, "the API server is overloaded (429)".into())
                .with_retry(Retry::Exhausted),
            _ if self.is_bad_object() => {
                let message = match self.message.split_once("): ") {
                    Some((typed, rest)) if typed.starts_with("failed to create typed patch object") => {
                        rest.to_owned()
                    }
                    _ => self.message,
                };
                error(ErrorKind::InvalidInput, message)
            }
            code @ 500..=599 => {
                error(ErrorKind::Unavailable, format!("the API server failed ({code}): {}", self.message))
                    .with_retry(Retry::Exhausted)
            }
            code => error(ErrorKind::Internal, format!("unexpected answer {code}: {}", self.message)),
        }
    }

    fn field_conflict(self, verb: &str, object: &str) -> Error {
        let mut message = String::from("other field managers own what it sets:");
        for cause in self.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict") {
            let manager = cause.message.trim_start_matches("conflict with ");
            // Writing to a String cannot fail.
            let _ = write!(message, " {} ({manager})", cause.field);
        }
        Error::new(ErrorKind::Conflict, message)
            .during(verb)
            .on(object)
            .help("leave those fields out of the manifest, or force the conflict to take them over")
    }
}

/// The first line of a body that is no `Status`; nothing of HTML.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..MAX_MESSAGE).unwrap_or(body));
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.starts_with('<') {
        "a page of HTML instead of an answer: is this the API server?".to_owned()
    } else {
        line.to_owned()
    }
}

/// `Invalid value: {…}: field is immutable` without the whole template that the API server writes in between.
fn without_dump(message: String) -> String {
    const VALUE: &str = "Invalid value: {";
    let Some((before, dump)) = message.split_once(VALUE) else { return message };
    match dump.rsplit_once("}: ") {
        Some((dump, reason)) if !dump.contains("Invalid value: ") && dump.len() > 100 => {
            format!("{before}{VALUE}…}}: {reason}")
        }
        _ => message,
    }
}

fn cut(message: &str) -> String {
    let one_line = without_dump(message.split_whitespace().collect::<Vec<_>>().join(" "));
    if one_line.chars().count() <= MAX_MESSAGE {
        return one_line;
    }
    // The value comes first and the reason last.
    let reason: Vec<char> = one_line.chars().rev().take(MAX_REASON).collect();
    let value = one_line.chars().take(MAX_MESSAGE.saturating_sub(MAX_REASON));
    value.chain(" … ".chars()).chain(reason.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, body: &str) -> Refusal {
        Refusal::read(StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn an_unknown_field_is_bad_input_and_never_retried() {
        let body = r#"{"kind": "Status", "code": 500, "message":
            "failed to create typed patch object (shop/api; apps/v1, Kind=Deployment): .spec.replicsa: field not declared in schema"}"#;
        let refused = refusal(500, body);
        assert_eq!(refused.setback(), None);
        let error = refused.into_error("apply", "Deployment shop/api");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.message(), ".spec.replicsa: field not declared in schema");
    }

    #[test]
    fn too_many_requests_is_plain_text() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::RETRY_AFTER, "2".parse().unwrap());
        let refused = Refusal::read(
            StatusCode::TOO_MANY_REQUESTS,
            &headers,
            b"Too many requests, please try again later.\n",
        );
        assert_eq!(refused.setback(), Some(Setback::Refused { after: Some(Duration::from_secs(2)) }));
        assert_eq!(refused.message, "Too many requests, please try again later.");
    }

    #[test]
    fn a_conflict_names_managers_and_fields() {
        let body = r#"{"reason": "Conflict", "message": "Apply failed", "details": {"causes": [
            {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"}]}}"#;
        let refused = refusal(409, body);
        assert!(refused.is_field_conflict() && !refused.is_changed_meanwhile());
        let text = refused.into_error("apply", "Deployment shop/api").to_string();
        assert!(text.contains(r#".spec.replicas ("kubectl" using apps/v1)"#), "{text}");
    }

    #[test]
    fn a_secrets_refusal_keeps_its_kind_and_loses_its_values() {
        let check = |code: u16, message: &str, kind: ErrorKind, left: &str| {
            let body = serde_json::json!({"kind": "Status", "message": message}).to_string();
            let error = refusal(code, &body).without_values().into_error("apply", "Secret shop/s");
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!error.to_string().contains("hunter2") && error.to_string().contains(left), "{error}");
        };
        let typed = "failed to create typed patch object (shop/s; /v1, Kind=Secret): .data.a: expected string, got hunter2";
        check(500, typed, ErrorKind::InvalidInput, ".data.a: ");
        let typed = "failed to create typed patch object (/s; /v1, Kind=Secret): errors:\n  .data.a: expected string, got hunter2\n  \
            .dat: field not declared in schema\n  .metadata.x.io/y: field not declared in schema";
        let undeclared =
            ".dat: field not declared in schema; .metadata.x.io/y: field not declared in schema: ";
        check(500, typed, ErrorKind::InvalidInput, undeclared);
        check(422, "Secret \"s\" is invalid: data: hunter2", ErrorKind::InvalidInput, "it is refused");
        let immutable =
            "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set, hunter2";
        check(422, immutable, ErrorKind::InvalidInput, "field is immutable; ");
        check(500, "etcdserver: request timed out, hunter2", ErrorKind::Unavailable, "left out");
    }

    #[test]
    fn the_reason_of_a_long_message_stays() {
        let check = |message: &str, expect: &str| {
            let body = serde_json::json!({"kind": "Status", "message": message}).to_string();
            assert_eq!(refusal(422, &body).message, expect);
        };
        let dump = format!(
            "Job \"a\" is invalid: spec.template: Invalid value: {{{}}}: field is immutable",
            "\"a\":1,".repeat(500)
        );
        check(&dump, "Job \"a\" is invalid: spec.template: Invalid value: {…}: field is immutable");
        let short = "x: Invalid value: {\"a\":1}: field is immutable";
        check(short, short);
        let long = format!("begin {} end", "x".repeat(5000));
        let cut = format!("begin {} … {} end", "x".repeat(694), "x".repeat(296));
        check(&long, &cut);
    }

    #[test]
    fn hostile_bodies() {
        for body in ["", "<html>x", "[1,2]", "{\"message\": 7}", "\u{0}\u{1}", &"x".repeat(1 << 20)] {
            let refused = refusal(502, body);
            assert!(refused.message.len() <= MAX_MESSAGE + 5);
            assert!(matches!(refused.setback(), Some(Setback::ServerFailed { .. })));
        }
    }
}
