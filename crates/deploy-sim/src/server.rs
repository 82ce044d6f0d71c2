//! The API server as a service: HTTP in, HTTP out.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use kube::client::Body;
use tower::Service;

use crate::api::{self, Reply};
use crate::cluster::Shared;
use crate::request::{self, MAX_BODY};
use crate::status::Status;
use crate::watch;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The API server, as a service that a client calls.
#[derive(Clone)]
pub(crate) struct Server {
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Service<Request<Body>> for Server {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        async move { Ok(answer(shared, request).await) }.boxed()
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    // One byte more than is allowed, so that the refusal is the API server's own.
    let body = match Limited::new(body, MAX_BODY + 1).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => vec![0; MAX_BODY + 1],
    };
    let reply = request::Request::read(&parts, body).and_then(|request| {
        let mut state = shared.state();
        let before = state.store.revision();
        let reply = api::answer(&mut state, &request);
        if state.store.revision() != before {
            shared.tell(&state);
        }
        reply
    });
    match reply {
        Ok(Reply::Json(code, body)) => json(code, body.to_string()),
        Ok(Reply::Text(code, text)) => {
            response(code, "text/plain; charset=utf-8", Full::from(text).boxed_unsync())
        }
        Ok(Reply::Watch(found)) => {
            response(200, "application/json", StreamBody::new(watch::body(shared, found)).boxed_unsync())
        }
        Err(status) => refusal(&status),
    }
}

fn refusal(status: &Status) -> Answer {
    json(status.code, status.to_value().to_string())
}

fn json(code: u16, body: String) -> Answer {
    response(code, "application/json", Full::from(body).boxed_unsync())
}

fn response(code: u16, content_type: &'static str, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
