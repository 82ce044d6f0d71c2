//! Tokens and credentials.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::registry::Registry;
use deploy_registry::credentials::{Credential, Credentials};

use crate::double::{Asked, Double, Reply};
use crate::{client, plain};

/// Hands out one credential after the other, the last one again and again.
#[derive(Clone)]
struct Rotating {
    all: Arc<Vec<Credential>>,
    asked: Arc<AtomicUsize>,
    hosts: Arc<Mutex<Vec<String>>>,
}

impl Rotating {
    fn new(all: impl IntoIterator<Item = Credential>) -> Self {
        Self { all: Arc::new(all.into_iter().collect()), asked: Arc::default(), hosts: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Credentials for Rotating {
    fn describe(&self) -> String {
        "the test".to_owned()
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        self.hosts.lock().unwrap().push(host.to_owned());
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.all.get(number).or(self.all.last()).cloned())
    }
}

fn challenge(asked: &Asked, scope: &str) -> Reply {
    let parameters =
        format!("Bearer realm=\"http://{}/token\",service=\"double\",scope=\"{scope}\"", asked.host);
    Reply::new(401).header("www-authenticate", parameters)
}

/// Wants a token, which `token` hands out; one that starts with `good` opens everything.
async fn with_tokens(token: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Double {
    let double = Double::scripted(move |asked| {
        if asked.path == "/token" {
            return Some(token(asked));
        }
        let good = asked.authorization().is_some_and(|shown| shown.starts_with("Bearer good"));
        (!good).then(|| challenge(asked, "repository:shop/api:pull"))
    })
    .await;
    for repository in ["shop/api", "shop/web"] {
        double.images().put_image(repository, Some("v1"), &crate::double::Image::of_revision("4f1c2d9"));
    }
    double
}

fn token(text: &str) -> Reply {
    Reply::json(serde_json::json!({"token": text}).to_string())
}

const HEAD: &str = "HEAD /v2/shop/api/manifests/v1";

#[tokio::test]
async fn a_registry_without_authentication_costs_no_extra_request() {
    let double = Double::good().await;
    double.images().put_image("shop/api", Some("v1"), &crate::double::Image::default());
    let credentials = Rotating::new([Credential::basic("ci", "word")]);
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(double.taken(), [HEAD, HEAD]);
    assert_eq!(credentials.asked(), 0, "what nobody asks for is not looked up");
}

#[tokio::test]
async fn a_token_is_asked_for_once() {
    let double = with_tokens(|_| token("good")).await;
    let registry = plain();
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    let asked = double.asked();
    assert_eq!(double.taken(), [HEAD, "GET /token", HEAD]);
    assert_eq!(asked[1].query, "service=double&scope=repository%3Ashop%2Fapi%3Apull");
    assert_eq!(asked[1].authorization(), None);
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(double.taken(), [HEAD]);
    registry.resolve(&double.at("shop/web:v1")).await.unwrap();
    let web = double.asked();
    assert_eq!(double.taken(), ["GET /token", "HEAD /v2/shop/web/manifests/v1"], "the challenge is known");
    assert_eq!(
        web[0].query, "service=double&scope=repository%3Ashop%2Fweb%3Apull",
        "nothing but what is needed"
    );
    assert_eq!(registry.stats().tokens, 2);
}

#[tokio::test]
async fn many_at_once_share_a_token() {
    let double = with_tokens(|_| token("good")).await;
    let registry = plain();
    let image = double.at("shop/api:v1");
    futures_util::future::try_join_all((0..20).map(|_| registry.resolve(&image))).await.unwrap();
    assert_eq!(registry.stats().tokens, 1);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let check = async |body: &'static str, good: u64, ended: u64| {
        let double = with_tokens(move |_| Reply::json(body)).await;
        let (registry, clock) = client(|builder| builder);
        let image = double.at("shop/api:v1");
        registry.resolve(&image).await.unwrap();
        double.taken();
        clock.advance(Duration::from_secs(good));
        registry.resolve(&image).await.unwrap();
        assert_eq!(double.taken(), [HEAD], "{body}");
        clock.advance(Duration::from_secs(ended - good));
        registry.resolve(&image).await.unwrap();
        assert_eq!(double.taken(), ["GET /token", HEAD], "{body}");
    };
    check(r#"{"token":"good"}"#, 50, 55).await;
    check(r#"{"access_token":"good","expires_in":300}"#, 265, 275).await;
    check(r#"{"token":"good","expires_in":3600}"#, 3500, 3545).await;
    check(r#"{"token":"good","expires_in":300,"issued_at":"2026-11-22T11:58:20Z"}"#, 170, 185).await;
    check(r#"{"token":"good","expires_in":300,"issued_at":"2020-01-01T00:00:00Z"}"#, 265, 275).await;
    check(r#"{"token":"good","expires_in":300,"issued_at":"yesterday"}"#, 265, 275).await;
}

#[tokio::test]
async fn a_token_that_ended_early_is_replaced_once() {
    let count = AtomicUsize::new(0);
    let double =
        with_tokens(move |_| token(if count.fetch_add(1, Ordering::SeqCst) == 0 { "stale" } else { "good" }))
            .await;
    plain().resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(double.taken(), [HEAD, "GET /token", HEAD, "GET /token", HEAD]);
    let never = with_tokens(|_| token("stale")).await;
    let error = plain().resolve(&never.at("shop/api:v1")).await.unwrap_err();
    assert_eq!((error.kind(), never.taken().len()), (ErrorKind::Unauthorized, 5));
    assert!(error.advice().unwrap().contains("docker login"), "{error}");
}

#[tokio::test]
async fn a_user_shows_the_password_to_the_token_service_alone() {
    let double = with_tokens(|asked| match asked.authorization() {
        Some("Basic Y2k6d29yZA==") => token("good"),
        _ => Reply::new(401),
    })
    .await;
    let credentials = Rotating::new([Credential::basic("ci", "word")]);
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    let shown: Vec<_> = double.asked().iter().map(|asked| asked.authorization().map(str::to_owned)).collect();
    assert_eq!(shown, [None, Some("Basic Y2k6d29yZA==".to_owned()), Some("Bearer good".to_owned())]);
    assert_eq!(*credentials.hosts.lock().unwrap(), [double.host()]);
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let double = with_tokens(|asked| {
        assert_eq!(asked.method, "POST");
        let body = std::str::from_utf8(&asked.body).unwrap();
        assert!(
            body.contains("grant_type=refresh_token") && body.contains("refresh_token=s%26cret"),
            "{body}"
        );
        assert!(
            body.contains("service=double") && body.contains("scope=repository%3Ashop%2Fapi%3Apull"),
            "{body}"
        );
        Reply::json(r#"{"access_token":"good"}"#)
    })
    .await;
    let (registry, _) =
        client(|builder| builder.credentials(Rotating::new([Credential::identity_token("s&cret")])));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
}

#[tokio::test]
async fn a_bearer_token_is_shown_as_it_is() {
    let double = with_tokens(|_| Reply::new(500)).await;
    let (registry, _) =
        client(|builder| builder.credentials(Rotating::new([Credential::bearer("good one")])));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(double.taken(), [HEAD, HEAD]);
}

#[tokio::test]
async fn a_busy_token_service_is_told_as_what_it_is() {
    let double = with_tokens(|_| Reply::new(429).header("retry-after", "900").body("too many logins")).await;
    let error = plain().resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(900)) });
    assert!(
        error.to_string().contains("the token service 127.0.0.1")
            && error.to_string().contains("too many logins"),
        "{error}"
    );
    let double = with_tokens(|asked| {
        if asked.before < 2 { Reply::new(429).header("retry-after", "7") } else { token("good") }
    })
    .await;
    let (registry, clock) = client(|builder| builder);
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert!(
        clock.waited() >= Duration::from_secs(14) && clock.waited() < Duration::from_secs(20),
        "{:?}",
        clock.waited()
    );
    let double = with_tokens(|_| Reply::new(503)).await;
    let error = plain().resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
}

async fn refusal_of(
    token: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    credentials: &Rotating,
) -> (Error, usize) {
    let double = with_tokens(token).await;
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    let error = registry.resolve(&double.at("shop/api:v1")).await.unwrap_err();
    (error, double.asked().iter().filter(|asked| asked.path == "/token").count())
}

#[tokio::test]
async fn what_the_token_service_says_is_told_without_secrets() {
    let said = r#"{"details":"incorrect username or password: ci/hunter2"}"#;
    let credentials = Rotating::new([Credential::basic("ci", "hunter2")]);
    let (error, tries) = refusal_of(move |_| Reply::json(said).status(401), &credentials).await;
    assert_eq!((error.kind(), tries), (ErrorKind::Unauthorized, 1), "the same password is not tried twice");
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("incorrect username or password: ci/***") && text.contains("user \"ci\" from the test"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    let (error, _) =
        refusal_of(|_| Reply::new(200).header("content-type", "text/html").body("<html>"), &credentials)
            .await;
    assert!(error.to_string().contains("answered with text/html where a token was due"), "{error}");
    let (error, _) = refusal_of(
        |_| Reply::new(429).header("retry-after", "900").body("hunter2 is asked too often"),
        &credentials,
    )
    .await;
    assert!(
        error.to_string().contains("*** is asked too often") && error.kind() == ErrorKind::Unavailable,
        "{error}"
    );
    let (error, _) = refusal_of(|_| Reply::json("{}"), &credentials).await;
    assert!(error.to_string().contains("answered without a token"), "{error}");
}

#[tokio::test]
async fn a_rotated_password_is_asked_for_where_the_old_one_is_refused() {
    let credentials = Rotating::new([Credential::basic("ci", "old"), Credential::basic("ci", "word")]);
    let double = with_tokens(|asked| match asked.authorization() {
        Some("Basic Y2k6d29yZA==") => token("good"),
        _ => Reply::new(403),
    })
    .await;
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(credentials.asked(), 2);
}

/// As ECR does: a password that is shown to the registry itself, whose end is a 403.
async fn with_passwords() -> Double {
    let double = Double::scripted(|asked| match asked.authorization() {
        None => Some(
            Reply::new(401)
                .header("www-authenticate", "Basic realm=\"https://ecr.example/\",service=\"ecr.example\""),
        ),
        Some("Basic Y2k6d29yZA==") => None,
        Some(_) => Some(
            Reply::json(r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired"}]}"#)
                .status(403),
        ),
    })
    .await;
    double.images().put_image("shop/api", Some("v1"), &crate::double::Image::default());
    double
}

#[tokio::test]
async fn an_end_that_shows_as_403_has_credentials_asked_again_once() {
    let double = with_passwords().await;
    let credentials = Rotating::new([Credential::basic("ci", "old"), Credential::basic("ci", "word")]);
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!(double.taken(), [HEAD, HEAD, HEAD]);
    registry.resolve(&double.at("shop/api:v1")).await.unwrap();
    assert_eq!((double.taken().len(), credentials.asked()), (1, 2));

    let double = with_passwords().await;
    let credentials = Rotating::new([Credential::basic("ci", "old")]);
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    let repository = double.at("shop/api");
    let error = registry.blob(&repository, &deploy_core::image::Digest::sha256(b""), 10).await.unwrap_err();
    assert_eq!((error.kind(), double.taken().len(), credentials.asked()), (ErrorKind::Forbidden, 3, 2));
    assert!(error.to_string().contains("Your authorization token has expired"), "{error}");
}

#[tokio::test]
async fn a_credential_is_replaced_before_it_expires() {
    let double = with_passwords().await;
    let ends = "2026-11-23T00:00:00Z".parse().unwrap();
    let credentials = Rotating::new([Credential::basic("ci", "word").expires(ends)]);
    let (registry, clock) = client(|builder| builder.credentials(credentials.clone()));
    let image = double.at("shop/api:v1");
    registry.resolve(&image).await.unwrap();
    clock.advance(Duration::from_secs(11 * 3600));
    registry.resolve(&image).await.unwrap();
    assert_eq!(credentials.asked(), 1);
    clock.advance(Duration::from_secs(3600 - 30));
    registry.resolve(&image).await.unwrap();
    assert_eq!(credentials.asked(), 2);
}

#[tokio::test]
async fn no_credentials_are_told_as_such() {
    let double = with_passwords().await;
    let error = plain().resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        error
            .to_string()
            .contains("asks for a user and a password (log in to it, as with docker login 127.0.0.1"),
        "{error}"
    );
    let (registry, _) = client(|builder| builder.credentials(Rotating::new([])));
    let error = registry.resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert!(error.to_string().contains("and the test has none for it"), "{error}");
}

#[tokio::test]
async fn a_refusal_that_repeats_what_it_was_shown_is_masked() {
    let double = Double::scripted(|asked| match asked.authorization() {
        None => Some(Reply::new(401).header("www-authenticate", "Basic realm=x")),
        Some(shown) => Some(Reply::new(400).body(format!("what is {shown}?"))),
    })
    .await;
    let (registry, _) =
        client(|builder| builder.credentials(Rotating::new([Credential::basic("ci", "word")])));
    let digest = deploy_core::image::Digest::sha256(b"");
    let error = registry.blob(&double.at("shop/api"), &digest, 10).await.unwrap_err();
    assert!(error.to_string().contains("what is Basic ***?"), "{error}");
}

#[tokio::test]
async fn secrets_go_nowhere_in_plain_text() {
    let double = Double::scripted(|_| {
        Some(Reply::new(401).header("www-authenticate", "Bearer realm=\"http://tokens.example/token\""))
    })
    .await;
    let credentials = Rotating::new([Credential::basic("ci", "word")]);
    let (registry, _) = client(|builder| builder.credentials(credentials.clone()));
    let error = registry.resolve(&double.at("shop/api:v1")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("sends credentials to http://tokens.example/token, in plain text: refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirect_does_not_take_secrets_along() {
    let store = Double::scripted(|asked| {
        assert_eq!(asked.authorization(), None);
        Some(Reply::new(200).body("content"))
    })
    .await;
    let target = format!("http://{}/signed?secret=1", store.host());
    let double = Double::scripted(move |asked| match asked.authorization() {
        None => Some(Reply::new(401).header("www-authenticate", "Basic realm=x")),
        Some(_) if asked.path.ends_with(&"0".repeat(64)) => {
            Some(Reply::new(302).header("location", "http://store.example/?secret=1"))
        }
        Some(_) => Some(Reply::new(307).header("location", target.clone())),
    })
    .await;
    let (registry, _) =
        client(|builder| builder.credentials(Rotating::new([Credential::basic("ci", "word")])));
    let digest = deploy_core::image::Digest::sha256(b"content");
    assert_eq!(registry.blob(&double.at("shop/api"), &digest, 10).await.unwrap(), b"content");
    assert_eq!(store.taken(), ["GET /signed"]);
    let elsewhere = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let error = registry.blob(&double.at("shop/api"), &elsewhere, 10).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("redirects to store.example, which is not encrypted: refused")
            && !text.contains("secret"),
        "{text}"
    );
    let circle = Double::scripted(|asked| Some(Reply::new(302).header("location", asked.path.clone()))).await;
    let error = plain().blob(&circle.at("shop/api"), &digest, 10).await.unwrap_err();
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
    assert_eq!(circle.taken().len(), 6);
}
