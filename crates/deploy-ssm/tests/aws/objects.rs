//! Objects and buckets.

use std::time::Duration;

use bytes::Bytes;
use deploy_core::error::{ErrorKind, Result};
use deploy_ssm::aws::{Aws, Bucket, Condition, Got, Put, Temporary};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Fault;
use crate::stores::Storage;

/// What the crate needs of a bucket, on any S3.
pub async fn objects(bucket: &Bucket) -> Result<()> {
    let plain = Put::new();
    let get = async |key: &str| bucket.get(key, 1000, None).await;
    assert_eq!(get("none").await?, Got::Absent);
    assert_eq!(bucket.size("none").await?, None);
    bucket.delete("none").await?;

    let key = "a/größe & +%20/x.tar.gz";
    let first = bucket.put(key, "one", &plain.clone().content_type("text/plain")).await?;
    let seen = Got::Object { bytes: Bytes::from("one"), etag: first.clone() };
    assert_eq!(get(key).await?, seen);
    assert_eq!(bucket.size(key).await?, Some(3));
    assert_eq!(bucket.get(key, 1000, Some(&first)).await?, Got::NotModified);
    let error = bucket.get(key, 2, None).await.expect_err("it is larger");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let conflict = async |condition: Condition| {
        let result = bucket.put(key, "two", &Put::new().only_if(condition)).await;
        assert_eq!(result.expect_err("the condition does not hold").kind(), ErrorKind::Conflict);
    };
    conflict(Condition::Absent).await;
    let second = bucket.put(key, "two", &Put::new().only_if(Condition::Is(first.clone()))).await?;
    assert_ne!(first, second);
    conflict(Condition::Is(first.clone())).await;
    assert_eq!(bucket.get(key, 1000, Some(&first)).await?, Got::Object { bytes: "two".into(), etag: second });
    bucket.put("b/new", "", &Put::new().only_if(Condition::Absent)).await?;
    let gone = bucket.put("b/none", "", &Put::new().only_if(Condition::Is(first))).await;
    assert_eq!(gone.expect_err("it is not there").kind(), ErrorKind::Conflict);

    let keys: Vec<String> = (0..5).map(|number| format!("c/{number}")).collect();
    for key in &keys {
        bucket.put(key, "x", &plain).await?;
    }
    let listed = async |prefix: &str| {
        let all = bucket.list(prefix, 100).await?;
        Ok::<_, deploy_core::error::Error>(all.into_iter().map(|object| object.key).collect::<Vec<_>>())
    };
    assert_eq!(listed("c/").await?, keys);
    assert_eq!(listed("a/größe").await?, [key]);
    assert!(bucket.list("c/", 4).await.is_err(), "more than the limit");
    bucket.delete_all(&keys[1..]).await?;
    bucket.delete_all(&[]).await?;
    assert_eq!(listed("c/").await?, keys[..1]);
    bucket.delete(&keys[0]).await?;
    assert!(listed("c/").await?.is_empty());

    let url = bucket.presign_put("d/by-url", Duration::from_secs(60)).await?;
    assert_eq!(by_url("PUT", url.reveal(), "sent").await.0, 200);
    let url = bucket.presign_get("d/by-url", Duration::from_secs(60)).await?;
    assert_eq!(by_url("GET", url.reveal(), "").await, (200, "sent".to_owned()));
    Ok(())
}

/// What a node does with a presigned URL.
pub async fn by_url(method: &str, url: &str, content: &str) -> (u16, String) {
    let rest = url.strip_prefix("http://").expect("a URL on loopback");
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let length = content.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{content}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A bucket made for a while, on an S3 that has tags and rules.
pub async fn temporary(aws: &Aws) -> Result<()> {
    let name = format!("deploy-{:08x}", fastrand::u32(..));
    let bucket = Bucket::new(aws, &name)?;
    bucket.create(&Temporary::new().tag("deploy-ssm", "temporary").days(2)).await?;
    let again = bucket.create(&Temporary::new()).await;
    assert_eq!(again.expect_err("it is there").kind(), ErrorKind::AlreadyExists);
    bucket.put("x", "content", &Put::new().tag("app", "shop + co/1")).await?;
    let found = Bucket::find(aws, &name).await?;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].tags, Some(vec![("deploy-ssm".to_owned(), "temporary".to_owned())]));
    assert!(found[0].created.is_some());
    bucket.remove().await?;
    assert!(Bucket::find(aws, &name).await?.is_empty());
    bucket.remove().await?;
    let error = bucket.put("x", "content", &Put::new()).await.expect_err("the bucket is gone");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("no such bucket"), "{error}");
    Ok(())
}

#[tokio::test]
async fn objects_are_put_read_listed_and_deleted() {
    let storage = Storage::start().await;
    objects(&Bucket::new(&storage.aws, "shop").unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_url_is_for_one_object_and_one_verb() {
    let storage = Storage::start().await;
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    bucket.put("a", "secret", &Put::new()).await.unwrap();
    bucket.put("b", "secret", &Put::new()).await.unwrap();
    let url = bucket.presign_get("a", Duration::from_secs(60)).await.unwrap();
    assert_eq!(by_url("GET", url.reveal(), "").await.0, 200);
    assert_eq!(by_url("GET", &url.reveal().replace("/shop/a?", "/shop/b?"), "").await.0, 403);
    assert_eq!(by_url("PUT", url.reveal(), "x").await.0, 403);
    for seconds in [0, 7 * 24 * 3600 + 1] {
        assert!(bucket.presign_get("a", Duration::from_secs(seconds)).await.is_err(), "{seconds}");
    }
}

#[tokio::test]
async fn a_listing_goes_on_page_by_page() {
    let storage = Storage::start().await;
    let folder = storage.folder.path().join("shop/many");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..1500 {
        std::fs::write(folder.join(format!("{number:04}")), "").unwrap();
    }
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    let all = bucket.list("many/", 2000).await.unwrap();
    assert_eq!((all.len(), all[1499].key.as_str()), (1500, "many/1499"));
    assert_eq!(storage.aws.calls().of("ListObjectsV2"), 2);
    let keys: Vec<_> = all.into_iter().map(|object| object.key).collect();
    bucket.delete_all(&keys).await.unwrap();
    assert_eq!(storage.aws.calls().of("DeleteObjects"), 2);
    assert!(bucket.list("many/", 1).await.unwrap().is_empty());
}

/// A write that is the same when it is made twice is made again; one on a condition is not.
#[tokio::test]
async fn a_lost_answer_is_no_failure_where_it_is_the_same_twice() {
    let storage = Storage::start().await;
    let bucket = Bucket::new(&storage.aws, "shop").unwrap();
    storage.server.next("PUT", Fault::Lost);
    bucket.put("a", "x", &Put::new()).await.unwrap();
    assert_eq!(storage.aws.calls().of("PutObject"), 2);

    let absent = Put::new().only_if(Condition::Absent);
    storage.server.next("PUT", Fault::Lost);
    let error = bucket.put("b", "x", &absent).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(storage.aws.calls().of("PutObject"), 3);
    assert_eq!(bucket.put("b", "x", &absent).await.expect_err("it is there").kind(), ErrorKind::Conflict);

    // What was refused may be sent again, on a condition too.
    let slow_down = "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>";
    storage.server.next("PUT", Fault::Answer(503, Vec::new(), slow_down.to_owned()));
    bucket.put("c", "x", &absent).await.unwrap();
    let failed = "<Error><Code>InternalError</Code><Message>We failed</Message></Error>";
    storage.server.next("PUT", Fault::Answer(500, Vec::new(), failed.to_owned()));
    let error = bucket.put("d", "x", &absent).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
}

/// What cannot be set up is not left behind.
#[tokio::test]
async fn a_bucket_without_its_rules_is_deleted_again() {
    let storage = Storage::start().await;
    let bucket = Bucket::new(&storage.aws, "temporary").unwrap();
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    storage.server.after(1, "PUT", Fault::Answer(403, Vec::new(), denied.to_owned()));
    let error = bucket.create(&Temporary::new().tag("a", "b")).await.expect_err("no tags");
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(error.to_string().contains("s3:PutBucketTagging"), "{error}");
    assert!(!storage.folder.path().join("temporary").exists());
}

#[test]
fn names_and_keys_are_checked() {
    let aws = crate::stores::builder().build().unwrap();
    for name in ["ab", "Shop", "-shop", "shop-", "a..b", "a/b", "größe", &"x".repeat(64)] {
        assert!(Bucket::new(&aws, name).is_err(), "{name}");
    }
    for name in ["shop", "my.shop-1", "123"] {
        assert!(Bucket::new(&aws, name).is_ok(), "{name}");
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let bucket = Bucket::new(&aws, "shop").unwrap();
        for key in ["", "../x", "a/./b", "a\nb", &"x".repeat(1025)] {
            let error = bucket.put(key, "", &Put::new()).await.expect_err(key);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(aws.calls().total(), 0);
    });
}
