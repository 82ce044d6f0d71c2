//! What the tests of reading do not meet: requests that change something, and streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use deploy_core::clock::SystemClock;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::layer::Backoff;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::Method;

use super::{Hosts, Payload, Read, Request, Settings, Transport};
use crate::double::{Asked, Double, Reply};

fn transport() -> Transport {
    Transport::new(Settings {
        credentials: None,
        hosts: Hosts::default(),
        authorities: Vec::new(),
        request_timeout: Duration::from_secs(5),
        requests_per_host: 1,
        backoff: Backoff::default().attempts(3).first(Duration::from_millis(1)),
        patience: Duration::from_secs(5),
        clock: Arc::new(SystemClock::new()),
        user_agent: "test".to_owned(),
        on_wait: None,
    })
    .unwrap()
}

fn request(transport: &Transport, double: &Double, method: Method) -> Request {
    let url = transport.url(&double.host(), "/v2/shop/api/blobs/uploads/").unwrap();
    Request::new(method, double.host(), url).scope("shop/api", "pull,push")
}

/// Posts to a double whose first answer is this one, and whose later answers are 202: how it ended, and the requests it took.
async fn posted(first: fn() -> Reply, is_replayable: bool) -> (Result<u16, (ErrorKind, Retry)>, usize) {
    let double =
        Double::scripted(move |asked| Some(if asked.before == 0 { first() } else { Reply::new(202) })).await;
    let transport = transport();
    let mut request =
        request(&transport, &double, Method::POST).payload(Payload::Bytes(Bytes::from_static(b"x")));
    if is_replayable {
        request = request.replayable();
    }
    let answer = transport.send(&transport.budget(), &request).await;
    let answer = answer.map(|answer| answer.status.as_u16()).map_err(|error| (error.kind(), error.retry()));
    (answer, double.taken().len())
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_again() {
    let unknown = Err((ErrorKind::OutcomeUnknown, Retry::LookUpFirst));
    for first in
        [Reply::breaks, || Reply::new(502), || Reply::new(503), || Reply::new(504), || Reply::new(408)]
    {
        assert_eq!(posted(first, false).await, (unknown, 1));
        assert_eq!(posted(first, true).await, (Ok(202), 2));
    }
    assert_eq!(posted(|| Reply::new(429), false).await, (Ok(202), 2), "what was refused was not done");
    assert_eq!(posted(|| Reply::new(500), false).await, (Ok(500), 1));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let transport = transport();
    let url = transport.url(&closed.to_string(), "/v2/").unwrap();
    let request = Request::new(Method::POST, closed.to_string(), url);
    let error = transport.send(&transport.budget(), &request).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted), "nothing was sent");
    assert_eq!(transport.stats().requests, 3);
}

/// A payload in two parts, and how often it was opened.
fn payload(second: fn() -> Result<Bytes>) -> (Payload, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let open = move || -> BoxStream<'static, Result<Bytes>> {
        count.fetch_add(1, Ordering::SeqCst);
        stream::iter([Ok(Bytes::from_static(b"one ")), second()]).boxed()
    };
    (Payload::Stream { length: 7, open: Arc::new(open) }, opened)
}

#[tokio::test]
async fn a_payload_is_opened_anew_for_each_try() {
    let script = |asked: &Asked| match asked.path.as_str() {
        "/token" => Reply::json(r#"{"token":"good"}"#),
        _ if asked.authorization().is_none() => Reply::new(401)
            .header("www-authenticate", format!("Bearer realm=\"http://{}/token\"", asked.host)),
        _ if asked.before == 1 => Reply::new(429),
        _ => Reply::new(201).body(asked.body.clone()),
    };
    let double = Double::scripted(move |asked| Some(script(asked))).await;
    let transport = transport();
    let (payload, opened) = payload(|| Ok(Bytes::from_static(b"two")));
    let request = request(&transport, &double, Method::PATCH).payload(payload);
    let answer = transport.send(&transport.budget(), &request).await.unwrap();
    assert_eq!(answer.into_bytes(), "one two");
    assert_eq!(opened.load(Ordering::SeqCst), 3);
    let last = double.asked().pop().unwrap();
    assert_eq!(last.headers["content-length"], "7");
    assert_eq!(double.asked()[1].query, "scope=repository%3Ashop%2Fapi%3Apull%2Cpush");
}

#[tokio::test]
async fn what_a_payload_meets_is_told_as_it_is() {
    let double = Double::good().await;
    let transport = transport();
    let (payload, _) = payload(|| Err(Error::new(ErrorKind::NotFound, "the layer is gone")));
    let request = request(&transport, &double, Method::PATCH).payload(payload);
    let error = transport.send(&transport.budget(), &request).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "the layer is gone"));
}

#[tokio::test]
async fn a_stream_takes_no_turn_and_says_where_it_breaks() {
    let double = Double::scripted(|asked| match asked.before {
        0 => Some(Reply::new(200).body("content")),
        1 => Some(Reply::is_cut("cont")),
        _ => None,
    })
    .await;
    let transport = transport();
    let open = async || {
        let request = request(&transport, &double, Method::GET).read(Read::Stream);
        transport.send(&transport.budget(), &request).await.unwrap()
    };
    // With one turn for the host, the second could not begin while the first is open.
    let (whole, cut) = (open().await, open().await);
    let parts: Vec<Bytes> = whole.stream().try_collect().await.unwrap();
    assert_eq!(parts.concat(), b"content");
    let parts: Vec<_> = cut.stream().collect().await;
    let error = parts.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
