//! Why nothing came back.

use std::error::Error as StdError;
use std::io;

use deploy_core::error::{Error, ErrorKind, Retry};
use rustls::{CertificateError, Error as Tls, InvalidMessage};

/// A failed request as an error. Its URL is left out: it may hold a secret.
pub(super) fn explain(source: reqwest::Error, host: &str) -> Error {
    let source = source.without_url();
    if let Some(tls) = find::<Tls>(&source) {
        return explain_tls(tls, host).source(source.to_string());
    }
    let unavailable = |message: String| Error::new(ErrorKind::Unavailable, message);
    let error = match find::<io::Error>(&source).map(io::Error::kind) {
        _ if found_in_chain(&source, |text| text.starts_with("dns error")) => {
            unavailable(format!("the name of {host} cannot be looked up"))
                .help("check the host in the URL, and the machine's DNS")
        }
        Some(io::ErrorKind::ConnectionRefused) => unavailable(format!("{host} refuses connections"))
            .help("does something listen there, and is the port right?"),
        _ if source.is_connect() => unavailable(format!("{host} cannot be reached")),
        _ if source.is_builder() => Error::invalid(format!("{host} cannot be asked so")),
        _ if found_in_chain(&source, |text| text.contains("message head is too large")) => {
            Error::new(ErrorKind::Internal, format!("{host} answered with headers larger than allowed"))
        }
        _ if found_in_chain(&source, |text| text.starts_with("invalid HTTP")) => {
            Error::new(ErrorKind::Internal, format!("{host} answered with what is not HTTP"))
        }
        _ => unavailable(format!("the connection to {host} broke off")),
    };
    error.source(source)
}

fn explain_tls(tls: &Tls, host: &str) -> Error {
    let refused = |message: String| Error::new(ErrorKind::Unavailable, message).with_retry(Retry::Never);
    match tls {
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => {
            refused(format!("{host} shows a certificate from an authority that is not trusted here"))
                .help("give the check that authority")
        }
        Tls::InvalidCertificate(why) => {
            refused(format!("{host} shows a certificate that is not valid: {why}"))
        }
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            refused(format!("{host} does not speak TLS: it may speak plain HTTP"))
        }
        other => Error::new(ErrorKind::Unavailable, format!("no encrypted connection to {host}: {other}")),
    }
}

/// The first `E` in the chain of causes. An `io::Error` hides what it wraps from `source`.
fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
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
