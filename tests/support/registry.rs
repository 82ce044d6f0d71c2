//! The real docker-registry on a port of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use deploy_core::image::Digest;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A registry without images that anybody may read and write, which also deletes. It is gone when it is dropped.
pub struct Registry {
    /// Where it listens, as a reference begins: `127.0.0.1:PORT`.
    pub host: String,
    folder: PathBuf,
    /// Killed when it is dropped.
    _process: Child,
}

impl Registry {
    /// Starts the `docker-registry` of `DOCKER_REGISTRY`, or the one in the `PATH`.
    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the tools are")]
    pub async fn start() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("t-registry-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a directory");
        let storage =
            json!({"filesystem": {"rootdirectory": folder.join("data")}, "delete": {"enabled": true}});
        let config = json!({
            "version": 0.1,
            "log": {"level": "info"},
            "storage": storage,
            "http": {"addr": "127.0.0.1:0", "secret": "of a test"},
        });
        let file = folder.join("config.yml");
        // JSON is YAML.
        std::fs::write(&file, config.to_string()).expect("a file");
        let program = std::env::var("DOCKER_REGISTRY").unwrap_or_else(|_| "docker-registry".into());
        let mut process = Command::new(&program)
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program}: {error}: install Debian's docker-registry, or set DOCKER_REGISTRY")
            });
        let mut said = BufReader::new(process.stderr.take().expect("piped")).lines();
        let host = loop {
            let line = said.next_line().await.expect("text").expect("it listens before it ends");
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split(['"', ' ']).next().unwrap_or_default().to_owned();
            }
        };
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Self { host, folder, _process: process }
    }

    /// A folder with an OCI layout of one image for `linux/amd64` that was built from `revision`, called `v1` in there; and its digest.
    pub fn layout(&self, revision: &str) -> (PathBuf, Digest) {
        let folder = self.folder.join(format!("layout-{revision}"));
        let blob = |bytes: Vec<u8>, media_type: &str| {
            let digest = Digest::sha256(&bytes);
            write(&folder.join("blobs/sha256").join(digest.hex()), &bytes);
            json!({"mediaType": format!("application/vnd.oci.image.{media_type}"), "digest": digest, "size": bytes.len()})
        };
        let layer = blob(format!("content of {revision}").into_bytes(), "layer.v1.tar");
        let config = json!({
            "os": "linux",
            "architecture": "amd64",
            "created": "2026-11-21T08:00:00Z",
            "config": {"Labels": {"org.opencontainers.image.revision": revision}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        });
        let config = blob(config.to_string().into_bytes(), "config.v1+json");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [layer],
        });
        let mut manifest = blob(manifest.to_string().into_bytes(), "manifest.v1+json");
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
        let digest = manifest["digest"].as_str().and_then(|digest| digest.parse().ok()).expect("a digest");
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        write(&folder.join("index.json"), index.to_string().as_bytes());
        write(&folder.join("oci-layout"), br#"{"imageLayoutVersion": "1.0.0"}"#);
        (folder, digest)
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("it is in the layout")).expect("a directory");
    std::fs::write(path, bytes).expect("a file");
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
