//! Secrets made of values that show nowhere.

use super::*;
use crate::error::ErrorKind;
use crate::memory::MemorySecrets;
use crate::secret::SecretText;

fn text(text: &str) -> SecretText {
    SecretText::new(text)
}

#[test]
fn what_is_given_is_there() {
    let builder =
        SecretBuilder::new("db").namespace("shop").of_type("kubernetes.io/basic-auth").label("app", "api");
    let secret = builder.value("username", text("api")).value("password", text("hunter2")).build().unwrap();
    let expect = "{apiVersion: v1, kind: Secret, type: kubernetes.io/basic-auth, metadata: {name: db, namespace: shop, \
                  labels: {app: api}}, data: {username: YXBp, password: aHVudGVyMg==}}";
    assert_eq!(secret, good(expect)[0]);
}

#[test]
fn values_show_nowhere() {
    let builder = SecretBuilder::new("db").value("password", text("hunter2"));
    let shown = format!("{builder:?}");
    assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    let secret = builder.build().unwrap();
    let shown = format!("{secret:?} {}", redact(secret.value()));
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |builder: SecretBuilder, expect: &str| {
        let error = builder.build().expect_err("must be refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(expect) && !error.to_string().contains("hunter2"), "{error}");
    };
    check(SecretBuilder::new("db").value("a/b", text("hunter2")), "Secret db: \"a/b\" cannot be a key");
    check(SecretBuilder::new("").value("a", text("hunter2")), "metadata.name is empty");
    let large = "hunter2".repeat(MAX_DATA_BYTES / 7 + 1);
    check(SecretBuilder::new("db").value("a", text(&large)), "over the limit of 1048576");
    let half = "x".repeat(MAX_DATA_BYTES / 2 + 1);
    check(SecretBuilder::new("db").value("a", text(&half)).value("b", text(&half)), "split it");
    assert!(SecretBuilder::new("db").value("a", text(&half)).build().is_ok());
}

#[tokio::test]
async fn values_come_from_a_source() {
    let source = MemorySecrets::new([("shop-db", "hunter2"), ("empty", "")]);
    let builder =
        SecretBuilder::new("db").read(&source, [("password", "shop-db"), ("none", "empty")]).await.unwrap();
    let secret = builder.build().unwrap();
    assert_eq!(secret.get("/data/password").unwrap(), "aHVudGVyMg==");
    assert_eq!(secret.get("/data/none").unwrap(), "");
    let error =
        SecretBuilder::new("db").read(&source, [("password", "shop-dp")]).await.expect_err("no such secret");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "get Secret db, secret \"shop-dp\": no such secret");
}
