//! Failures of AWS's SDK as errors of this crate.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deploy_core::error::{Error, ErrorKind};

use super::mask::shown;
use super::operation::{Operation, Twice};
use super::refusal::{self, Refusal};

/// How the HTTP client begins what it says of a request that it had begun to send.
const SENT: &str = "client error (SendRequest)";
/// The same of a connection that it could not make.
const NOT_CONNECTED: &str = "client error (Connect)";

/// The error of `operation` on `object`, which knows whether it may have taken effect.
#[expect(clippy::needless_pass_by_value, reason = "it is what a request came to, for `map_err`")]
pub(crate) fn failed<E>(
    error: SdkError<E, HttpResponse>,
    operation: &Operation,
    object: impl Display,
) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    explain(&error, operation).during(operation.verb).on(object)
}

fn explain<E>(error: &SdkError<E, HttpResponse>, operation: &Operation) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let cause = || Cause(shown(&chain(error)));
    let lost = |kind: ErrorKind, what: &str| match operation.twice {
        Twice::Differs => Error::new(ErrorKind::OutcomeUnknown, format!("{what}: it may have taken effect")),
        Twice::Same => Error::new(kind, what),
    };
    match error {
        SdkError::ServiceError(refused) => {
            let raw = refused.raw();
            let header = |name: &str| raw.headers().get(name);
            let body = raw.body().bytes().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or_default();
            let refusal = Refusal {
                status: raw.status().as_u16(),
                code: refused.err().code().unwrap_or_default(),
                message: refused.err().message().unwrap_or_default(),
                region: header("x-amz-bucket-region").or_else(|| element(body, "Region")),
                retry_after: header("retry-after")
                    .and_then(|after| after.parse().ok())
                    .map(Duration::from_secs),
            };
            refusal::explain(&refusal, operation)
        }
        SdkError::TimeoutError(_) => lost(ErrorKind::Timeout, "AWS did not answer in time").source(cause()),
        SdkError::DispatchFailure(failure) => {
            if let Some(error) = credentials(error) {
                return error;
            }
            let never_sent = never_sent(error);
            let broke = failure.is_io() || causes(error).any(|cause| cause.to_string().contains(SENT));
            let error = match (never_sent, failure.is_timeout(), broke) {
                (true, true, _) => Error::new(ErrorKind::Timeout, "AWS cannot be reached in time"),
                (true, ..) => Error::new(ErrorKind::Unavailable, "AWS cannot be reached"),
                (false, true, _) => lost(ErrorKind::Timeout, "AWS did not answer in time"),
                (false, false, true) => lost(ErrorKind::Unavailable, "the connection to AWS broke"),
                (false, false, false) => {
                    return Error::new(ErrorKind::Internal, "no request to AWS could be made")
                        .source(cause());
                }
            };
            error.source(cause())
        }
        SdkError::ResponseError(_) => {
            lost(ErrorKind::Internal, "AWS answered with what is not an answer").source(cause())
        }
        _ => credentials(error)
            .unwrap_or_else(|| Error::invalid("no request to AWS could be made of it").source(cause())),
    }
}

/// What became of an answer that began well.
pub(super) fn cut_off(error: &(dyn StdError + 'static)) -> Error {
    Error::new(ErrorKind::Unavailable, "the connection to AWS broke").source(Cause(shown(&chain(error))))
}

/// The text of a cause, masked: the SDK's own errors carry whole answers.
#[derive(Debug)]
struct Cause(String);

impl Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whether no connection was made, so that nothing was sent.
fn never_sent(error: &(dyn StdError + 'static)) -> bool {
    let kinds = [
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::HostUnreachable,
        io::ErrorKind::NetworkUnreachable,
        io::ErrorKind::AddrNotAvailable,
    ];
    causes(error).any(|cause| {
        let text = cause.to_string();
        cause.downcast_ref::<io::Error>().is_some_and(|cause| kinds.contains(&cause.kind()))
            || text.contains(NOT_CONNECTED)
            || text.contains("HTTP connect timeout")
    })
}

/// What is wrong with the credentials, if it is that.
fn credentials(error: &(dyn StdError + 'static)) -> Option<Error> {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let help = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile, run aws sso login, \
                or give the machine a role";
    let error = match cause {
        CredentialsError::CredentialsNotLoaded(_) => Error::new(
            ErrorKind::Unauthorized,
            "there are no credentials for AWS: none are in the environment, in the profile, with a web identity, \
             or from the container's or the instance's role",
        ),
        CredentialsError::ProviderTimedOut(_) => {
            Error::new(ErrorKind::Timeout, "the source of credentials for AWS did not answer in time")
        }
        CredentialsError::InvalidConfiguration(_) => {
            Error::new(ErrorKind::InvalidInput, "the configuration of credentials for AWS is wrong")
        }
        _ => Error::new(ErrorKind::Unauthorized, "the source of credentials for AWS failed"),
    };
    Some(error.help(help).source(Cause(shown(&chain(cause)))))
}

/// The text of the first element of this name in an error of S3.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}
