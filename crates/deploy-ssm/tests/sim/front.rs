//! A port in front of S3: s3s-fs answers behind it.

use deploy_core::error::ErrorKind;
use deploy_core::secret::SecretText;
use deploy_ssm::Aws;
use deploy_ssm::aws::{Bucket, Credentials, Got, Put};
use deploy_ssm::sim::{Fault, Moment, Simulator};

/// S3 over a folder, on a port of loopback.
async fn s3(folder: &std::path::Path) -> (String, tokio::task::JoinHandle<()>) {
    let mut builder = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    builder.set_auth(s3s::auth::SimpleAuth::from_single("AKIAIOSFODNN7EXAMPLE", "a secret key"));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let io = hyper_util::rt::TokioIo::new(stream);
            let service = service.clone();
            tokio::spawn(async move {
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
    (url, serving)
}

#[tokio::test]
async fn what_goes_to_s3_is_counted_and_fails_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deployments")).unwrap();
    let (url, serving) = s3(folder.path()).await;
    let ssm = Simulator::builder().start().await.unwrap();
    let url = ssm.in_front_of(&url).await.unwrap();
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SecretText::new("a secret key"));
    let builder = Aws::builder().region("us-east-1").credentials(credentials).path_style(true);
    let aws = builder.s3_endpoint(url).ssm_endpoint(ssm.url()).build().unwrap();
    let bucket = Bucket::new(&aws, "deployments").unwrap();

    bucket.put("a", "content", &Put::new()).await.unwrap();
    let got = bucket.get("a", 100, None).await.unwrap();
    assert!(matches!(got, Got::Object { bytes, .. } if bytes == "content"));
    let names: Vec<String> = ssm.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(names, ["PutObject", "GetObject"]);

    ssm.fail_operation("GetObject", 0, 1, Fault::AccessDenied);
    let error = bucket.get("a", 100, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    for (moment, is_written) in [(Moment::Before, false), (Moment::After, true)] {
        let key = format!("{moment:?}");
        let how = Put::new();
        let caller = Box::pin(bucket.put(&key, "x", &how));
        assert!(ssm.killed_at(1, moment, caller).await.is_none());
        assert_eq!(matches!(bucket.get(&key, 100, None).await.unwrap(), Got::Object { .. }), is_written);
    }
    let calls = ssm.calls().len();
    let presigned = bucket.presign_get("a", std::time::Duration::from_secs(60)).await.unwrap();
    assert!(crate::support::http_get(presigned.reveal()).await.ends_with("content"));
    assert_eq!(ssm.calls().len(), calls);
    assert!(ssm.in_front_of("127.0.0.1:1").await.is_err());
    serving.abort();
}
