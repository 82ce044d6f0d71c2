//! What AWS's refusals, broken connections and missing credentials are told as, and that nothing secret is told.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
};
use deploy_core::config::{ConfigStore, Edit, Note};
use deploy_core::error::{Error, ErrorKind, Retry};
use deploy_core::secret::SecretText;
use deploy_ssm::ParameterStore;
use deploy_ssm::aws::{Aws, Bucket, Credentials, Temporary};
use serde_json::json;

use crate::server::{Fault, Nothing, Server};
use crate::stores::{KEY_ID, SECRET, builder};

const TOKEN: &str =
    "IQoJb3JpZ2luX2VjEJr//////////wEaDGV1LWNlbnRyYWwtMSJIMEYCIQDexampleTOKENexampleTOKEN1234567890";

/// The error of one request to S3 that is answered like this.
async fn s3(fault: Fault) -> Error {
    let server = Server::start(Nothing).await;
    server.next("", fault);
    let aws = builder().s3_endpoint(server.url()).tries(1).request_timeout(Duration::from_millis(500));
    let bucket = Bucket::new(&aws.build().unwrap(), "shop").unwrap();
    bucket.get("prod/package.tar.gz", 100, None).await.expect_err("it is refused")
}

async fn ssm(fault: Fault) -> Error {
    let server = Server::start(Nothing).await;
    server.next("", fault);
    let aws = builder().ssm_endpoint(server.url()).tries(1).request_timeout(Duration::from_millis(500));
    let store = ParameterStore::new(&aws.build().unwrap(), "/shop").unwrap();
    ConfigStore::get(&store, "tag").await.expect_err("it is refused")
}

fn xml(status: u16, code: &str, inner: &str) -> Fault {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code>{inner}<RequestId>4442587FB7D0A2F9</RequestId></Error>"
    );
    Fault::Answer(status, vec![("content-type", "application/xml".to_owned())], body)
}

fn body(status: u16, kind: &str, message: &str) -> Fault {
    let body = json!({"__type": format!("com.amazonaws.ssm#{kind}"), "message": message});
    Fault::Answer(status, vec![("content-type", "application/x-amz-json-1.1".to_owned())], body.to_string())
}

#[tokio::test]
async fn what_s3_refuses() {
    let check = async |fault: Fault, kind: ErrorKind, text: &str| {
        let error = s3(fault).await;
        assert_eq!(error.kind(), kind, "{error}");
        let expected = format!("get s3://shop/prod/package.tar.gz: {text}");
        assert!(error.to_string().starts_with(&expected), "{error}");
    };
    let region = "<Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message>";
    let mut redirect = xml(301, "PermanentRedirect", region);
    if let Fault::Answer(_, headers, _) = &mut redirect {
        headers.push(("x-amz-bucket-region", "eu-west-1".to_owned()));
    }
    let there = "the bucket is in the region eu-west-1 (set the region to eu-west-1)";
    check(redirect, ErrorKind::InvalidInput, there).await;
    let malformed = "<Message>The authorization header is malformed; the region 'eu-central-1' is wrong</Message>\
                     <Region>eu-west-1</Region>";
    check(xml(400, "AuthorizationHeaderMalformed", malformed), ErrorKind::InvalidInput, there).await;
    let denied = "<Message>User: arn:aws:iam::123456789012:user/ci is not authorized to perform: s3:GetObject on resource: \
                  \"arn:aws:s3:::shop/prod/package.tar.gz\" because no identity-based policy allows the s3:GetObject action\
                  </Message>";
    let text = "\"arn:aws:iam::123456789012:user/ci\" may not do s3:GetObject on \"arn:aws:s3:::shop/prod/package.tar.gz\" \
                (add to the policy {\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",";
    check(xml(403, "AccessDenied", denied), ErrorKind::Forbidden, text).await;
    let old = "<Message>Access Denied</Message>";
    check(xml(403, "AccessDenied", old), ErrorKind::Forbidden, "the caller may not do s3:GetObject").await;
    let missing = "<Message>The specified bucket does not exist</Message><BucketName>shop</BucketName>";
    check(xml(404, "NoSuchBucket", missing), ErrorKind::NotFound, "there is no such bucket").await;
    check(xml(400, "ExpiredToken", ""), ErrorKind::Unauthorized, "the credentials for AWS have expired")
        .await;
    let skewed =
        "<Message>The difference between the request time and the current time is too large.</Message>";
    check(
        xml(403, "RequestTimeTooSkewed", skewed),
        ErrorKind::Unauthorized,
        "this machine's clock is not AWS's",
    )
    .await;
    check(xml(503, "SlowDown", ""), ErrorKind::Unavailable, "AWS throttles requests").await;
    let nonsense = Fault::Answer(400, Vec::new(), "<html>a proxy's page".to_owned());
    check(nonsense, ErrorKind::InvalidInput, "AWS refused it: status 400").await;
    check(Fault::Silent, ErrorKind::Timeout, "AWS did not answer in time").await;
    check(Fault::Broken, ErrorKind::Unavailable, "the connection to AWS broke").await;
}

#[tokio::test]
async fn what_ssm_refuses() {
    let check = async |fault: Fault, kind: ErrorKind, text: &str| {
        let error = ssm(fault).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with(&format!("get parameter /shop/tag: {text}")), "{error}");
    };
    check(
        body(400, "ThrottlingException", "Rate exceeded"),
        ErrorKind::Unavailable,
        "AWS throttles requests",
    )
    .await;
    check(
        body(400, "ExpiredTokenException", "x"),
        ErrorKind::Unauthorized,
        "the credentials for AWS have expired",
    )
    .await;
    let refused = "AWS refused the credentials: UnrecognizedClientException: The security token is invalid";
    let fault = body(400, "UnrecognizedClientException", "The security token is invalid");
    check(fault, ErrorKind::Unauthorized, refused).await;
    let denied = "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: ssm:GetParameters on \
                  resource: arn:aws:ssm:eu-central-1:123456789012:parameter/shop/tag because no identity-based policy \
                  allows the ssm:GetParameters action";
    let text = "\"arn:aws:sts::123456789012:assumed-role/ci/run\" may not do ssm:GetParameters on \
                arn:aws:ssm:eu-central-1:123456789012:parameter/shop/tag (add to the policy {";
    check(body(400, "AccessDeniedException", denied), ErrorKind::Forbidden, text).await;
    let expired = "Signature expired: 20261122T100000Z is now earlier than 20261122T110000Z";
    let fault = body(400, "InvalidSignatureException", expired);
    check(fault, ErrorKind::Unauthorized, "this machine's clock is not AWS's").await;
    check(body(500, "InternalServerError", "x"), ErrorKind::Unavailable, "AWS failed").await;
    let nonsense = Fault::Answer(200, Vec::new(), "<html>a proxy's page".to_owned());
    check(nonsense, ErrorKind::Internal, "AWS answered with what is not an answer").await;
}

#[tokio::test]
async fn a_throttled_request_is_sent_again() {
    let server = Server::start(Nothing).await;
    for _ in 0..2 {
        server.next("", body(400, "ThrottlingException", "Rate exceeded"));
    }
    server.next("", Fault::Answer(200, Vec::new(), "{\"Parameters\":[]}".to_owned()));
    let aws = builder().ssm_endpoint(server.url()).build().unwrap();
    let store = ParameterStore::new(&aws, "/shop").unwrap();
    assert_eq!(ConfigStore::get(&store, "tag").await.unwrap(), None);
    assert_eq!(aws.calls().of("GetParameters"), 3);
}

/// A write whose answer is lost may have been done: nobody sends it again unseen.
#[tokio::test]
async fn a_lost_answer_is_unknown() {
    for fault in [Fault::Broken, Fault::Silent, body(500, "InternalServerError", "x")] {
        let server = Server::start(Nothing).await;
        server.next("", Fault::Answer(200, Vec::new(), "{\"Parameters\":[]}".to_owned()));
        server.next("", fault.clone());
        let aws = builder().ssm_endpoint(server.url()).request_timeout(Duration::from_millis(500)).tries(2);
        let aws = aws.build().unwrap();
        let store = ParameterStore::new(&aws, "/shop").unwrap();
        let error = store.set(&[Edit::put("tag", "v1")], &Note::default()).await.expect_err("nobody knows");
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::OutcomeUnknown, Retry::LookUpFirst),
            "{fault:?} {error}"
        );
        assert_eq!(aws.calls().of("PutParameter"), 1, "{fault:?}");
    }
}

/// Where nothing was sent nothing is unknown.
#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let aws = builder().s3_endpoint(&url).tries(1).build().unwrap();
    let bucket = Bucket::new(&aws, "shop").unwrap();
    let error = bucket.create(&Temporary::new()).await.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(error.to_string(), "create bucket shop: AWS cannot be reached");
}

#[derive(Debug)]
struct Without(fn() -> CredentialsError);

impl ProvideCredentials for Without {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn credentials_that_are_not_there() {
    let check = async |without: fn() -> CredentialsError, kind: ErrorKind, text: &str| {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Without(without)))
            .build();
        let aws = Aws::from_sdk_config(&config).unwrap();
        let bucket = Bucket::new(&aws, "shop").unwrap();
        let error = bucket.size("x").await.expect_err("no credentials");
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.to_string().contains("aws sso login"), "{error}");
        assert_eq!(bucket.presign_get("x", Duration::from_secs(9)).await.expect_err("as well").kind(), kind);
    };
    let unauthorized = ErrorKind::Unauthorized;
    check(
        || CredentialsError::not_loaded("none"),
        unauthorized,
        "none are in the environment, in the profile",
    )
    .await;
    check(|| CredentialsError::provider_error("sso expired"), unauthorized, "the source of credentials")
        .await;
    check(|| CredentialsError::invalid_configuration("loop"), ErrorKind::InvalidInput, "configuration").await;
}

#[test]
fn what_cannot_be_built() {
    let check = |error: Error, text: &str| {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(text), "{error}");
    };
    let credentials = || Credentials::new(KEY_ID, SecretText::new(SECRET));
    check(Aws::builder().credentials(credentials()).build().unwrap_err(), "no region");
    check(Aws::builder().region("eu-central-1").build().unwrap_err(), "no credentials");
    check(builder().region("eu west").build().unwrap_err(), "cannot be a region");
    check(builder().profile("x").build().unwrap_err(), "from_environment");
    check(builder().s3_endpoint("localhost:9000").build().unwrap_err(), "no URL");
}

/// What was given goes before what the environment has, whatever that is here.
#[tokio::test]
async fn what_is_given_comes_first() {
    let aws = builder().s3_endpoint("http://127.0.0.1:1").from_environment().await.unwrap();
    assert_eq!(aws.region(), "eu-central-1");
    let url = Bucket::new(&aws, "shop").unwrap().presign_get("x", Duration::from_secs(9)).await.unwrap();
    assert!(url.reveal().starts_with("http://127.0.0.1:1/shop/x?"), "{url:?}");
    assert!(url.reveal().contains(KEY_ID) && url.reveal().contains("eu-central-1"));
}

/// Whatever the far side sends back of what it got, errors do not show it.
#[tokio::test]
async fn nothing_secret_is_told() {
    let echo = format!(
        "no: key {KEY_ID} secret {SECRET} token {TOKEN} \
         https://shop.s3.amazonaws.com/x?X-Amz-Credential={KEY_ID}&amp;X-Amz-Security-Token={TOKEN}"
    );
    let in_xml = format!(
        "<Message>{echo}</Message><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><Token-0>{TOKEN}</Token-0>"
    );
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidAccessKeyId"),
        (400, "ExpiredToken"),
        (400, "Whatever"),
        (503, "SlowDown"),
        (500, "InternalError"),
    ] {
        for error in [s3(xml(status, code, &in_xml)).await, ssm(body(status, code, &echo)).await] {
            let all = std::iter::successors(Some(&error as &dyn std::error::Error), |&error| error.source());
            let told: Vec<_> = all.map(|error| format!("{error:?} {error}")).collect();
            let told = told.join(" ");
            for secret in [KEY_ID, SECRET, TOKEN] {
                assert!(!told.contains(secret), "{code}: {told}");
            }
        }
    }
    let credentials = Credentials::new(KEY_ID, SecretText::new(SECRET)).session_token(SecretText::new(TOKEN));
    let aws = builder().credentials(credentials.clone());
    let shown = format!("{credentials:?} {aws:?} {:?}", aws.clone().build().unwrap());
    assert!(!shown.contains(SECRET) && !shown.contains(TOKEN), "{shown}");
}
