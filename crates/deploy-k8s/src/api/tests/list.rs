use std::time::Duration;

use deploy_core::error::{ErrorKind, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Page, Server, name, objects, place, status};
use crate::api::list::{Seen, next_limit};

const EXPIRED: Page = Page::Refused(410, r#"{"kind": "Status", "code": 410, "reason": "Expired"}"#);

/// The names that `list` hands out.
async fn listed(server: &Server) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let version = server.cluster().list(&place(), "", |item| names.push(name(&item).to_owned())).await?;
    assert_eq!(version, "7");
    Ok(names)
}

async fn selected(server: &Server) -> Result<Vec<String>> {
    let keep = |item: Value| Some(name(&item).to_owned());
    server.cluster().select(&place(), "", keep).await.map(|(names, _)| names)
}

fn names(count: usize) -> Vec<String> {
    objects("a", count, 0).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn pages_grow_with_what_they_bring() {
    let check = async |size: usize, count: usize, limits: &[usize]| {
        let server = Server::of(objects("a", count, size));
        assert_eq!(listed(&server).await.unwrap(), names(count));
        let mut from = 0;
        let expected = limits.iter().map(|limit| {
            let query =
                if from == 0 { format!("limit={limit}") } else { format!("limit={limit}&continue={from}") };
            from += limit;
            query
        });
        assert_eq!(server.lists(), expected.collect::<Vec<_>>());
    };
    check(400, 0, &[50]).await;
    check(400, 50, &[50]).await;
    check(400, 1000, &[50, 200, 500, 500]).await;
    check(100 << 10, 150, &[50, 81, 81]).await;
}

#[test]
fn limits() {
    let check = |limit, items, bytes, next| {
        let seen = Seen { items, bytes, ..Seen::default() };
        assert_eq!(next_limit(limit, &seen), next, "after {items} of {limit} in {bytes} bytes");
    };
    check(50, 0, 0, 200);
    check(50, 50, 50 << 10, 200);
    check(200, 200, 200 << 10, 500);
    check(500, 500, 500 << 20, 10);
    check(10, 10, 10 << 10, 40);
    check(50, 1, 16 << 20, 10);
    check(50, 50, usize::MAX, 10);
}

#[tokio::test]
async fn a_selector_stays_over_all_pages() {
    let server = Server::of(objects("a", 60, 0));
    server.cluster().list(&place(), "&labelSelector=a%3Db", |_| {}).await.unwrap();
    assert_eq!(server.lists(), ["limit=50&labelSelector=a%3Db", "limit=200&labelSelector=a%3Db&continue=50"]);
}

#[tokio::test]
async fn items_say_what_they_are() {
    let body = json!({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]});
    let server = Server::of([]).pages([Page::Instead(body.to_string())]);
    let (items, version) = server.cluster().select(&place(), "", Some).await.unwrap();
    assert_eq!(items, [json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})]);
    assert_eq!(version, "7");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_off_is_handed_out_once() {
    // 60 objects of 1,000 bytes: within the envelope, within an item, right before the end; the second page, too.
    for broken in [vec![10], vec![30_000], vec![51_000, 200, 25_000]] {
        let server = Server::of(objects("a", 60, 1000)).pages(broken.iter().copied().map(Page::Broken));
        assert_eq!(listed(&server).await.unwrap(), names(60), "{broken:?}");
        assert_eq!(server.lists().len(), 2 + broken.len());
    }
    let server = Server::of(objects("a", 60, 1000)).pages([Page::Answered, Page::Broken(5000)]);
    assert_eq!(listed(&server).await.unwrap(), names(60));
    assert_eq!(server.lists().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_page_is_asked_for_again() {
    let pages = [
        Page::Refused(429, "Too many requests"),
        Page::Answered,
        Page::Refused(503, ""),
        Page::Refused(500, ""),
    ];
    let server = Server::of(objects("a", 60, 0)).pages(pages);
    let start = Instant::now();
    assert_eq!(listed(&server).await.unwrap(), names(60));
    assert_eq!(server.lists().len(), 5);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_list_whose_history_is_gone_begins_again() {
    let server = Server::of(objects("a", 300, 0)).pages([Page::Answered, Page::Answered, EXPIRED]);
    assert_eq!(selected(&server).await.unwrap(), names(300));
    assert_eq!(server.lists()[2..], ["limit=500&continue=250", "limit=500"]);

    // Who takes item by item sees those again that came before.
    let server = Server::of(objects("a", 60, 0)).pages([Page::Answered, EXPIRED]);
    assert_eq!(listed(&server).await.unwrap(), [names(50), names(60)].concat());
}

#[tokio::test]
async fn a_list_that_is_always_too_old_ends() {
    let server = Server::of(objects("a", 10_000, 0)).pages((0..10).flat_map(|_| [Page::Answered, EXPIRED]));
    assert_eq!(selected(&server).await.unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(server.lists().len(), 8);
    // Without a token there is nothing that could have expired.
    let server = Server::of([]).pages([EXPIRED]);
    assert_eq!(selected(&server).await.unwrap_err().kind(), ErrorKind::Stale);
}

#[tokio::test]
async fn hostile_pages() {
    let check = async |body: String, why: &str| {
        let server = Server::of([]).pages([Page::Instead(body.clone())]);
        let error = selected(&server).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        assert!(error.to_string().contains(why), "{body:.80}: {error}");
        assert!(error.to_string().contains("configmaps in namespace shop"), "{error}");
        assert_eq!(server.lists().len(), 1);
    };
    check(String::new(), "is not a list").await;
    check("<html>".to_owned(), "is not a list").await;
    check(status(200), "has no items").await;
    check(r#"{"items": [7]}"#.to_owned(), "is not an object").await;
    check(r#"{"items": ["hunter2"]}"#.to_owned(), "is not an object").await;
    check(r#"{"items": [{"a": nul}]}"#.to_owned(), "is not an object").await;
    check(r#"{"items": [{}"#.to_owned(), "ends within its items").await;
    check(format!(r#"{{"items": [{{"a": "{}"}}]}}"#, "x".repeat(17 << 20)), "larger than 16 MiB").await;
}

#[tokio::test]
async fn a_server_that_repeats_itself_is_refused() {
    let same = || Page::Instead(json!({"metadata": {"continue": "x"}, "items": []}).to_string());
    let server = Server::of([]).pages([same(), same(), same()]);
    let error = selected(&server).await.unwrap_err();
    assert!(error.to_string().contains("repeats the same page"), "{error}");
    assert_eq!(server.lists().len(), 2);
}
