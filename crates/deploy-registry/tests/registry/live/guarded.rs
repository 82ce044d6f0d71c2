//! The real one with a password, and with a certificate.

use deploy_core::error::ErrorKind;
use deploy_core::image::Reference;
use deploy_core::registry::Registry;
use deploy_registry::OciRegistry;
use deploy_registry::credentials::{Credential, GivenCredentials};

use super::server::{Guard, Server, run};

/// `htpasswd -B` is the one way that this registry reads.
fn password() -> (String, String, String) {
    let line = run("htpasswd", &["-nbB", "ci", "correct horse"]);
    ("ci".to_owned(), "correct horse".to_owned(), line)
}

#[tokio::test]
#[ignore = "needs docker-registry and htpasswd (apt-get install docker-registry apache2-utils)"]
async fn a_password_opens_it() {
    let server = Server::guarded(Guard { password: Some(password()), ..Guard::default() }).await;
    let digest = server.put_image("shop/api", "v1", "4f1c2d9").await;
    let image: Reference = server.at("shop/api:v1");
    let with = |password: &str| {
        let credentials = GivenCredentials::new(&server.host(), Credential::basic("ci", password));
        OciRegistry::builder().credentials(credentials).build().unwrap()
    };
    let registry = with("correct horse");
    assert_eq!(registry.resolve(&image).await.unwrap(), digest);
    assert_eq!(registry.stats().requests, 2);
    assert_eq!(registry.inspect(&image).await.unwrap().digest, digest);
    assert_eq!(registry.stats().requests, 4, "what it asks for is known");
    let wrong = with("wrong horse").resolve(&image).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unauthorized, "{wrong}");
    let none = OciRegistry::builder().build().unwrap().resolve(&image).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Unauthorized, "{none}");
}

#[tokio::test]
#[ignore = "needs docker-registry (apt-get install docker-registry)"]
async fn its_own_certificate_authority_is_trusted_once_it_is_given() {
    let signed =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = signed.cert.pem();
    let guard = Guard {
        certificate: Some((certificate.clone(), signed.signing_key.serialize_pem())),
        ..Guard::default()
    };
    let server = Server::guarded(guard).await;
    let digest = server.put_image("shop/api", "v1", "4f1c2d9").await;
    let image: Reference = server.at("shop/api:v1");
    let builder = || OciRegistry::builder().https(server.host());
    let trusting = builder().certificate_authority(certificate.clone()).build().unwrap();
    assert_eq!(trusting.resolve(&image).await.unwrap(), digest);
    let refused = builder().build().unwrap().resolve(&image).await.unwrap_err();
    assert!(
        refused.to_string().contains(
            "from an authority that is not trusted here (give the registry's certificate authority)"
        ),
        "{refused:?}"
    );
    let plain = OciRegistry::builder().build().unwrap().resolve(&image).await.unwrap_err();
    assert!(plain.to_string().contains("127.0.0.1"), "{plain:?}");
    let nonsense = OciRegistry::builder().certificate_authority("no PEM").build().unwrap_err();
    assert_eq!(nonsense.kind(), ErrorKind::InvalidInput);
}
