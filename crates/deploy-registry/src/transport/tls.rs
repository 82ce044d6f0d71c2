//! The HTTP clients: rustls on ring, with the platform's certificate authorities, as the Kubernetes client has them.

use std::sync::Arc;

use deploy_core::error::{Error, ErrorKind, Result};
use reqwest::{Client, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// One client goes through the proxies that the environment names, the other, for loopback, never does.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) outside: Client,
    pub(super) loopback: Client,
}

pub(super) fn clients(authorities: &[Vec<u8>], user_agent: &str) -> Result<Clients> {
    let tls = config(authorities)?;
    let builder = || {
        Client::builder()
            .tls_backend_preconfigured(tls.clone())
            // A redirect decides where secrets go: it is followed by hand.
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(user_agent)
    };
    let built = |client: reqwest::Result<Client>| {
        client.map_err(|source| Error::invalid("the HTTP client cannot be set up").source(source))
    };
    Ok(Clients { outside: built(builder().build())?, loopback: built(builder().no_proxy().build())? })
}

fn config(authorities: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut extra = Vec::new();
    for pem in authorities {
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            extra.push(certificate.map_err(|source| {
                Error::invalid("a certificate authority is not PEM").source(source.to_string())
            })?);
        }
        if extra.len() == before {
            return Err(Error::invalid("a certificate authority is not PEM: it holds no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::new(ErrorKind::Internal, "TLS cannot be set up").source(source))?;
    let Ok(verifier) = Verifier::new_with_extra_roots(extra.clone(), provider) else {
        // A machine without certificate authorities can still ask registries in plain HTTP, or with those that are given.
        let mut roots = RootCertStore::empty();
        for certificate in extra {
            roots
                .add(certificate)
                .map_err(|source| Error::invalid("a certificate authority cannot be used").source(source))?;
        }
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
