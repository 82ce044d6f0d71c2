use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn refusal(pem: &str) -> String {
    PublicKey::read("k.pub", pem.as_bytes()).unwrap_err().to_string()
}

#[test]
fn reads_the_keys_that_cosign_makes() {
    for name in ["p256", "other", "p384", "rsa"] {
        assert!(key(name).to_string().starts_with(&format!("{name} (sha256:")));
    }
    assert_ne!(key("p256"), key("other"));
    // Windows' line ends, and text around it.
    let text = String::from_utf8(data("p256.pub")).unwrap();
    let odd = format!("the key of CI\n{}\nthat was it", text.replace('\n', "\r\n"));
    assert_eq!(PublicKey::read("p256", odd.as_bytes()).unwrap(), key("p256"));
}

#[test]
fn refuses_what_it_cannot_verify_by() {
    let check = |pem: &str, expect: &str| {
        let refusal = refusal(pem);
        assert!(refusal.starts_with(&format!("read key k.pub: {expect}")), "{refusal}");
    };
    let read = |name: &str| String::from_utf8(data(name)).unwrap();
    let pem = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    check(
        &read("ed25519.pub"),
        "Ed25519, which cosign signs with as Ed25519ph, is not supported (use ECDSA on P-256",
    );
    check(&read("p521.pub"), "this elliptic curve is not supported");
    check("", "there is no key in it (a public key in PEM begins with -----BEGIN PUBLIC KEY-----)");
    check(
        &pem("CERTIFICATE", "AAAA"),
        "what is in it is no public key (a key of another form becomes one by: openssl",
    );
    check(&pem("PUBLIC KEY", "!"), "the key is not base64");
    check(&pem("PUBLIC KEY", "AAAA"), "the key is malformed");
    check(&pem("PUBLIC KEY", ""), "the key is malformed");
    check("-----BEGIN PUBLIC KEY-----\nAAAA", "the key has no end");
    check(&format!("{}{}", read("p256.pub"), read("other.pub")), "there is more than one key in it");
    check(&"x".repeat(70_000), "it is too large for a key");
    let private = pem("ENCRYPTED SIGSTORE PRIVATE KEY", "aHVudGVyMg==");
    check(&private, "it is a private key, which belongs to whoever signs alone");
    assert!(!refusal(&private).contains("aHVudGVyMg"));
}

#[test]
fn refuses_weak_and_odd_keys() {
    let rsa = |bits: usize| {
        let modulus = [&[0][..], &[0x80], &vec![1; bits / 8 - 1]].concat();
        let number = |digits: &[u8]| value(0x02, digits);
        let key = value(0x30, &[number(&modulus), number(&[1, 0, 1])].concat());
        let id = value(
            0x30,
            &[value(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]), vec![5, 0]].concat(),
        );
        value(0x30, &[id, value(0x03, &[vec![0], key].concat())].concat())
    };
    let pem = |der: &[u8]| {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der))
    };
    let check = |der: &[u8], expect: &str| {
        let read = PublicKey::read("k.pub", pem(der).as_bytes()).map_err(|error| error.message().to_owned());
        assert_eq!(read.map_or_else(|error| error, |_| String::new()), expect);
    };
    check(&rsa(2048), "");
    check(&rsa(8192), "");
    check(&rsa(1024), "RSA of 1024 bits is not supported");
    check(&rsa(16384), "RSA of 16384 bits is not supported");
    let text = String::from_utf8(data("p256.pub")).unwrap();
    let whole =
        STANDARD.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    check(&whole, "");
    check(&[whole.clone(), vec![0]].concat(), "the key is malformed");
    check(&whole[..whole.len() - 1], "the key is malformed");
    let mut compressed = whole;
    compressed[26] = 2;
    check(&compressed, "a compressed or odd point is not supported");
}

fn value(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind, 0x82], &length[..], content].concat()
}
