//! S3 and Parameter Store in this process.

use std::path::Path;
use std::sync::{Arc, Mutex};

use deploy_core::secret::SecretText;
use deploy_ssm::aws::{Aws, AwsBuilder, Credentials};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::Service;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::emulator::Parameters;
use crate::server::{Handler, Server};

pub const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// With credentials, for endpoints that are to be given.
pub fn builder() -> AwsBuilder {
    let credentials = Credentials::new(KEY_ID, SecretText::new(SECRET));
    Aws::builder().region("eu-central-1").credentials(credentials).path_style(true)
}

/// S3 in a folder, one request at a time: a condition and its write are two steps there.
struct S3 {
    service: S3Service,
    one: tokio::sync::Mutex<()>,
    /// Whether `If-Match` is ignored, as by a store that does not know it.
    ignores_if_match: bool,
}

impl Handler for S3 {
    fn name(&self, request: &Request<Incoming>) -> String {
        request.method().to_string()
    }

    async fn handle(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let _one = self.one.lock().await;
        if self.ignores_if_match {
            // It is signed: without its signature it is nobody's, whom this store lets in.
            request.headers_mut().remove("if-match");
            request.headers_mut().remove("authorization");
        }
        let answer = Service::call(&self.service, request).await.unwrap();
        let (head, body) = answer.into_parts();
        Response::from_parts(head, Full::from(body.collect().await.unwrap().to_bytes()))
    }
}

/// S3, with a bucket called `shop`.
pub struct Storage {
    pub server: Server,
    pub aws: Aws,
    pub folder: TempDir,
}

impl Storage {
    pub async fn start() -> Self {
        Self::with(false, |builder| builder).await
    }

    pub async fn with(ignores_if_match: bool, options: impl FnOnce(AwsBuilder) -> AwsBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("shop")).unwrap();
        let mut service = S3ServiceBuilder::new(files(folder.path()));
        if !ignores_if_match {
            service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        }
        let handler = S3 { service: service.build(), one: tokio::sync::Mutex::default(), ignores_if_match };
        let server = Server::start(handler).await;
        let aws = options(builder().s3_endpoint(server.url())).build().unwrap();
        Self { server, aws, folder }
    }
}

pub fn files(root: &Path) -> s3s_fs::FileSystem {
    s3s_fs::FileSystem::new(root).unwrap()
}

struct Ssm(Arc<Mutex<Parameters>>);

impl Handler for Ssm {
    fn name(&self, request: &Request<Incoming>) -> String {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        target.unwrap_or_default().trim_start_matches("AmazonSSM.").to_owned()
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let operation = self.name(&request);
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let answer = self.0.lock().unwrap().answer(&operation, &body);
        let (status, answer) = match answer {
            Ok(answer) => (200, answer),
            Err((kind, message)) => (400, json!({"__type": kind, "message": message})),
        };
        let response =
            Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
        response.body(Full::from(answer.to_string())).unwrap()
    }
}

/// Parameter Store.
pub struct Store {
    pub server: Server,
    pub aws: Aws,
    pub parameters: Arc<Mutex<Parameters>>,
}

impl Store {
    pub async fn start() -> Self {
        let parameters = Arc::new(Mutex::new(Parameters::new()));
        let server = Server::start(Ssm(Arc::clone(&parameters))).await;
        let aws = builder().ssm_endpoint(server.url()).tries(1).build().unwrap();
        Self { server, aws, parameters }
    }

    /// Does it as somebody else does.
    pub fn answer(&self, operation: &str, body: &Value) -> Value {
        self.parameters.lock().unwrap().answer(operation, body).unwrap()
    }

    pub fn put_by_hand(&self, name: &str, value: &str) {
        let body = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        self.answer("PutParameter", &body);
    }
}
