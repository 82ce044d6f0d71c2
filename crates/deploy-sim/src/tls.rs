//! The certificate that the API server shows: of an authority made for it, both anew at each start.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::host::Host;

/// What one port encrypts with.
pub(crate) struct Certified {
    pub(crate) acceptor: TlsAcceptor,
    /// Of the authority, as PEM: what a client is to trust.
    pub(crate) authority: String,
}

/// Makes an authority, and by it a certificate for this machine's loopback names, for `address` and for `hosts`.
///
/// # Errors
/// The system has no randomness.
pub(crate) fn certify(address: IpAddr, hosts: &[Host]) -> io::Result<Certified> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    authority.distinguished_name.push(DnType::CommonName, "deploy-sim authority");
    let authority_key = KeyPair::generate().map_err(io::Error::other)?;
    let shown = authority.self_signed(&authority_key).map_err(io::Error::other)?;
    let mut server = CertificateParams::default();
    let own = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(str::to_owned);
    let given = hosts.iter().filter(|host| host.ip().is_none()).map(Host::to_string);
    for name in own.into_iter().chain(given) {
        server.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(io::Error::other)?));
    }
    let own = [address, IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    for address in own.into_iter().chain(hosts.iter().filter_map(Host::ip)) {
        server.subject_alt_names.push(SanType::IpAddress(address));
    }
    server.distinguished_name.push(DnType::CommonName, "deploy-sim");
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let issuer = Issuer::from_params(&authority, &authority_key);
    let certificate = server.signed_by(&key, &issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
        })
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certified { acceptor: TlsAcceptor::from(Arc::new(config)), authority: shown.pem() })
}

/// A token that nobody guesses.
///
/// # Errors
/// The system has no randomness.
pub(crate) fn token() -> io::Result<String> {
    let CryptoProvider { secure_random, .. } = ring::default_provider();
    let mut bytes = [0; 24];
    secure_random.fill(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
