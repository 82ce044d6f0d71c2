//! Why there was no answer, in words that help.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use rustls::{CertificateError, Error as Tls, InvalidMessage};

/// What `host` does, within `patience`.
pub(super) async fn within<T>(
    patience: Duration,
    host: &str,
    asked: impl Future<Output = reqwest::Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(patience, asked).await {
        Ok(answered) => answered.map_err(|source| explain(source, host)),
        Err(_) => Err(timeout(host, patience)),
    }
}

pub(super) fn timeout(host: &str, patience: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{host} did not answer within {} s", patience.as_secs_f64()))
}

/// Whether it was what a payload's own stream met that ended the request.
pub(super) fn is_own(source: &reqwest::Error) -> bool {
    find::<Error>(source).is_some()
}

/// A failed request as an error. Its URL is left out: it may be signed.
pub(super) fn explain(source: reqwest::Error, host: &str) -> Error {
    let source = source.without_url();
    // What a payload's own stream met is told as it is.
    if let Some(own) = find::<Error>(&source) {
        return Error::new(own.kind(), own.message()).with_retry(own.retry());
    }
    if let Some(tls) = find::<Tls>(&source) {
        return explain_tls(tls, host).source(source);
    }
    let error = match find::<io::Error>(&source).map(io::Error::kind) {
        _ if said(&source, "dns error") => unknown_name(&source, host),
        Some(io::ErrorKind::ConnectionRefused) => {
            Error::new(ErrorKind::Unavailable, format!("{host} refuses connections"))
                .help("is the registry running, and is the port right?")
        }
        _ if source.is_timeout() => Error::new(ErrorKind::Timeout, format!("{host} did not answer in time")),
        _ if source.is_connect() => Error::new(ErrorKind::Unavailable, format!("{host} cannot be reached")),
        _ if source.is_builder() => Error::invalid(format!("{host} cannot be asked so")),
        _ => Error::new(ErrorKind::Unavailable, format!("the connection to {host} broke off")),
    };
    error.source(source)
}

/// A name that does not exist is a typing mistake, and not waited for; a name server that cannot answer now is.
fn unknown_name(source: &(dyn StdError + 'static), host: &str) -> Error {
    let help = "check the host in the reference, and the machine's DNS";
    // What the C libraries say to EAI_NONAME: the resolver's codes do not come through.
    let absent = ["name or service not known", "name does not resolve", "nodename nor servname provided"];
    if absent.iter().any(|words| found_in_chain(source, |text| text.to_ascii_lowercase().contains(words))) {
        let error = Error::new(ErrorKind::Unavailable, format!("there is no host {host}"));
        return error.with_retry(never()).help(help);
    }
    Error::new(ErrorKind::Unavailable, format!("the name of {host} cannot be looked up")).help(help)
}

fn explain_tls(tls: &Tls, host: &str) -> Error {
    let refused = |message: String| Error::new(ErrorKind::Unavailable, message).with_retry(never());
    match tls {
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => {
            refused(format!("{host} shows a certificate from an authority that is not trusted here"))
                .help("give the registry's certificate authority")
        }
        Tls::InvalidCertificate(why) => {
            refused(format!("{host} shows a certificate that is not valid: {why}"))
        }
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            refused(format!("{host} does not speak TLS: it may speak plain HTTP"))
                .help("if nobody can listen in between, allow plain HTTP for this host")
        }
        other => Error::new(ErrorKind::Unavailable, format!("no encrypted connection to {host}: {other}")),
    }
}

fn never() -> deploy_core::error::Retry {
    deploy_core::error::Retry::Never
}

/// The first `E` in the chain of causes. An `io::Error` hides what it wraps from `source`.
fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(wrapped) = wrapped {
            next = Some(wrapped);
            continue;
        }
        next = error.source();
    }
    None
}

fn said(error: &(dyn StdError + 'static), words: &str) -> bool {
    found_in_chain(error, |text| text.starts_with(words))
}

/// Whether one of the causes is told so.
fn found_in_chain(error: &(dyn StdError + 'static), is_it: impl Fn(&str) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if is_it(&error.to_string()) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::error::Retry;

    #[test]
    fn a_name_that_does_not_exist_is_not_waited_for() {
        let check = |text: &str, expect: &str, retry: Retry| {
            let source = io::Error::other(format!("failed to lookup address information: {text}"));
            let error = unknown_name(&source, "registry.lan:5000");
            assert_eq!((error.message(), error.retry()), (expect, retry), "{text}");
            // Never "not found": that would say something of an image.
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        };
        let absent = "there is no host registry.lan:5000";
        check("Name or service not known", absent, Retry::Never);
        check("Name does not resolve", absent, Retry::Never);
        check("nodename nor servname provided, or not known", absent, Retry::Never);
        let later = Retry::Later { after: None };
        check(
            "Temporary failure in name resolution",
            "the name of registry.lan:5000 cannot be looked up",
            later,
        );
    }
}
