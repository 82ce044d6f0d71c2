//! A `docker-registry` of its own for one test.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use deploy_core::image::Digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The program, started on a free port of loopback with a folder of its own; killed when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    process: Option<Child>,
    /// How the tests push to it, past the client under test.
    pub http: reqwest::Client,
    pub scheme: &'static str,
    pub user: Option<(String, String)>,
}

/// What it is guarded by.
#[derive(Default)]
pub struct Guard {
    /// User, password, and the line of htpasswd for them.
    pub password: Option<(String, String, String)>,
    /// Certificate and key, in PEM.
    pub certificate: Option<(String, String)>,
}

#[expect(clippy::disallowed_methods, reason = "the tests' edge")]
fn program() -> PathBuf {
    std::env::var("DOCKER_REGISTRY").unwrap_or_else(|_| "docker-registry".to_owned()).into()
}

/// Runs a program that must be there, and hands back what it wrote.
#[expect(clippy::disallowed_methods, reason = "the one place that starts programs for tests")]
pub fn run(program: &str, arguments: &[&str]) -> String {
    let done =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

impl Server {
    pub async fn start() -> Self {
        Self::guarded(Guard::default()).await
    }

    pub async fn guarded(guard: Guard) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let place = folder.path().display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {place}/data}}, delete: {{enabled: true}}}}\n"
        );
        let mut roots = rustls::RootCertStore::empty();
        let tls = match &guard.certificate {
            Some((certificate, key)) => {
                std::fs::write(folder.path().join("certificate.pem"), certificate).unwrap();
                std::fs::write(folder.path().join("key.pem"), key).unwrap();
                roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
                format!(", tls: {{certificate: {place}/certificate.pem, key: {place}/key.pem}}")
            }
            None => String::new(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trusting =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let trusting = trusting.unwrap().with_root_certificates(roots).with_no_client_auth();
        let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(trusting);
        writeln!(config, "http: {{addr: \"{address}\"{tls}}}").unwrap();
        if let Some((_, _, line)) = &guard.password {
            std::fs::write(folder.path().join("htpasswd"), line).unwrap();
            writeln!(config, "auth: {{htpasswd: {{realm: test, path: {place}/htpasswd}}}}").unwrap();
        }
        std::fs::write(folder.path().join("config.yml"), config).unwrap();
        let scheme = if guard.certificate.is_some() { "https" } else { "http" };
        let user = guard.password.map(|(user, password, _)| (user, password));
        let mut server = Self { address, folder, process: None, http: http.build().unwrap(), scheme, user };
        server.up().await;
        server
    }

    /// Starts it, and returns once it answers.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts programs for tests")]
    pub async fn up(&mut self) {
        let program = program();
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let started = Command::new(&program)
            .arg("serve")
            .arg(self.folder.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.process = Some(started.unwrap_or_else(|error| panic!("{}: {error}", program.display())));
        for _ in 0..600 {
            if self.http.get(format!("{}://{}/v2/", self.scheme, self.address)).send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not answer: {}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    /// Kills it; what it holds stays.
    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn at<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, rest: &str) -> T {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    pub fn request(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, url);
        match &self.user {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    pub async fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        let url = format!("{}://{}/v2/{repository}/blobs/uploads/", self.scheme, self.address);
        let begun = self.request(reqwest::Method::POST, &url).send().await.unwrap();
        let location = begun.headers()["location"].to_str().unwrap().to_owned();
        let put = self.request(reqwest::Method::PUT, &format!("{location}&digest={digest}"));
        let put =
            put.header("content-type", "application/octet-stream").body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(put.status(), 201);
        digest
    }

    pub async fn put_manifest(&self, repository: &str, name: &str, manifest: &serde_json::Value) -> Digest {
        let bytes = manifest.to_string();
        let url = format!("{}://{}/v2/{repository}/manifests/{name}", self.scheme, self.address);
        let put =
            self.request(reqwest::Method::PUT, &url).header("content-type", MANIFEST).body(bytes.clone());
        let put = put.send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());
        Digest::sha256(bytes.as_bytes())
    }

    /// An image labelled with this revision.
    pub async fn put_image(&self, repository: &str, tag: &str, revision: &str) -> Digest {
        let labels = json!({"Labels": {"org.opencontainers.image.revision": revision}});
        let config = json!({"architecture": "amd64", "os": "linux", "config": labels, "rootfs": {"type": "layers", "diff_ids": []}});
        let config = config.to_string();
        let digest = self.put_blob(repository, config.as_bytes()).await;
        let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len()});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []});
        self.put_manifest(repository, tag, &manifest).await
    }

    /// Moves many tags to an image that is there, without asking the registry: as it keeps them on disk.
    pub fn tag_on_disk(&self, repository: &str, tags: impl Iterator<Item = String>, digest: &Digest) {
        let root = self
            .folder
            .path()
            .join("data/docker/registry/v2/repositories")
            .join(repository)
            .join("_manifests/tags");
        for tag in tags {
            let current = root.join(tag).join("current");
            std::fs::create_dir_all(&current).unwrap();
            std::fs::write(current.join("link"), digest.as_str()).unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}
