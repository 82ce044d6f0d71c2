//! Secrets in files: their contract, their line ends, and what is refused.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use async_trait::async_trait;
use deploy_config::{FileSecrets, MAX_SECRET_BYTES};
use deploy_core::error::{ErrorKind, Result};
use deploy_core::secret::{SecretSource, SecretText};
use tempfile::TempDir;

/// Secrets in a folder that goes with them.
struct Secrets(FileSecrets, TempDir);

impl Secrets {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self(FileSecrets::new(folder.path()), folder)
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        fs::write(self.1.path().join(name), bytes).unwrap();
        self
    }
}

#[async_trait]
impl SecretSource for Secrets {
    fn describe(&self) -> String {
        self.0.describe()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        self.0.get(name).await
    }
}

mod conformance {
    use super::*;

    deploy_core::secret_source_conformance! {
        #[tokio::test]
        || async { Secrets::new().with("db-password", "correct horse\n").with("empty", "") }
    }
}

#[tokio::test]
async fn one_line_end_is_the_files() {
    let check = async |bytes: &str, expect: &str| {
        let secrets = Secrets::new().with("a", bytes);
        assert_eq!(secrets.get("a").await.unwrap().reveal(), expect, "{bytes:?}");
    };
    check("x", "x").await;
    check("x\n", "x").await;
    check("x\r\n", "x").await;
    check("x\n\n", "x\n").await;
    check("\n", "").await;
    check(" x ", " x ").await;
    check("x\r", "x\r").await;
    check("a\nb\n", "a\nb").await;
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused() {
    let refused = async |secrets: &Secrets, name: &str, kind: ErrorKind, text: &str| {
        let error = secrets.get(name).await.expect_err(text);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text) && !error.to_string().contains("hunter2"), "{error}");
    };
    let invalid = ErrorKind::InvalidInput;
    let secrets = Secrets::new().with("bytes", b"hunter2\xff").with("open", "hunter2");
    for name in ["../a", "/etc/passwd", "a/b", "..", ".", "", "a\0b"] {
        refused(&secrets, name, invalid, "cannot be a key").await;
    }
    refused(&secrets, "bytes", invalid, "secret \"bytes\": it is not UTF-8").await;
    let open = secrets.1.path().join("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o646)).unwrap();
    refused(&secrets, "open", invalid, "chmod o-w").await;
    fs::create_dir(secrets.1.path().join("folder")).unwrap();
    refused(&secrets, "folder", invalid, "it is not a file").await;
    let limit = usize::try_from(MAX_SECRET_BYTES).unwrap();
    let large = Secrets::new().with("fits", vec![b'x'; limit]).with("large", vec![b'x'; limit + 1]);
    assert_eq!(large.get("fits").await.unwrap().reveal().len(), limit);
    refused(&large, "large", invalid, "over the limit of 1048576 bytes").await;
}

#[tokio::test]
async fn kubernetes_mounts_links() {
    let secrets = Secrets::new();
    let folder = secrets.1.path();
    fs::create_dir(folder.join("..2026")).unwrap();
    fs::write(folder.join("..2026/db-password"), "correct horse").unwrap();
    symlink("..2026", folder.join("..data")).unwrap();
    symlink("..data/db-password", folder.join("db-password")).unwrap();
    assert_eq!(secrets.get("db-password").await.unwrap().reveal(), "correct horse");
}
