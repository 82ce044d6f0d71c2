//! Where redirects lead, and what goes there.

use std::sync::Arc;

use deploy_core::guard::Check;
use deploy_core::manifest::ObjectId;
use deploy_core::memory::MemoryConnect;
use deploy_core::secret::SecretText;
use deploy_verify::http::{HttpCheck, HttpCheckBuilder};

use crate::http::{check, shop};
use crate::server::{Server, path, reply};
use crate::told;

#[tokio::test]
async fn redirects_are_followed_as_far_as_is_allowed() {
    let server = Server::start(shop).await;
    let follow = |check: HttpCheckBuilder| check.follow_redirects(3);
    check(&server, "/moved", follow, "yes: GET http://HOST/ answered 200 in N ms").await;
    check(
        &server,
        "/loop",
        follow,
        "no: GET http://HOST/loop answered 307 in N ms: it redirects more than 3 times; expected 200 to 299, to \"/loop\"",
    )
    .await;
    check(
        &server,
        "/nowhere",
        follow,
        "no: GET http://HOST/nowhere answered 302 in N ms: it redirects to what is no URL; expected 200 to 299, to \"http://[\"",
    )
    .await;
    check(
        &server,
        "/file",
        follow,
        "no: GET http://HOST/file answered 302 in N ms: it redirects to file:///etc/passwd, which is not encrypted; \
         expected 200 to 299, to \"file:///etc/passwd\"",
    )
    .await;
}

#[tokio::test]
async fn secrets_show_nowhere_and_go_to_nobody_else() {
    let other = Server::start(shop).await;
    let url = other.url("/");
    let server = Server::start(move |head| match path(head) {
        "/away" => reply(302, &format!("location: {url}\r\n"), ""),
        _ => shop(head),
    })
    .await;
    let url = server.url("/echo?token=hunter2").replace("http://", "http://ann:hunter%33@");
    let secret = |check: HttpCheckBuilder| check.secret_header("x-token", SecretText::new("Bearer hunter4"));
    let check = secret(HttpCheck::get(url)).header("x-plain", "1").build().unwrap();
    let answer = told(&check, &server.address.to_string()).await;
    assert!(
        answer.starts_with("no: GET http://HOST/echo?… answered 500 in N ms: expected 200 to 299: "),
        "{answer}"
    );
    let shown = format!("{answer} {check:?} {}", check.describe());
    assert!(!shown.contains("hunter") && !shown.contains("YW5u"), "{shown}");
    let asked = &server.asked()[0];
    // ann:hunter3
    assert!(asked.contains("authorization: Basic YW5uOmh1bnRlcjM=\r\n"), "{asked}");
    assert!(asked.contains("x-token: Bearer hunter4\r\n") && asked.contains("x-plain: 1\r\n"), "{asked}");

    let check = secret(
        HttpCheck::get(server.url("/away"))
            .header("x-plain", "1")
            .header("Cookie", "hunter5")
            .follow_redirects(1),
    )
    .build()
    .unwrap();
    assert!(told(&check, "").await.starts_with("yes: "));
    let asked = &other.asked()[0];
    assert!(
        asked.contains("x-plain: 1\r\n") && !asked.contains("x-token") && !asked.contains("hunter"),
        "{asked}"
    );
    assert!(server.asked()[1].contains("cookie: hunter5\r\n"), "{:?}", server.asked());
}

#[tokio::test]
async fn no_redirect_leads_out_of_a_port_forward() {
    let server = Server::start(|_| reply(302, "location: http://api.shop:81/\r\n", "")).await;
    let service = ObjectId::new("", "Service", Some("shop"), "api");
    let connect = Arc::new(MemoryConnect::new([(service.clone(), 80, server.address)]));
    let check = HttpCheck::get("http://api.shop/").through(connect, service, 80).follow_redirects(3).build();
    let answer = told(&check.unwrap(), "").await;
    let expect = "no: GET http://api.shop/ answered 302 in N ms: it redirects to http://api.shop:81/, which is not behind that port";
    assert!(answer.starts_with(expect), "{answer}");
}
