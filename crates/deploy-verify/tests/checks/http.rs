//! What is expected over HTTP.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::guard::{Check, Subject};
use deploy_core::manifest::ObjectId;
use deploy_core::memory::MemoryConnect;
use deploy_core::secret::SecretText;
use deploy_verify::http::{HttpCheck, HttpCheckBuilder};
use tokio::io::AsyncReadExt;

use crate::server::{Reply, Server, path, reply};
use crate::told;

/// A shop: its paths say what it answers.
pub fn shop(head: &str) -> Reply {
    let body = r#"{"status": "ok", "checks": [{"name": "db", "up": true}], "n": 17}"#;
    match path(head).split('?').next().unwrap() {
        "/" => reply(200, "x-version: v1.2.3\r\nx-many: a\r\nx-many: b\r\n", "Welcome to the shop"),
        "/health" => reply(200, "content-type: application/json\r\n", body),
        "/down" => reply(503, "", "the database\n\u{1b}[31mis gone"),
        "/moved" => reply(302, "location: /\r\n", ""),
        "/elsewhere" => reply(301, "location: https://ann:hunter2@other.example/x?token=hunter2\r\n", ""),
        "/loop" => reply(307, "location: /loop\r\n", ""),
        "/nowhere" => reply(302, "location: http://[\r\n", ""),
        "/file" => reply(302, "location: file:///etc/passwd\r\n", ""),
        "/empty" => reply(200, "", ""),
        "/echo" => reply(500, "", head),
        _ => reply(404, "", "no such page"),
    }
}

pub async fn check(
    server: &Server,
    path: &str,
    with: impl Fn(HttpCheckBuilder) -> HttpCheckBuilder,
    expect: &str,
) {
    let check = with(HttpCheck::get(server.url(path))).build().unwrap();
    assert_eq!(told(&check, &server.address.to_string()).await, expect, "{path}");
}

#[tokio::test]
async fn the_status_is_looked_at() {
    let server = Server::start(shop).await;
    let same = |check| check;
    check(&server, "/", same, "yes: GET http://HOST/ answered 200 in N ms").await;
    check(
        &server,
        "/gone",
        same,
        "no: GET http://HOST/gone answered 404 in N ms: expected 200 to 299: \"no such page\"",
    )
    .await;
    check(
        &server,
        "/down",
        |check| check.expect_status(200).expect_body_contains("Welcome"),
        "no: GET http://HOST/down answered 503 in N ms: expected 200: \"the database  [31mis gone\"",
    )
    .await;
    check(
        &server,
        "/gone",
        |check| check.expect_status(404),
        "yes: GET http://HOST/gone answered 404 in N ms",
    )
    .await;
    check(
        &server,
        "/moved",
        same,
        "no: GET http://HOST/moved answered 302 in N ms: expected 200 to 299, to \"/\"",
    )
    .await;
    check(
        &server,
        "/elsewhere",
        same,
        "no: GET http://HOST/elsewhere answered 301 in N ms: expected 200 to 299, to \"https://other.example/x?…\"",
    )
    .await;
}

#[tokio::test]
async fn the_body_and_headers_are_looked_at() {
    let server = Server::start(shop).await;
    let home = "GET http://HOST/ answered 200 in N ms";
    let health = "GET http://HOST/health answered 200 in N ms";
    let json = r#""{"status": "ok", "checks": [{"name": "db", "up": true}], "n": 17}""#;
    let contains =
        |check: HttpCheckBuilder| check.expect_body_contains("the shop").expect_body_matches("^Wel.ome");
    check(
        &server,
        "/",
        contains,
        &format!("yes: {home}: the body contains \"the shop\", the body matches \"^Wel.ome\""),
    )
    .await;
    let not = |check: HttpCheckBuilder| check.expect_body_contains("a+b").expect_body_matches("[0-9]");
    let welcome = "\"Welcome to the shop\"";
    check(
        &server,
        "/",
        not,
        &format!("no: {home}: the body does not contain \"a+b\": {welcome}; the body does not match \"[0-9]\": {welcome}"),
    )
    .await;
    let header = |check: HttpCheckBuilder| {
        check.expect_header("x-many", "b").expect_header_matches("X-Version", "^v1[.]")
    };
    check(&server, "/", header, &format!("yes: {home}: x-many is \"b\", x-version matches \"^v1[.]\"")).await;
    let header =
        |check: HttpCheckBuilder| check.expect_header("x-version", "v1").expect_header("x-none", "1");
    check(
        &server,
        "/",
        header,
        &format!("no: {home}: x-version is \"v1.2.3\", expected \"v1\"; it has no header x-none"),
    )
    .await;

    let met = |check: HttpCheckBuilder| {
        check
            .expect_json("/status", "ok")
            .expect_json("/checks/0/up", true)
            .expect_json("/n", 17)
            .expect_json_matches("/n", "^1")
    };
    check(
        &server,
        "/health",
        met,
        &format!("yes: {health}: /status is \"ok\", /checks/0/up is true, /n is 17, /n matches \"^1\""),
    )
    .await;
    let not = |check: HttpCheckBuilder| {
        check
            .expect_json("/status", "up")
            .expect_json("/checks/1", true)
            .expect_json("/n", "17")
            .expect_json_matches("/status", "^up")
    };
    let found = "/status is \"ok\", expected \"up\"";
    let matches = "/status is \"ok\", which does not match \"^up\"";
    check(
        &server,
        "/health",
        not,
        &format!("no: {health}: {found}; there is no /checks/1 in the JSON: {json}; /n is 17, expected \"17\"; {matches}"),
    )
    .await;
    let json = |check: HttpCheckBuilder| check.expect_json("", "x");
    check(
        &server,
        "/",
        json,
        &format!("no: {home}: the body is no JSON (expected value at line 1 column 1): {welcome}"),
    )
    .await;
    let empty = "no: GET http://HOST/empty answered 200 in N ms: the body does not contain \"x\": nothing";
    check(&server, "/empty", |check| check.expect_body_contains("x"), empty).await;
}

#[tokio::test]
async fn it_goes_through_the_cluster_under_the_urls_name() {
    let server = Server::start(shop).await;
    let service = ObjectId::new("", "Service", Some("shop"), "api");
    let connect = Arc::new(MemoryConnect::new([(service.clone(), 80, server.address)]));
    let through = |port| {
        HttpCheck::get("http://api.shop:8080/")
            .through(connect.clone(), service.clone(), port)
            .build()
            .unwrap()
    };
    assert_eq!(told(&through(80), "").await, "yes: GET http://api.shop:8080/ answered 200 in N ms");
    assert_eq!(through(80).describe(), "GET http://api.shop:8080/ through port 80 of Service shop/api");
    let answer = told(&through(81), "").await;
    assert!(answer.starts_with("error: connect to Service shop/api: nothing listens on port 81"), "{answer}");
    for url in ["http://api.shop/", "http://10.1.2.3:8080/"] {
        let check = HttpCheck::get(url).connect_to(server.address).build().unwrap();
        assert!(told(&check, "").await.starts_with("yes: "), "{url}");
    }
    let named = HttpCheck::get("http://api.shop/")
        .connect_to(server.address)
        .header("host", "other.shop")
        .build()
        .unwrap();
    assert!(told(&named, "").await.starts_with("yes: "));
    let hosts: Vec<String> = server
        .asked()
        .iter()
        .map(|head| head.lines().find(|line| line.starts_with("host: ")).unwrap()[6..].to_owned())
        .collect();
    assert_eq!(hosts, ["api.shop:8080", "api.shop", "10.1.2.3:8080", "other.shop"]);
}

#[tokio::test]
async fn a_check_that_is_dropped_hangs_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = HttpCheck::get(format!("http://{}/", listener.local_addr().unwrap())).build().unwrap();
    let asked = tokio::spawn(async move { check.check(&Subject::new("production")).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    asked.abort();
    let mut rest = Vec::new();
    // To the end of the connection.
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(&head, b"GET ");
}

#[tokio::test]
async fn a_body_is_sent() {
    let server = Server::start(shop).await;
    let check =
        HttpCheck::request("POST", server.url("/moved")).body("application/json", "{}").follow_redirects(1);
    assert!(told(&check.build().unwrap(), "").await.starts_with("yes: "));
    let asked = server.asked();
    let sent = ["POST /moved HTTP/1.1\r\n", "content-type: application/json\r\n", "content-length: 2\r\n"];
    assert!(sent.iter().all(|line| asked[0].contains(line)), "{asked:?}");
    // After a 302 it is a GET, without the body.
    assert!(asked[1].starts_with("GET / ") && !asked[1].contains("content-"), "{asked:?}");
}

#[tokio::test]
async fn latency_is_looked_at() {
    let server = Server::start(shop).await;
    let fast = |check: HttpCheckBuilder| check.expect_within(Duration::from_secs(9));
    check(&server, "/", fast, "yes: GET http://HOST/ answered 200 in N ms: less than 9000 ms").await;
    let never = HttpCheck::get(server.url("/")).expect_within(Duration::ZERO).build().unwrap();
    let answer = told(&never, "").await;
    assert!(answer.ends_with(" ms, expected less than 0 ms"), "{answer}");
}

#[test]
fn what_cannot_be_asked_is_refused_at_once() {
    let check = |builder: HttpCheckBuilder, expect: &str| {
        let error = builder.build().unwrap_err().to_string();
        assert_eq!(error, format!("set up an HTTP check{expect}"));
    };
    let get = || HttpCheck::get("http://shop.example/");
    check(HttpCheck::get("shop.example"), ": it is no URL: relative URL without a base");
    check(HttpCheck::get("https://ann:hunter2@/"), ": it is no URL: empty host");
    check(HttpCheck::get("file:///etc/passwd"), ": only http and https can be asked, not file");
    check(HttpCheck::request("G T", "http://a"), ": \"G T\" is no HTTP method");
    check(get().header("a b", "x"), ": \"a b\" is no name of a header");
    check(get().header("a", "x\r\ny: z"), ": \"x\\r\\ny: z\" is no value of a header");
    check(get().secret_header("a", SecretText::new("x\ny")), ": the secret for the header a cannot be sent");
    check(get().expect_body_matches("("), ": \"(\" is no regular expression: unclosed group");
    check(get().expect_json("status", "ok"), ": \"status\" is no JSON pointer: it begins with /");
    check(get().authority("x"), ": a certificate authority is not PEM: it holds no certificate");
    check(get().expect_certificate_days(7), " http://shop.example/: there is no certificate without https");
    let elsewhere = HttpCheck::get("https://10.1.2.3/").connect_to("127.0.0.1:443".parse().unwrap());
    check(elsewhere, " https://10.1.2.3/: a certificate names a host, and the URL has an address");
    check(get().expect_body_matches("a".repeat(5000)), ": a regular expression has at most 4096 bytes");
    check(
        get().expect_body_matches("(a{1000}){1000}").expect_body_matches("("),
        ": \"(a{1000}){1000}\" is no regular expression: Compiled regex exceeds size limit of 1048576 bytes.",
    );
}
