//! Metrics of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use deploy_core::clock::SystemClock;
use deploy_verify::http::HttpCheck;
use deploy_verify::metrics::{MetricCheck, QueryCheck};

use crate::server::{Reply, Server, path, reply};
use crate::told;

#[tokio::test]
async fn prometheus_is_asked() {
    let server = Server::start(|head| match path(head) {
        "/prom/api/v1/query?query=sum%28rate%28errors%5B5m%5D%29%29" => {
            reply(200, "", r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.25"]}]}}"#)
        }
        "/prom/api/v1/query?query=x" => reply(400, "", r#"{"status":"error","errorType":"bad_data","error":"no"}"#),
        _ => reply(502, "", "<html>"),
    })
    .await;
    let check = async |query: &str, expected: &str, expect: &str| {
        let base = HttpCheck::get(server.url("/prom/"));
        let check = QueryCheck::new(base, query, expected.parse().unwrap()).unwrap();
        assert_eq!(told(&check, &server.address.to_string()).await, expect);
    };
    let rate = "sum(rate(errors[5m]))";
    check(rate, "< 0.5", "yes: it is 0.25, which is < 0.5").await;
    check(rate, "< 0.1", "no: it is 0.25, expected < 0.1").await;
    check(
        "x",
        "< 0.1",
        "error: query http://HOST/prom/api/v1/query?…: it answered 400, bad_data: no: \
        \"{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no\"}\"",
    )
    .await;
    check("y", "< 0.1", "error: query http://HOST/prom/api/v1/query?…: it answered 502, which is not Prometheus' JSON: \"<html>\"").await;
}

const EXPOSED: &str = "# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 1027\n\
    http_requests_total{code=\"500\",path=\"/a\"} 2\nhttp_requests_total{code=\"500\",path=\"/b\"} 3\nup 1\n";

#[tokio::test]
async fn a_metric_is_read() {
    let server = Server::start(|head| match path(head) {
        "/metrics" => reply(200, "", EXPOSED),
        "/broken" => reply(200, "", "up 1\nnonsense\n"),
        "/binary" => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff".to_vec()),
        _ => reply(404, "", "no such page"),
    })
    .await;
    let check = async |path: &str, selector: &str, expected: &str, expect: &str| {
        let exposed = HttpCheck::get(server.url(path));
        let check = MetricCheck::new(exposed, selector.parse().unwrap(), expected.parse().unwrap()).unwrap();
        assert_eq!(told(&check, &server.address.to_string()).await, expect);
    };
    let failed = "http_requests_total{code=\"500\"}";
    check("/metrics", failed, "<= 5", &format!("yes: {failed} is 5, which is <= 5")).await;
    check("/metrics", failed, "== 0", &format!("no: {failed} is 5, expected == 0")).await;
    check("/metrics", "down", "== 0", "no: there is no down at http://HOST/metrics").await;
    check("/gone", "up", "== 1", "no: GET http://HOST/gone answered 404: \"no such page\"").await;
    check(
        "/broken",
        "up",
        "== 1",
        "error: GET http://HOST/broken: line 2 is no metric, it has no value: \"nonsense\"",
    )
    .await;
    check("/binary", "up", "== 1", "error: GET http://HOST/binary: what it exposes is no text").await;
    let exposed = HttpCheck::get(server.url("/metrics"));
    let absent =
        MetricCheck::new(exposed, "down".parse().unwrap(), "== 0".parse().unwrap()).unwrap().absent_is(0.0);
    assert_eq!(told(&absent, "").await, "yes: down is 0, which is == 0");
}

#[tokio::test]
async fn an_increase_takes_two_looks() {
    let scrapes = Arc::new(AtomicU32::new(0));
    let server = Server::start(move |head| {
        // 10, 13, and anew from 2.
        let value = [10, 13, 2][scrapes.fetch_add(1, Ordering::SeqCst) as usize % 3];
        reply(200, "", &format!("{} {value}\n", path(head).trim_start_matches('/')))
    })
    .await;
    let check = |expected: &str| {
        let exposed = HttpCheck::get(server.url("/requests")).clock(Arc::new(SystemClock::new()));
        let check =
            MetricCheck::new(exposed, "requests".parse().unwrap(), expected.parse().unwrap()).unwrap();
        check.increase_over(Duration::from_millis(20))
    };
    assert_eq!(told(&check("> 0"), "").await, "yes: requests grew by 3 in 0.02 s, to 13, which is > 0");
    // From 2 to 10.
    assert_eq!(told(&check("< 5"), "").await, "no: requests grew by 8 in 0.02 s, to 10, expected < 5");
    // From 13 to 2: it began anew.
    assert_eq!(told(&check("== 2"), "").await, "yes: requests grew by 2 in 0.02 s, to 2, which is == 2");
}
