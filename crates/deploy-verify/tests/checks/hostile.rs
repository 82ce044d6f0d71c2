//! Answers of those who mean no good, or are broken.

use std::time::Duration;

use deploy_verify::http::{HttpCheck, HttpCheckBuilder};

use crate::server::{Reply, Server, reply};
use crate::told;

async fn check(
    script: impl Fn() -> Reply + Send + Sync + 'static,
    with: impl Fn(HttpCheckBuilder) -> HttpCheckBuilder,
    expect: &str,
) {
    let server = Server::start(move |_| script()).await;
    let check = with(HttpCheck::get(server.url("/"))).build().unwrap();
    assert_eq!(told(&check, &server.address.to_string()).await, expect);
}

fn json(check: HttpCheckBuilder) -> HttpCheckBuilder {
    check.expect_json("/status", "ok")
}

fn soon(check: HttpCheckBuilder) -> HttpCheckBuilder {
    check.timeout(Duration::from_millis(300)).expect_body_contains("x")
}

#[tokio::test]
async fn a_body_without_end() {
    let endless = || Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 65536]);
    let error = "error: GET http://HOST/: HOST answered with a body of more than 1048576 bytes (allow more, or do not look at the body)";
    check(endless, json, error).await;
    let announced = || {
        Reply::Endless(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(), vec![b' '; 65536])
    };
    check(announced, json, error).await;
    // Nobody looks at it.
    check(endless, |check| check, "yes: GET http://HOST/ answered 200 in N ms").await;
    let failed = || Reply::Endless(b"HTTP/1.1 500 No\r\n\r\n".to_vec(), b"no ".repeat(1000));
    let server = Server::start(move |_| failed()).await;
    let answer = told(&HttpCheck::get(server.url("/")).build().unwrap(), "").await;
    assert!(answer.starts_with("no: ") && answer.len() < 300, "{answer}");
}

#[tokio::test]
async fn an_answer_that_does_not_come() {
    let late = "error: GET http://HOST/: it did not answer within 0.3 s";
    check(|| Reply::Hang(Vec::new()), soon, late).await;
    check(|| Reply::Hang(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), soon, late).await;
    check(|| Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab".to_vec()), soon, late).await;
    // What is said beside a failure is not waited for long, and the time is over anyway.
    check(
        || Reply::Hang(b"HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\nab".to_vec()),
        |check| check.expect_status(200),
        "no: GET http://HOST/ answered 500 in N ms: expected 200: \"ab\"",
    )
    .await;
}

#[tokio::test]
async fn what_is_not_http() {
    check(|| Reply::Bytes(Vec::new()), soon, "error: GET http://HOST/: the connection to HOST broke off")
        .await;
    check(
        || Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        soon,
        "error: GET http://HOST/: HOST answered with what is not HTTP",
    )
    .await;
    check(
        || Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab".to_vec()),
        soon,
        "error: GET http://HOST/: the connection to HOST broke off",
    )
    .await;
    check(
        || Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-header: y\r\n".repeat(100)),
        soon,
        "error: GET http://HOST/: HOST answered with headers larger than allowed",
    )
    .await;
}

#[tokio::test]
async fn json_that_is_none() {
    let broken = "no: GET http://HOST/ answered 200 in N ms: the body is no JSON";
    check(
        || reply(200, "", "{\"status\": "),
        json,
        &format!("{broken} (EOF while parsing a value at line 1 column 11): \"{{\"status\":\""),
    )
    .await;
    check(|| reply(200, "", "\u{0}"), json, &format!("{broken} (expected value at line 1 column 1): \" \""))
        .await;
    let deep = "[".repeat(120);
    check(
        || reply(200, "", &"[".repeat(100_000)),
        json,
        &format!("{broken} (recursion limit exceeded at line 1 column 128): \"{deep}…\""),
    )
    .await;
    check(
        || reply(200, "", "[]"),
        json,
        "no: GET http://HOST/ answered 200 in N ms: there is no /status in the JSON: \"[]\"",
    )
    .await;
}

#[tokio::test]
async fn nobody_is_there() {
    let gone = Server::start(|_| Reply::Bytes(Vec::new())).await;
    let address = gone.address;
    drop(gone);
    // Until the port is free again.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let check = HttpCheck::get(format!("http://{address}/")).build().unwrap();
    let expect = "error: GET http://HOST/: HOST refuses connections (does something listen there, and is the port right?)";
    assert_eq!(told(&check, &address.to_string()).await, expect);
    let check = HttpCheck::get("http://no-such-host.invalid/").build().unwrap();
    let expect = "error: GET http://HOST/: the name of HOST cannot be looked up (check the host in the URL, and the machine's DNS)";
    assert_eq!(told(&check, "no-such-host.invalid").await, expect);
}
