//! Who is trusted.

use std::sync::Arc;

use deploy_verify::http::{HttpCheck, HttpCheckBuilder};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::server::{Reply, Server, path, reply};
use crate::told;

/// A certificate for `shop.example` by nobody else, until 2050.
fn certificate() -> (TlsAcceptor, String) {
    let mut asked = rcgen::CertificateParams::new(["shop.example".to_owned()]).unwrap();
    asked.not_after = rcgen::date_time_ymd(2050, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = asked.self_signed(&key).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate.pem())
}

fn shop(head: &str) -> Reply {
    match path(head) {
        "/plain" => reply(301, "location: http://shop.example/\r\n", ""),
        _ => reply(200, "", "Welcome"),
    }
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_name_the_host() {
    let (tls, authority) = certificate();
    let server = Server::encrypted(tls, shop).await;
    let check = async |url: &str, with: &dyn Fn(HttpCheckBuilder) -> HttpCheckBuilder, expect: &str| {
        let check = with(HttpCheck::get(url).connect_to(server.address)).build().unwrap();
        let answer = told(&check, "").await;
        assert!(answer.starts_with(expect), "{answer}");
    };
    let (home, trusted) =
        ("https://shop.example/", |check: HttpCheckBuilder| check.authority(authority.clone()));
    let unknown = "error: GET https://shop.example/: shop.example shows a certificate from an authority that is not trusted here";
    check(home, &|check| check, unknown).await;
    check(home, &trusted, "yes: GET https://shop.example/ answered 200 in N ms").await;
    let other = "error: GET https://other.example/: other.example shows a certificate that is not valid: ";
    check("https://other.example/", &trusted, other).await;
    check("https://other.example/", &|check| check.danger_accept_any_certificate(), "yes: ").await;
    check(home, &|check| trusted(check).expect_certificate_days(90), "yes: ").await;
    check(
        home,
        &|check| trusted(check).expect_certificate_days(1_000_000),
        "no: GET https://shop.example/ answered 200 in N ms: its certificate is valid for ",
    )
    .await;
    // Back to what anybody can read it does not go.
    let plain = "no: GET https://shop.example/plain answered 301 in N ms: it redirects to http://shop.example/, which is not encrypted";
    check("https://shop.example/plain", &|check| trusted(check).follow_redirects(3), plain).await;
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told_so() {
    // One that answers at once: the end of a head, which the other waits for, need not come in TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    });
    let check = HttpCheck::get("https://shop.example/")
        .connect_to(address)
        .danger_accept_any_certificate()
        .build()
        .unwrap();
    let expect = "error: GET https://shop.example/: shop.example does not speak TLS: it may speak plain HTTP";
    assert_eq!(told(&check, "").await, expect);
    drop(plain.await);
}
