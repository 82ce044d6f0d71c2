//! Registries that cannot answer now.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Retry};
use deploy_core::registry::Registry;
use futures_util::TryStreamExt;

use crate::client;
use crate::double::{Asked, Double, Image, Reply};

/// Resolves at a double whose first answers `script` gives: the error, how long was waited, how many requests it took.
async fn resolved(
    script: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> (Result<(), Error>, Duration, usize) {
    let double = Double::scripted(script).await;
    double.images().put_image("shop/api", Some("v1"), &Image::default());
    let (registry, clock) = client(|builder| builder);
    let result = registry.resolve(&double.at("shop/api:v1")).await;
    (result.map(|_| ()), clock.waited(), double.taken().len())
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_passes_is_waited_for() {
    for status in [408, 429, 502, 503, 504] {
        let (result, waited, count) =
            resolved(move |asked| (asked.before < 2).then(|| Reply::new(status))).await;
        result.unwrap();
        assert_eq!(count, 3, "{status}");
        assert!(waited > Duration::ZERO && waited < SECOND, "{status}: {waited:?}");
    }
    let (result, _, count) = resolved(|asked| (asked.before < 2).then(Reply::breaks)).await;
    result.unwrap();
    assert_eq!(count, 3, "a connection that breaks off");
    let (result, _, count) = resolved(|_| Some(Reply::new(500))).await;
    assert_eq!((result.unwrap_err().kind(), count), (ErrorKind::Unavailable, 1));
}

#[tokio::test]
async fn each_wait_is_told_with_its_reason() {
    let double =
        Double::scripted(|asked| (asked.before < 2).then(|| Reply::new(429).header("retry-after", "3")))
            .await;
    double.images().put_image("shop/api", Some("v1"), &Image::default());
    let told: Arc<Mutex<Vec<(String, Duration)>>> = Arc::default();
    let tell = told.clone();
    let (registry, _) = client(|builder| {
        builder.on_wait(move |waiting| {
            tell.lock().unwrap().push((waiting.why.message().to_owned(), waiting.wait));
        })
    });
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2);
    for (why, wait) in told.iter() {
        assert!(why.contains("429"), "{why}");
        assert_eq!(*wait, 3 * SECOND);
    }
}

#[tokio::test]
async fn the_registrys_own_wait_is_kept() {
    let busy = |wait: &'static str| {
        move |asked: &Asked| (asked.before < 1).then(|| Reply::new(429).header("retry-after", wait))
    };
    let (result, waited, _) = resolved(busy("40")).await;
    result.unwrap();
    assert_eq!(waited, 40 * SECOND);
    let (result, waited, _) = resolved(busy("Sun, 22 Nov 2026 12:00:50 GMT")).await;
    result.unwrap();
    assert_eq!(waited, 50 * SECOND);
    let (result, waited, count) = resolved(busy("61")).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Unavailable, Retry::Later { after: Some(61 * SECOND) })
    );
    assert_eq!((waited, count), (Duration::ZERO, 1), "it fails at once");
}

#[tokio::test]
async fn patience_ends() {
    let (result, waited, count) = resolved(|_| Some(Reply::new(503))).await;
    assert_eq!(result.unwrap_err().retry(), Retry::Exhausted);
    assert_eq!(count, 8);
    assert!(waited < 60 * SECOND, "{waited:?}");
    let (result, waited, count) = resolved(|_| Some(Reply::new(429).header("retry-after", "25"))).await;
    assert_eq!(result.unwrap_err().retry(), Retry::Later { after: Some(25 * SECOND) });
    assert_eq!((waited, count), (50 * SECOND, 3), "one budget for the whole operation");
}

#[tokio::test]
async fn a_listing_goes_on_where_it_was() {
    let double = Double::scripted(|asked| match (asked.parameter("token").as_deref(), asked.before) {
        (Some("t-50"), 1) => Some(Reply::breaks()),
        (Some("t-50"), 2) => Some(Reply::new(429).header("retry-after", "3")),
        (Some("t-50"), 3) => Some(Reply::is_cut("{\"tags\":[")),
        _ => None,
    })
    .await;
    for number in 0..120 {
        double.images().put_image("shop/api", Some(&format!("v{number}")), &Image::default());
    }
    let (registry, clock) = client(|builder| builder);
    let tags: Vec<_> = registry.tags(&double.at("shop/api")).try_collect().await.unwrap();
    assert_eq!((tags.len(), registry.stats().requests, registry.stats().retries), (120, 6, 3));
    assert!(clock.waited() >= 3 * SECOND);
}

#[tokio::test]
async fn a_silent_registry_is_not_waited_for_without_end() {
    let double = Double::scripted(|_| Some(Reply::hangs())).await;
    let (registry, _) = client(|builder| {
        builder
            .request_timeout(Duration::from_millis(50))
            .backoff(deploy_core::layer::Backoff::default().attempts(2))
    });
    let error = registry.resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!((error.kind(), double.taken().len()), (ErrorKind::Timeout, 2), "{error}");
    assert!(error.to_string().contains("did not answer within 0.05 s"), "{error}");
    let (registry, _) = client(|builder| {
        let quick = deploy_core::layer::Backoff::default().first(Duration::from_millis(1));
        builder.request_timeout(Duration::from_millis(50)).patience(Duration::from_millis(120)).backoff(quick)
    });
    registry.resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(double.taken().len(), 3, "silence is taken from what may be waited");
}

#[tokio::test]
async fn no_more_is_asked_at_once_than_may_be() {
    for count in [1, 3, 8] {
        let double = Double::good().await;
        double.images().put_image("shop/api", Some("v1"), &Image::default());
        double.gather(count);
        let (registry, _) = client(|builder| builder.requests_per_host(count));
        let image = double.at("shop/api:v1");
        futures_util::future::try_join_all((0..24).map(|_| registry.resolve(&image))).await.unwrap();
        assert_eq!(double.most_at_once(), count);
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_explained() {
    let check = async |image: &str, https: bool, words: &str| {
        let host = image.split_once('/').unwrap().0.to_owned();
        let (registry, _) = client(|builder| if https { builder.https(host) } else { builder });
        let error = registry.resolve(&image.parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:?}");
    };
    let double = Double::good().await;
    check(
        &double.at::<deploy_core::image::Reference>("a:v1").to_string(),
        true,
        "does not speak TLS: it may speak plain HTTP",
    )
    .await;
    let free = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
    check(
        &format!("{free}/a:v1"),
        false,
        "refuses connections (is the registry running, and is the port right?)",
    )
    .await;
    check("registry.invalid/a:v1", true, "check the host in the reference, and the machine's DNS").await;
}
