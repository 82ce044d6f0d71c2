//! Public keys.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, Result};
use deploy_core::image::Digest;
use ring::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey,
};

use crate::der::{BIT_STRING, Der, INTEGER, OBJECT_ID, SEQUENCE};

/// The most bytes of a file with a key.
const MAX_BYTES: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN ";
const PUBLIC: &str = "PUBLIC KEY";

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A public key, as `cosign generate-key-pair` writes it to `cosign.pub`: ECDSA on P-256 or P-384, or RSA of 2048 to 8192 bits.
///
/// `Display` is its name and the start of its fingerprint, the SHA-256 of the key in DER.
///
/// ```
/// use deploy_verify::cosign::PublicKey;
///
/// let key = PublicKey::read("cosign.pub", b"-----BEGIN PUBLIC KEY-----
/// MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwcEy7I0fb/r/jf/NTraQSjDRoSu2
/// 7oROh5meBlr5xyUpclWwOBzouWWJoZaYGLIGZxeeH2d+XeOhWG7sl7hDHw==
/// -----END PUBLIC KEY-----
/// ")?;
/// assert!(key.to_string().starts_with("cosign.pub (sha256:"));
/// assert!(PublicKey::read("cosign.key", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----").is_err());
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    fingerprint: Digest,
    algorithm: Algorithm,
    /// As `ring` takes it.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    P256,
    P384,
    Rsa,
}

impl PublicKey {
    /// Reads a key in PEM, `name` being what answers call it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput), which never quotes the text: it may be a private key.
    pub fn read(name: &str, pem: &[u8]) -> Result<Self> {
        let error = |error: Error| error.during("read key").on(name);
        let der = der(pem).map_err(error)?;
        let (algorithm, bytes) = parse(&der).map_err(error)?;
        Ok(Self { name: name.to_owned(), fingerprint: Digest::sha256(&der), algorithm, bytes })
    }

    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the key in DER: what `openssl pkey -pubin -outform DER | sha256sum` prints.
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// Whether it signed this.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithms: &[&'static dyn signature::VerificationAlgorithm] = match self.algorithm {
            Algorithm::P256 => &[&ECDSA_P256_SHA256_ASN1],
            // Older releases of cosign took SHA-256 for every key.
            Algorithm::P384 => &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1],
            Algorithm::Rsa => &[&RSA_PKCS1_2048_8192_SHA256],
        };
        algorithms.iter().any(|algorithm| {
            UnparsedPublicKey::new(*algorithm, &self.bytes).verify(message, signature).is_ok()
        })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.fingerprint.hex().get(..12).unwrap_or_default();
        write!(f, "{} (sha256:{start})", self.name)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.algorithm)
    }
}

fn der(pem: &[u8]) -> Result<Vec<u8>> {
    let what = "a public key in PEM begins with -----BEGIN PUBLIC KEY-----";
    let refuse = |problem: &str| Error::invalid(problem).help(what);
    if pem.len() > MAX_BYTES {
        return Err(refuse("it is too large for a key"));
    }
    let text = std::str::from_utf8(pem).map_err(|_| refuse("it is no text"))?;
    let (_, rest) = text.split_once(BEGIN).ok_or_else(|| refuse("there is no key in it"))?;
    let (label, rest) = rest.split_once("-----").ok_or_else(|| refuse("there is no key in it"))?;
    if label.contains("PRIVATE") {
        return Err(refuse("it is a private key, which belongs to whoever signs alone"));
    }
    if label != PUBLIC {
        return Err(refuse("what is in it is no public key").help(
            "a key of another form becomes one by: openssl pkey -pubin -in FILE -pubout; a certificate's by: openssl x509 -pubkey -noout -in FILE",
        ));
    }
    let (body, rest) =
        rest.split_once("-----END PUBLIC KEY-----").ok_or_else(|| refuse("the key has no end"))?;
    // Which of two would count?
    if rest.contains(BEGIN) {
        return Err(refuse("there is more than one key in it").help("read each from a file of its own"));
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| refuse("the key is not base64"))
}

/// A `SubjectPublicKeyInfo` of RFC 5280.
fn parse(der: &[u8]) -> Result<(Algorithm, Vec<u8>)> {
    let malformed = || Error::invalid("the key is malformed");
    let unsupported = |kind: &str| {
        Error::invalid(format!("{kind} is not supported")).help(
            "use ECDSA on P-256 (cosign generate-key-pair makes it) or P-384, or RSA of 2048 to 8192 bits",
        )
    };
    let mut whole = Der(der);
    let mut key = Der(whole.next(SEQUENCE).ok_or_else(malformed)?);
    let mut algorithm = Der(key.next(SEQUENCE).ok_or_else(malformed)?);
    // The first byte counts the bits that the last one has too many.
    let Some([0, bytes @ ..]) = key.next(BIT_STRING) else { return Err(malformed()) };
    if !whole.is_empty() || !key.is_empty() {
        return Err(malformed());
    }
    let id = algorithm.next(OBJECT_ID).ok_or_else(malformed)?;
    let algorithm = match id {
        RSA => match modulus_bits(bytes).ok_or_else(malformed)? {
            2048..=8192 => Algorithm::Rsa,
            bits => return Err(unsupported(&format!("RSA of {bits} bits"))),
        },
        EC => {
            let (algorithm, length) = match algorithm.next(OBJECT_ID).ok_or_else(malformed)? {
                P256 => (Algorithm::P256, 65),
                P384 => (Algorithm::P384, 97),
                _ => return Err(unsupported("this elliptic curve")),
            };
            if bytes.len() != length || bytes.first() != Some(&4) {
                return Err(unsupported("a compressed or odd point"));
            }
            algorithm
        }
        ED25519 => return Err(unsupported("Ed25519, which cosign signs with as Ed25519ph,")),
        _ => return Err(unsupported("this kind of key")),
    };
    Ok((algorithm, bytes.to_vec()))
}

/// Of an `RSAPublicKey` of RFC 8017.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let mut numbers = Der(Der(key).next(SEQUENCE)?);
    let modulus = numbers.next(INTEGER)?;
    numbers.next(INTEGER)?;
    let digits = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let first = digits.first()?;
    Some(digits.len() * 8 - first.leading_zeros() as usize)
}
