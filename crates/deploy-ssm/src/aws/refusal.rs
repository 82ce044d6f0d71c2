//! What an answer of AWS that is a refusal means: a decision about data.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Retry};

use super::mask::shown;
use super::operation::{Operation, Twice};

/// What AWS said.
#[derive(Debug, Default)]
pub(crate) struct Refusal<'a> {
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    /// In which region the bucket is, where S3 said so.
    pub(crate) region: Option<&'a str>,
    pub(crate) retry_after: Option<Duration>,
}

/// The error that a refusal of `operation` is.
pub(crate) fn explain(refusal: &Refusal<'_>, operation: &Operation) -> Error {
    let said = said(refusal);
    let error = |kind: ErrorKind, message: &str| Error::new(kind, message);
    match (refusal.code, refusal.status) {
        (
            "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "TooManyUpdates"
            | "BandwidthLimitExceeded"
            | "PriorRequestNotComplete",
            _,
        )
        | (_, 429) => error(ErrorKind::Unavailable, &format!("AWS throttles requests: {said}"))
            .with_retry(Retry::Later { after: refusal.retry_after }),
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired", _) => {
            error(ErrorKind::Unauthorized, "the credentials for AWS have expired")
                .help("get new ones (aws sso login, or assume the role again), and run it again")
        }
        ("RequestTimeTooSkewed" | "RequestInTheFuture", _) => clock(&said),
        ("SignatureDoesNotMatch" | "InvalidSignatureException", _) => {
            let time = ["expired", "not yet current", "is now earlier"];
            if time.iter().any(|sign| refusal.message.contains(sign)) {
                return clock(&said);
            }
            error(ErrorKind::Unauthorized, "AWS refused the signature of the request")
                .help("the secret key does not belong to the key id, or this machine's clock is wrong")
        }
        (
            "InvalidAccessKeyId"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidToken"
            | "InvalidSecurity"
            | "AuthFailure"
            | "MissingAuthenticationToken",
            _,
        ) => error(ErrorKind::Unauthorized, &format!("AWS refused the credentials: {said}"))
            .help("see that key id, secret key and session token belong together and are of this partition"),
        (
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "TemporaryRedirect"
            | "IllegalLocationConstraintException",
            _,
        )
        | (_, 301 | 307) => wrong_region(refusal, &said),
        ("NoSuchBucket", _) => error(ErrorKind::NotFound, "there is no such bucket")
            .help("create it, or see its name, the account and the region"),
        ("BucketAlreadyExists", _) => {
            error(ErrorKind::AlreadyExists, "the name of the bucket belongs to another account")
                .help("names of buckets are the world's: take another one")
        }
        ("BucketAlreadyOwnedByYou", _) => error(ErrorKind::AlreadyExists, "the bucket is there already"),
        ("TooManyBuckets", _) => error(ErrorKind::InvalidInput, "the account has as many buckets as it may")
            .help("sweep what was left behind, use one bucket with a prefix, or have the quota raised"),
        ("PreconditionFailed" | "ConditionalRequestConflict", _) | (_, 412) => {
            error(ErrorKind::Conflict, "it is not what it was when it was read")
        }
        ("ParameterAlreadyExists" | "InvalidRequest.AlreadyExists", _) => {
            error(ErrorKind::AlreadyExists, "it is there already")
        }
        ("BucketNotEmpty", _) => error(ErrorKind::Conflict, "it is not empty").help("others write to it"),
        ("OperationAborted" | "RequestTimeout", _) | (_, 503) => {
            error(ErrorKind::Unavailable, &format!("AWS cannot do it now: {said}"))
                .with_retry(Retry::Later { after: refusal.retry_after })
        }
        ("InvalidInstanceId", _) => error(ErrorKind::NotFound, &format!("no such node: {said}"))
            .help("SSM must manage it in this region, and its PingStatus must be Online"),
        ("InvalidKeyId", _) => error(ErrorKind::InvalidInput, &format!("the KMS key cannot be used: {said}"))
            .help("name a symmetric key of this region that is enabled"),
        ("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AllAccessDisabled", _)
        | (_, 401 | 403) => forbidden(refusal, operation),
        ("NoSuchKey" | "NotFound" | "ParameterNotFound" | "ParameterVersionNotFound", _) | (_, 404) => {
            error(ErrorKind::NotFound, "there is none")
        }
        ("NotImplemented", _) | (_, 501) => {
            error(ErrorKind::Unsupported, &format!("the far side cannot do that: {said}"))
        }
        (_, 500..) if operation.twice == Twice::Differs => {
            error(ErrorKind::OutcomeUnknown, &format!("AWS failed, perhaps after it did it: {said}"))
        }
        (_, 500..) => error(ErrorKind::Unavailable, &format!("AWS failed: {said}"))
            .with_retry(Retry::Later { after: refusal.retry_after }),
        _ => error(ErrorKind::InvalidInput, &format!("AWS refused it: {said}")),
    }
}

fn said(refusal: &Refusal<'_>) -> String {
    match (shown(refusal.code), shown(refusal.message)) {
        (code, message) if message.is_empty() && code.is_empty() => format!("status {}", refusal.status),
        (code, message) if message.is_empty() => code,
        (code, message) if code.is_empty() => message,
        (code, message) => format!("{code}: {message}"),
    }
}

fn clock(said: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, format!("this machine's clock is not AWS's: {said}"))
        .help("set the clock (NTP): AWS takes requests of at most 15 minutes' difference")
}

fn wrong_region(refusal: &Refusal<'_>, said: &str) -> Error {
    let region = refusal.region.or_else(|| between(refusal.message, "expecting '", "'"));
    let region = region.filter(|region| region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    match region {
        Some(region) => Error::invalid(format!("the bucket is in the region {region}"))
            .help(format!("set the region to {region}")),
        None => Error::invalid(format!("the bucket is in another region: {said}"))
            .help("see its region, and set that"),
    }
}

/// Who may not do what on which resource, and the statement that would allow it.
fn forbidden(refusal: &Refusal<'_>, operation: &Operation) -> Error {
    let message = refusal.message;
    let word = |after: &str| between(message, after, " ").map(|word| word.trim_end_matches([',', '.']));
    let user = word("User: ").map_or_else(|| "the caller".to_owned(), |user| format!("\"{}\"", shown(user)));
    let asked = word("not authorized to perform: ").map_or_else(|| operation.actions.join(" and "), shown);
    let resource = word("on resource: ").or_else(|| word("on the resource: ")).map(shown);
    let on = resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
    let explicit = if message.contains("explicit deny") { ": a policy denies it explicitly" } else { "" };
    let quoted: Vec<_> = asked.split(" and ").map(|action| format!("\"{action}\"")).collect();
    let action = if let [one] = &quoted[..] { one.clone() } else { format!("[{}]", quoted.join(",")) };
    let resource = resource.unwrap_or_else(|| "arn:…".to_owned());
    let allow = format!(
        "{{\"Effect\":\"Allow\",\"Action\":{action},\"Resource\":\"{}\"}}",
        resource.trim_matches('"')
    );
    let error = Error::new(ErrorKind::Forbidden, format!("{user} may not do {asked}{on}{explicit}"));
    if explicit.is_empty() {
        error.help(format!("add to the policy {allow}"))
    } else {
        error.help("see the policies with Effect Deny, of the organization too")
    }
}

/// The text between two marks, to the end where the second is missing.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let found = rest.split_once(after).map_or(rest, |(found, _)| found);
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
#[path = "tests/refusal.rs"]
mod tests;
