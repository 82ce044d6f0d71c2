//! The token service: what it is asked, and what it answers (distribution's token authentication, and its OAuth 2 form).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::secret::SecretText;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use reqwest::Url;
use serde::Deserialize;

use super::Answer;
use super::request::{Access, Payload, Read, Request};
use crate::credentials::{Credential, Kind};

/// A token, and when another is to be asked for.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    pub(super) renew: Timestamp,
}

const LARGEST: u64 = 1 << 20;
/// What a token lasts where its service does not say (distribution's token authentication).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
const CLIENT: &str = "deploy-registry";

/// The request for a token with `scopes` at `realm`.
pub(super) fn request(
    registry: &str,
    realm: &Url,
    service: Option<&str>,
    scopes: &[String],
    credential: Option<&Credential>,
) -> Result<Request> {
    let mut url = realm.clone();
    if let Some(Kind::Identity(token)) = credential.map(|credential| &credential.kind) {
        let mut form = Url::parse("form:").map_err(|_| Error::new(ErrorKind::Internal, "no form"))?;
        form.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", service.unwrap_or_default())
            .append_pair("client_id", CLIENT)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("refresh_token", token.reveal());
        let body = form.query().unwrap_or_default().to_owned();
        let mut request = Request::new(Method::POST, registry, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .payload(Payload::Bytes(body.into()))
            .replayable();
        request.access = Access::Shown(None);
        return Ok(request.read(Read::Whole(LARGEST)));
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        if let Some(Kind::Basic { user, .. }) = credential.map(|credential| &credential.kind) {
            query.append_pair("account", user);
        }
    }
    let shown = match credential.map(|credential| &credential.kind) {
        Some(Kind::Basic { user, password }) => Some(basic(user, password)?),
        _ => None,
    };
    let mut request = Request::new(Method::GET, registry, url).read(Read::Whole(LARGEST));
    request.access = Access::Shown(shown);
    Ok(request)
}

/// The token in an answer to a request that was sent at `asked`.
pub(super) fn read(answer: &Answer, asked: Timestamp) -> Result<Token> {
    let body: Body = answer.json("a token")?;
    let text = [body.token, body.access_token].into_iter().flatten().find(|token| !token.is_empty());
    let text = text.ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            format!("{} answered without a token", super::hosts::shown(&answer.url)),
        )
    })?;
    let life = body.expires_in.map_or(SHORTEST_LIFE, Duration::from_secs).max(Duration::from_secs(1));
    // A service may hand out a token that it has had for a while. One whose clock is wrong costs at most a refused request.
    let age = body.issued_at.and_then(|at| at.parse().ok()).map_or(Duration::ZERO, |at| asked.since(at));
    let left = life.checked_sub(age).unwrap_or(life);
    let margin = (left / 10).min(SHORTEST_LIFE);
    Ok(Token { header: bearer(&SecretText::new(text))?, renew: asked + left.saturating_sub(margin) })
}

#[derive(Deserialize)]
struct Body {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
    issued_at: Option<String>,
}

pub(super) fn basic(user: &str, password: &SecretText) -> Result<HeaderValue> {
    secret(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal()))))
}

pub(super) fn bearer(token: &SecretText) -> Result<HeaderValue> {
    secret(format!("Bearer {}", token.reveal()))
}

fn secret(text: String) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::invalid("a credential holds a character that no header can"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The scopes of our own, and those of the challenge that they do not cover.
pub(super) fn scopes(own: &[String], asked: &[String]) -> Vec<String> {
    let mut all = own.to_vec();
    all.extend(asked.iter().filter(|scope| !own.iter().any(|own| covers(own, scope))).cloned());
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a scope (`repository:shop/api:pull,push`) allows all that `other` does.
fn covers(own: &str, other: &str) -> bool {
    let (Some((own, allowed)), Some((other, wanted))) = (own.rsplit_once(':'), other.rsplit_once(':')) else {
        return own == other;
    };
    own == other && wanted.split(',').all(|action| allowed.split(',').any(|allowed| allowed == action))
}

pub(super) fn header_of(request: &Request) -> Option<&HeaderValue> {
    match &request.access {
        Access::Shown(Some(value)) => Some(value),
        _ => request.headers.get(AUTHORIZATION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_asked_for_once() {
        let check = |own: &[&str], asked: &[&str], expect: &[&str]| {
            let strings = |scopes: &[&str]| scopes.iter().map(|&scope| scope.to_owned()).collect::<Vec<_>>();
            assert_eq!(scopes(&strings(own), &strings(asked)), strings(expect));
        };
        check(&["repository:a:pull"], &[], &["repository:a:pull"]);
        check(&["repository:a:pull,push"], &["repository:a:pull"], &["repository:a:pull,push"]);
        check(
            &["repository:a:pull"],
            &["repository:a:delete"],
            &["repository:a:delete", "repository:a:pull"],
        );
        check(&[], &["registry:catalog:*"], &["registry:catalog:*"]);
        check(
            &["repository:a:pull"],
            &["repository:host:5/a:pull"],
            &["repository:a:pull", "repository:host:5/a:pull"],
        );
    }
}
