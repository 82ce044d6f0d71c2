//! One page of `DescribeInstances`: signed, sent, tried again where that helps.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use deploy_core::clock::{Clock, SystemClock};
use deploy_core::error::{Error, ErrorKind, Result, Retry};

use super::reply::{self, Page};
use crate::aws::operation::command::FIND_EC2;
use crate::aws::{Aws, failed};

/// Bytes of one answer that are read; a thousand instances take some 5 MB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How often a page is asked for at most.
const TRIES: u32 = 4;
/// The first wait between two tries; it doubles.
const WAIT: Duration = Duration::from_millis(200);

type Failed = SdkError<ErrorMetadata, HttpResponse>;

/// A way to EC2, for several pages. Its connections are its own: the SDK's HTTP client can be asked only by a whole client of the SDK.
pub(super) struct Asking<'a> {
    aws: &'a Aws,
    connector: Connector,
    url: String,
}

impl<'a> Asking<'a> {
    pub(super) fn new(aws: &'a Aws) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let url = aws.ec2_endpoint().map_or_else(|| endpoint(aws.region()), str::to_owned);
        Self { aws, connector, url }
    }

    /// Asks until there is an answer, or asking again is of no use. It reads only: a lost answer is asked for again.
    pub(super) async fn page(&self, form: &str) -> Result<Page> {
        let mut wait = WAIT;
        for _ in 1..TRIES {
            match self.once(form).await {
                Err(error) if matches!(error.retry(), Retry::Later { .. }) => {
                    let least =
                        if let Retry::Later { after: Some(after) } = error.retry() { after } else { wait };
                    tokio::time::sleep(least.mul_f64(1.0 + fastrand::f64())).await;
                    wait *= 2;
                }
                decided => return decided,
            }
        }
        self.once(form).await.map_err(|error| match error.retry() {
            Retry::Later { .. } => error.with_retry(Retry::Exhausted),
            _ => error,
        })
    }

    async fn once(&self, form: &str) -> Result<Page> {
        let explain = |error: Failed| failed(error, &FIND_EC2, "node");
        let request = self.signed(form).await?;
        self.aws.count(FIND_EC2.name);
        let exchange = async {
            let response = self.connector.call(request).await.map_err(Failed::dispatch_failure)?;
            body(response).await
        };
        let (response, body) = match tokio::time::timeout(self.aws.request_timeout(), exchange).await {
            Ok(answered) => answered.map_err(explain)?,
            Err(elapsed) => return Err(explain(Failed::timeout_error(elapsed))),
        };
        if !response.status().is_success() {
            let (code, message) = reply::refusal(&body);
            let said = ErrorMetadata::builder().code(code).message(message).build();
            return Err(explain(Failed::service_error(said, response)));
        }
        reply::page(&body).map_err(|error| error.during(FIND_EC2.verb).on("node"))
    }

    async fn signed(&self, form: &str) -> Result<HttpRequest> {
        let Some(provider) = self.aws.sdk().credentials_provider() else {
            return Err(Error::new(ErrorKind::Unauthorized, "no credentials for AWS are there")
                .during("find")
                .on("node"));
        };
        let credentials = provider.provide_credentials().await;
        let credentials =
            credentials.map_err(|error| failed(Failed::construction_failure(error), &FIND_EC2, "node"))?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.aws.region())
            .name("ec2")
            .time(self.now())
            .settings(SigningSettings::default())
            .build();
        let parameters = parameters.map_err(unsigned)?.into();
        let kind = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let signable = SignableRequest::new(
            "POST",
            &*self.url,
            std::iter::once(kind),
            SignableBody::Bytes(form.as_bytes()),
        );
        let (instructions, _) =
            sign(signable.map_err(unsigned)?, &parameters).map_err(unsigned)?.into_parts();
        let mut request = http::Request::post(&self.url)
            .header(kind.0, kind.1)
            .body(SdkBody::from(form))
            .map_err(unsigned)?;
        instructions.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(unsigned)
    }

    fn now(&self) -> SystemTime {
        match self.aws.sdk().time_source() {
            Some(source) => source.now(),
            None => {
                let millis = SystemClock::new().now().as_millis().unsigned_abs();
                SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
            }
        }
    }
}

/// Where AWS has EC2.
fn endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ec2.{region}.{suffix}/")
}

/// The answer without its body, and the body.
async fn body(mut response: HttpResponse) -> Result<(HttpResponse, Vec<u8>), Failed> {
    let mut stream = ByteStream::new(response.take_body());
    let mut all = Vec::new();
    loop {
        match stream.try_next().await {
            Ok(Some(part)) if all.len() + part.len() <= MAX_ANSWER => all.extend_from_slice(&part),
            Ok(Some(_)) => return Err(Failed::response_error("the answer is too long", response)),
            Ok(None) => return Ok((response, all)),
            Err(error) => return Err(Failed::response_error(error, response)),
        }
    }
}

fn unsigned(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "no request to EC2 could be made").during("find").on("node").source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_domain() {
        let check = |region, url| assert_eq!(endpoint(region), url);
        check("eu-central-1", "https://ec2.eu-central-1.amazonaws.com/");
        check("cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn/");
        check("us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com/");
    }
}
