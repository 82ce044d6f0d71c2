//! S3 without a network, so that its time can be the test's.

use std::fmt;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use deploy_ssm::Aws;
use http_body_util::BodyExt;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::stores::{KEY_ID, SECRET, files};

/// An AWS whose S3 is in a folder and answers within the caller's own task, with a bucket called `shop`.
pub fn start() -> (Aws, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    let mut service = S3ServiceBuilder::new(files(folder.path()));
    service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
    let within = Within(Arc::new(Mutex::new(service.build())));
    let connector = SharedHttpConnector::new(within);
    let credentials = Credentials::new(KEY_ID, SECRET, None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        // The name of a bucket stands in the path where the host is an address.
        .endpoint_url("http://127.0.0.1:1")
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    (Aws::from_sdk_config(&config).unwrap(), folder)
}

#[derive(Clone)]
struct Within(Arc<Mutex<S3Service>>);

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Within")
    }
}

impl HttpConnector for Within {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            // It is done to its end, though the caller goes away.
            let answer = tokio::spawn(answer(service, request)).await;
            answer.map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

async fn answer(service: Arc<Mutex<S3Service>>, request: HttpRequest) -> HttpResponse {
    let (mut head, body) = request.try_into_http1x().unwrap().into_parts();
    // As an HTTP client does; it is signed.
    let host = head.uri.authority().unwrap().as_str().parse().unwrap();
    head.headers.insert("host", host);
    let body = ByteStream::new(body).collect().await.unwrap().into_bytes();
    let request = http::Request::from_parts(head, s3s::Body::from(body));
    let one = service.lock().await;
    let (head, body) = one.call(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    http::Response::from_parts(head, SdkBody::from(body)).try_into().unwrap()
}
