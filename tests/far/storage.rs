//! S3 in this process.

use deploy_core::secret::SecretText;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::Service;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;

use crate::server::{Handler, Server};
use deploy_ssm::aws::Credentials;

pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The bucket that is there.
pub(crate) const BUCKET: &str = "deployments";

/// S3 in a folder, which checks signatures and when they end.
pub(crate) struct Storage {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

struct S3(S3Service);

impl Handler for S3 {
    fn name(&self, request: &Request<Incoming>) -> String {
        format!("{} {}", request.method(), request.uri().path().rsplit('/').next().unwrap_or_default())
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let answer = Service::call(&self.0, request).await.unwrap();
        let (head, body) = answer.into_parts();
        Response::from_parts(head, Full::from(body.collect().await.unwrap().to_bytes()))
    }
}

impl Storage {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let server = Server::start(S3(service.build())).await;
        Self { server, folder }
    }

    pub(crate) fn credentials() -> Credentials {
        Credentials::new(KEY_ID, SecretText::new(SECRET))
    }

    /// Puts an object into the bucket that is there.
    pub(crate) fn put(&self, key: &str) {
        let path = self.folder.path().join(BUCKET).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }

    /// The buckets' names.
    pub(crate) fn buckets(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// All objects, as paths below the folder; what the store keeps for itself left out.
    pub(crate) fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.starts_with('.') {
                    found.push(path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }
}
