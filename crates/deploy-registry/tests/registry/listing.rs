//! Tags, however their pages come.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::image::{Repository, Tag};
use deploy_core::registry::Registry;
use deploy_registry::OciRegistry;
use futures_util::{StreamExt, TryStreamExt};

use crate::double::{Asked, Double, Reply};
use crate::{client, plain};

async fn listed(registry: &OciRegistry, double: &Double) -> Result<Vec<String>, Error> {
    let repository: Repository = double.at("shop/api");
    registry.tags(&repository).map_ok(|tag: Tag| tag.to_string()).try_collect().await
}

fn page(tags: &[&str]) -> Reply {
    Reply::json(serde_json::json!({"name": "shop/api", "tags": tags}).to_string())
}

/// Lists what `script` answers.
async fn check(
    script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    expect: Result<&[&str], (ErrorKind, &str)>,
) {
    let double = Double::scripted(move |asked| Some(script(asked))).await;
    let found = listed(&plain(), &double).await;
    match (found, expect) {
        (Ok(found), Ok(expect)) => assert_eq!(found, expect),
        (Err(error), Err((kind, text))) => {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
        (found, expect) => panic!("{found:?} where {expect:?} was due"),
    }
}

/// Pages of these tags; `link` writes where page `n` is.
fn pages(
    all: &'static [&'static [&'static str]],
    link: impl Fn(&Asked, usize) -> String + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| {
        let number: usize = asked.parameter("p").map_or(0, |number| number.parse().unwrap());
        let reply = page(all[number]);
        if number + 1 == all.len() { reply } else { reply.header("link", link(asked, number + 1)) }
    }
}

#[tokio::test]
async fn pages_are_followed_wherever_they_are_linked() {
    let all: &[&[&str]] = &[&["a"], &["b"], &["c"]];
    check(pages(all, |asked, n| format!("<{}?p={n}>; rel=\"next\"", asked.path)), Ok(&["a", "b", "c"])).await;
    check(
        pages(all, |asked, n| format!("<http://{}{}?p={n}>; rel=next", asked.host, asked.path)),
        Ok(&["a", "b", "c"]),
    )
    .await;
    check(
        pages(all, |_, n| format!("</>; rel=\"first\", <?token=%3D%3D&p={n}>; rel=\"next\"")),
        Ok(&["a", "b", "c"]),
    )
    .await;
    // Behind a proxy, a registry may take itself for another scheme.
    check(
        pages(all, |asked, n| format!("<https://{}{}?p={n}>; rel=\"next\"", asked.host, asked.path)),
        Ok(&["a", "b", "c"]),
    )
    .await;
}

#[tokio::test]
async fn a_link_to_another_host_is_refused() {
    let refused = "links to a next page at other.example: refused";
    let all: &[&[&str]] = &[&["a"], &["b"]];
    let script = pages(all, |asked, n| format!("<http://other.example{}?p={n}>; rel=\"next\"", asked.path));
    check(script, Err((ErrorKind::Internal, refused))).await;
    check(pages(all, |_, _| "<http://[>; rel=next".to_owned()), Err((ErrorKind::Internal, "not a URL")))
        .await;
}

#[tokio::test]
async fn a_listing_that_would_not_end_is_an_error() {
    let same = |asked: &Asked| page(&["a"]).header("link", format!("<{}?n=1000>; rel=\"next\"", asked.path));
    check(same, Err((ErrorKind::Internal, "it would not end"))).await;
    let always_new = |asked: &Asked| {
        page(&["a"]).header("link", format!("<{}?t={}>; rel=\"next\"", asked.path, asked.before))
    };
    check(always_new, Err((ErrorKind::Internal, "it would not end"))).await;
    let always_empty = |asked: &Asked| {
        page(&[]).header("link", format!("<{}?t={}>; rel=\"next\"", asked.path, asked.before))
    };
    check(always_empty, Err((ErrorKind::Internal, "it would not end"))).await;
}

#[tokio::test]
async fn one_page_of_all_tags_in_no_order_is_enough() {
    let double = Double::scripted(|asked| {
        Some(if asked.before == 0 { page(&["b", "a", "c"]) } else { Reply::new(500) })
    })
    .await;
    assert_eq!(listed(&plain(), &double).await.unwrap(), ["b", "a", "c"]);
    let asked = double.asked();
    assert_eq!(asked[0].parameter("n").as_deref(), Some("1000"), "no more may be asked for at ECR");
    assert_eq!(double.taken(), ["GET /v2/shop/api/tags/list"]);
}

#[tokio::test]
async fn no_tags_are_none() {
    check(|_| Reply::json(r#"{"name":"shop/api","tags":null}"#), Ok(&[])).await;
    check(|_| Reply::json(r#"{"name":"shop/api"}"#), Ok(&[])).await;
    check(|_| Reply::json(r#"{"name":"shop/api","tags":[]}"#), Ok(&[])).await;
}

#[tokio::test]
async fn tags_that_move_between_pages_are_listed_once() {
    let all: &[&[&str]] = &[&["a", "b", "b"], &["b", "c"], &["b", "c"], &["d"]];
    check(pages(all, |asked, n| format!("<{}?p={n}>; rel=\"next\"", asked.path)), Ok(&["a", "b", "c", "d"]))
        .await;
}

#[tokio::test]
async fn what_is_not_a_list_of_tags_is_an_error() {
    let html = || Reply::new(200).header("content-type", "text/html").body("<html>sign in</html>");
    check(
        move |_| html(),
        Err((ErrorKind::Internal, "answered with text/html where a list of tags was due: is it a registry?")),
    )
    .await;
    check(|_| page(&["good", "not good"]), Err((ErrorKind::Internal, "invalid tag \"not good\""))).await;
    check(|_| Reply::json(r#"{"tags":["a""#), Err((ErrorKind::Internal, "is not a list of tags"))).await;
    check(|_| Reply::json(r#"{"tags":{"a":1}}"#), Err((ErrorKind::Internal, "is not a list of tags"))).await;
    check(|_| Reply::json("[]"), Err((ErrorKind::Internal, "where a list of tags was due"))).await;
    let unknown = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}"#;
    check(
        move |_| Reply::json(unknown).status(404),
        Err((ErrorKind::NotFound, "has no such repository: repository name not known")),
    )
    .await;
    check(|_| Reply::new(500).body("disk"), Err((ErrorKind::Unavailable, "cannot answer now (500): disk")))
        .await;
}

#[tokio::test]
async fn a_listing_has_bounds() {
    let endless = || {
        Double::scripted(|asked| {
            let tag = format!("v{}", asked.before);
            Some(page(&[&tag]).header("link", format!("<{}?t={tag}>; rel=\"next\"", asked.path)))
        })
    };
    let double = endless().await;
    let error = listed(&client(|builder| builder.pages_at_most(7)).0, &double).await.unwrap_err();
    assert!(error.to_string().contains("more than the 7 pages that are allowed"), "{error}");
    assert_eq!(double.taken().len(), 7);
    let double = endless().await;
    let error = listed(&client(|builder| builder.tags_at_most(5)).0, &double).await.unwrap_err();
    assert!(error.to_string().contains("more than the 5 tags that are allowed"), "{error}");
    let large = Double::scripted(|_| Some(Reply::json(" ".repeat(33 << 20)))).await;
    let error = listed(&plain(), &large).await.unwrap_err();
    assert!(error.to_string().contains("more than the 33554432 bytes that are allowed"), "{error}");
}

#[tokio::test]
async fn a_listing_that_fails_says_so_last() {
    let double = Double::scripted(|asked| {
        Some(match asked.query.as_str() {
            "p=1" => Reply::new(403),
            _ => page(&["a"]).header("link", "<?p=1>; rel=\"next\""),
        })
    })
    .await;
    let items: Vec<_> = plain().tags(&double.at("shop/api")).collect().await;
    let [Ok(first), Err(error)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((first.as_str(), error.kind()), ("a", ErrorKind::Forbidden));
}

#[tokio::test]
async fn no_page_is_asked_for_before_it_is_wanted() {
    let all: &[&[&str]] = &[&["a"], &["b"], &["c"]];
    let script = pages(all, |asked, n| format!("<{}?p={n}>; rel=\"next\"", asked.path));
    let double = Double::scripted(move |asked| Some(script(asked))).await;
    let registry = plain();
    let mut tags = registry.tags(&double.at("shop/api"));
    assert!(double.taken().is_empty());
    assert_eq!(tags.next().await.unwrap().unwrap().as_str(), "a");
    drop(tags);
    assert_eq!(double.taken().len(), 1);
}

#[tokio::test]
async fn very_many_tags_are_listed() {
    let double = Double::scripted(|asked| {
        let from: usize = asked.parameter("p").map_or(0, |number| number.parse().unwrap());
        let tags: Vec<_> =
            (from..from + 1000).map(|number| format!("main.20261122-{number:06}.4f1c2d9")).collect();
        let reply = Reply::json(serde_json::json!({"tags": tags}).to_string());
        let next = from + 1000;
        Some(if next < 220_000 { reply.header("link", format!("<?p={next}>; rel=\"next\"")) } else { reply })
    })
    .await;
    let registry = plain();
    let count =
        registry.tags(&double.at("shop/api")).try_fold(0, async |count, _| Ok(count + 1)).await.unwrap();
    assert_eq!((count, registry.stats().requests), (220_000, 220));
}
