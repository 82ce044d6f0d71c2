use std::sync::{Arc, Mutex};

use aws_sdk_ecr::config::{BehaviorVersion, Credentials as AwsCredentials, retry::RetryConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

#[test]
fn a_host_names_its_region() {
    let check = |host: &str, expect: Option<&str>| assert_eq!(region(host), expect, "{host}");
    check("123456789012.dkr.ecr.eu-central-1.amazonaws.com", Some("eu-central-1"));
    check("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Some("cn-north-1"));
    check("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1"));
    check("123456789012.dkr-ecr.eu-west-1.on.aws", Some("eu-west-1"));
    check("12345678901.dkr.ecr.eu-central-1.amazonaws.com", None);
    check("12345678901x.dkr.ecr.eu-central-1.amazonaws.com", None);
    check("123456789012.dkr.ecr.amazonaws.com", None);
    check("123456789012.dkr.ecr..amazonaws.com", None);
    check("123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example", None);
    check("123456789012.dkr.ecr.eu/x.amazonaws.com", None);
    check("public.ecr.aws", None);
    check("ghcr.io", None);
    check("localhost:5000", None);
}

/// Answers every request with this, and keeps what was asked.
async fn double(status: &'static str, body: &'static str) -> (EcrCredentials, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n{}") {
                if stream.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n");
            let answer = format!("{head}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let config = aws_sdk_ecr::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(format!("http://{address}"))
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .credentials_provider(AwsCredentials::new("AKIDEXAMPLE", "s3cr3t", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (EcrCredentials::new(Client::from_conf(config)), asked)
}

const HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

#[tokio::test]
async fn a_token_is_asked_for_in_the_region_of_the_host() {
    // AWS:t0k3n
    let body = r#"{"authorizationData": [{"authorizationToken": "QVdTOnQwazNu", "expiresAt": 1800000000.5, "proxyEndpoint": "https://x"}]}"#;
    let (ecr, asked) = double("200 OK", body).await;
    let expect = Credential::basic("AWS", "t0k3n").expires(Timestamp::from_unix_seconds(1_800_000_000));
    assert_eq!(ecr.find(HOST).await.unwrap(), Some(expect.clone()));
    assert_eq!(ecr.find("ghcr.io").await.unwrap(), None);
    // Asked again, it asks again: the first may have been refused.
    assert_eq!(ecr.find(HOST).await.unwrap(), Some(expect));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    let request = asked[0].to_lowercase();
    assert!(
        request.contains("x-amz-target: amazonec2containerregistry_v20150921.getauthorizationtoken"),
        "{request}"
    );
    assert!(request.contains("/eu-central-1/ecr/aws4_request"), "{request}");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let check = async |status, body, kind: ErrorKind, expect: &str| {
        let (ecr, _) = double(status, body).await;
        let error = ecr.find(HOST).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, expect));
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    };
    let denied = r#"{"__type": "AccessDeniedException", "message": "User x is not authorized"}"#;
    check("400 Bad Request", denied, ErrorKind::Forbidden, "AWS refused: User x is not authorized").await;
    let expired = r#"{"__type": "ExpiredTokenException", "message": "The security token is expired"}"#;
    check("400 Bad Request", expired, ErrorKind::Unauthorized, "AWS refused: The security token is expired")
        .await;
    let down = r#"{"__type": "ServerException", "message": "down"}"#;
    check("500 Internal Server Error", down, ErrorKind::Unavailable, "AWS refused: down").await;
    let none = r#"{"authorizationData": []}"#;
    check("200 OK", none, ErrorKind::Internal, "Amazon ECR answered without a token").await;
    let odd = r#"{"authorizationData": [{"authorizationToken": "czNjcjN0"}]}"#;
    let broken = "Amazon ECR's token is not base64 of a user and a password";
    check("200 OK", odd, ErrorKind::Internal, broken).await;
}
