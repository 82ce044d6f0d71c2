//! Who is trusted: the platform's certificate authorities, as the registries' client has them, and those that are given.

use std::sync::Arc;

use deploy_core::error::{Error, ErrorKind, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::Encryption;

impl Encryption {
    pub(super) fn config(&self) -> Result<ClientConfig> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = if self.accepts_anything { anything()? } else { trusting(&self.authorities)? };
        Ok(self.config.get_or_init(|| config).clone())
    }
}

/// For what is not encrypted: nobody is trusted.
pub(super) fn nobody() -> Result<ClientConfig> {
    Ok(builder()?.1.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Refuses what is no certificate.
pub(super) fn read(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Error::invalid("a certificate authority is not PEM: it holds no certificate")),
        Err(source) => Err(Error::invalid("a certificate authority is not PEM").source(source.to_string())),
    }
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<(Arc<CryptoProvider>, Builder)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::new(ErrorKind::Internal, "TLS cannot be set up").source(source))?;
    Ok((provider, builder))
}

fn trusting(authorities: &[Vec<u8>]) -> Result<ClientConfig> {
    let (provider, builder) = builder()?;
    let mut extra = Vec::new();
    for pem in authorities {
        extra.extend(read(pem)?);
    }
    let Ok(verifier) = Verifier::new_with_extra_roots(extra.clone(), provider) else {
        // A machine without certificate authorities can still ask those whose own is given.
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

fn anything() -> Result<ClientConfig> {
    let (provider, builder) = builder()?;
    let verifier = Arc::new(Anything(provider));
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes every certificate, but not every signature: who shows one must have its key.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, supported)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
