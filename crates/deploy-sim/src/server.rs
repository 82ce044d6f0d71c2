//! The API server as a service: HTTP in, HTTP out.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tower::Service;

use crate::access;
use crate::api::{self, Reply};
use crate::cluster::Shared;
use crate::faults::{Asked, Effect};
use crate::follow;
use crate::openapi::Found;
use crate::request::{self, MAX_BODY};
use crate::status::Status;
use crate::user::User;
use crate::watch;
use crate::yaml;

/// The discovery of all groups in one document.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// For how long clients may keep what does not change: a year, as the real server says it by a date.
const LASTING: &str = "public, immutable, max-age=31536000";

pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// The API server, as a service that a client calls.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    /// Who asks without saying who they are.
    pub(crate) anybody: Arc<User>,
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>, anybody: User) -> Self {
        Self { shared, anybody: Arc::new(anybody) }
    }
}

impl<B> Service<Request<B>> for Server
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Answer;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Answer, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        #[cfg(feature = "listen")]
        if let Some(wanted) = crate::forward::Wanted::of(&request) {
            return crate::forward::answer(self.clone(), wanted, request.into_parts().0).boxed();
        }
        carry(self.clone(), request).boxed()
    }
}

/// Brings a request to the API server and its answer back, with all that goes wrong on the way.
///
/// # Errors
/// What a client sees of a broken connection.
async fn carry<B>(server: Server, request: Request<B>) -> Result<Answer, io::Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Server { shared, anybody } = server;
    let (parts, body) = request.into_parts();
    // One byte more than is allowed, so that the refusal is the API server's own.
    let body = match Limited::new(body, MAX_BODY + 1).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => vec![0; MAX_BODY + 1],
    };
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let request = request::Request::read(&parts, body, anybody);
    let is_watch = request.as_ref().is_ok_and(|request| request.query.flag("watch"));
    let has_rivals = shared.faults().has_rivals();
    let changes_existing = has_rivals
        && request.as_ref().is_ok_and(|request| {
            request.check_body().is_ok() && api::changes_existing(&shared.state(), request)
        });
    let asked = Asked { method: parts.method.as_str(), path, is_watch, changes_existing };
    let met = shared.faults().met(&asked);
    let mut broken = None;
    for effect in &met {
        match effect {
            Effect::Slow(by) => sleep(*by).await,
            Effect::Overloaded(retry_after) => return Ok(overloaded(*retry_after)),
            Effect::ServerError => return Ok(refusal(&Status::internal_error())),
            Effect::Expired => return Ok(refusal(&Status::expired())),
            Effect::RequestLost => return Err(io::ErrorKind::ConnectionReset.into()),
            Effect::WatchBroken(after) => broken = Instant::now().checked_add(*after),
            Effect::AnswerLost | Effect::Rival(_) => {}
        }
    }
    if shared.faults().is_down() {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let mut warnings = Vec::new();
    let reply = request.and_then(|mut request| {
        let mut state = shared.sound_state()?;
        access::admit(&state, &mut request)?;
        request.check_body()?;
        let before = state.store.revision();
        for effect in &met {
            if let Effect::Rival(rival) = effect {
                // Who is refused writes nothing, as anybody else.
                let _ = api::interfere(&mut state, &request, rival);
            }
        }
        let reply = api::answer(&mut state, &request);
        warnings = request.warnings();
        if state.store.revision() != before {
            shared.tell(&state);
        }
        reply
    });
    if met.iter().any(|effect| matches!(effect, Effect::AnswerLost)) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let mut answer = match reply {
        // Clients tell by its type whether they were given what they asked for.
        Ok(Reply::Json(code, body)) if body["kind"] == "APIGroupDiscoveryList" => {
            response(code, AGGREGATED, whole(written(&body)))
        }
        Ok(Reply::Json(code, body)) => json(code, &body),
        Ok(Reply::Document(text) | Reply::OpenApi(Found::Document(text))) => {
            response(200, "application/json", whole(text.into_bytes()))
        }
        Ok(Reply::OpenApi(Found::Lasting(text))) => with_headers(
            response(200, "application/json", whole(text.into_bytes())),
            &[(header::CACHE_CONTROL, LASTING), (header::VARY, "Accept")],
        ),
        Ok(Reply::OpenApi(Found::Moved(to))) => {
            with_headers(response(301, "application/json", whole(Vec::new())), &[(header::LOCATION, &to)])
        }
        Ok(Reply::Yaml(code, body)) => response(code, "application/yaml", whole(yaml::written(&body))),
        Ok(Reply::Text(code, text)) => text_response(code, text),
        Ok(Reply::Watch(found)) => {
            let body = StreamBody::new(watch::body(shared, found, broken));
            response(200, "application/json", body.boxed_unsync())
        }
        Ok(Reply::Follow(followed)) => {
            let body = StreamBody::new(follow::body(shared, followed));
            response(200, "text/plain", body.boxed_unsync())
        }
        Err(status) => refusal(&status),
    };
    warn(&mut answer, &warnings);
    Ok(answer)
}

/// Bytes of all warnings, as the real server cuts them; how many, of which clients read a hundred headers.
const MOST_WARNED: usize = 4_096;
const MOST_WARNINGS: usize = 64;

/// Adds the `Warning` headers (RFC 2616's 299: a persistent one of nobody in particular).
fn warn(answer: &mut Answer, warnings: &[String]) {
    let mut left = MOST_WARNED;
    for warning in warnings {
        let Some(rest) = left.checked_sub(warning.len()) else { break };
        left = rest;
        if answer.headers().get_all(header::WARNING).iter().count() == MOST_WARNINGS {
            break;
        }
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = header::HeaderValue::try_from(format!("299 - \"{text}\"")) {
            answer.headers_mut().append(header::WARNING, value);
        }
    }
}

/// As priority and fairness answers: in plain text.
fn overloaded(retry_after: Duration) -> Answer {
    let mut answer = text_response(429, "Too many requests, please try again later.\n".into());
    answer.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().into());
    answer
}

pub(crate) fn refusal(status: &Status) -> Answer {
    json(status.code, &status.to_value())
}

fn json(code: u16, body: &Value) -> Answer {
    let mut text = written(body);
    // As Go's encoder ends a document.
    text.push(b'\n');
    response(code, "application/json", whole(text))
}

/// As bytes: to write JSON as text costs half as much again.
pub(crate) fn written(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

fn text_response(code: u16, text: String) -> Answer {
    response(code, "text/plain; charset=utf-8", whole(text.into_bytes()))
}

pub(crate) fn whole(body: Vec<u8>) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::from(body).map_err(|never| match never {}).boxed_unsync()
}

fn with_headers(mut answer: Answer, headers: &[(header::HeaderName, &str)]) -> Answer {
    for (name, value) in headers {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn response(code: u16, content_type: &'static str, body: UnsyncBoxBody<Bytes, io::Error>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_have_an_end() {
        let check = |warnings: &[String], expect: usize| {
            let mut answer = text_response(200, String::new());
            warn(&mut answer, warnings);
            assert_eq!(answer.headers().get_all(header::WARNING).iter().count(), expect);
        };
        check(&vec!["a".into(); 3], 3);
        check(&vec!["a".into(); 10_000], MOST_WARNINGS);
        check(&vec!["a".repeat(1_000); 10], 4);
        check(&["a".repeat(MOST_WARNED + 1)], 0);
    }
}
