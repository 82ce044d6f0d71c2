//! A place before another service, S3 as a rule: its requests are numbered, fail and are held as SSM's are.

use std::sync::Arc;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::account::Account;
use super::fault::{Fault, Moment};
use super::serve::{Broken, arrived, connections, hold, left};

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Opens a port in front of `url`, and says its own.
pub(super) async fn open(account: &Arc<Account>, url: &str) -> Result<String> {
    let behind = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
    let behind = behind.filter(|address| !address.contains('/')).ok_or_else(|| {
        Error::invalid(format!("\"{}\" is not a URL like http://127.0.0.1:9000", url.escape_default()))
    })?;
    let failed = |source: std::io::Error| {
        Error::new(ErrorKind::Unavailable, "no port of loopback is free").source(source)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (shared, behind) = (Arc::clone(account), Arc::new(behind));
    account.spawn(connections(listener, move |request| {
        let (account, behind) = (Arc::clone(&shared), Arc::clone(&behind));
        async move { pass(&account, &behind, request).await }
    }));
    Ok(format!("http://{address}"))
}

/// A caller signs in a header. What is signed in the URL comes from whoever was given it, and is not the caller's.
async fn pass(account: &Account, behind: &str, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    if !request.headers().contains_key(http::header::AUTHORIZATION) {
        return forward(behind, request).await;
    }
    let operation = operation(&request);
    let (number, fault) = arrived(account, &operation).await;
    let answer = match fault {
        Some(Fault::DropBefore) => Err(Broken),
        None | Some(Fault::DropAfter) => forward(behind, request).await,
        Some(fault) => Ok(refusal(fault)),
    };
    hold(account, number, Moment::After).await;
    let is_lost = matches!(fault, Some(Fault::DropBefore | Fault::DropAfter));
    let refused = answer.as_ref().ok().map(Response::status).filter(|status| !status.is_success());
    left(
        account,
        number,
        if is_lost { Some("dropped".into()) } else { refused.map(|status| status.to_string()) },
    );
    if is_lost { Err(Broken) } else { answer }
}

/// What AWS's clients call it in the URL, else method and path.
fn operation<B>(request: &Request<B>) -> String {
    let query = request.uri().query().unwrap_or_default();
    match query.split('&').find_map(|pair| pair.strip_prefix("x-id=")) {
        Some(name) => name.to_owned(),
        None => format!("{} {}", request.method(), request.uri().path()),
    }
}

async fn forward(behind: &str, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    let stream = TcpStream::connect(behind).await.map_err(|_| Broken)?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Broken)?;
    // It ends with the answer's body, or breaks, which the body says.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let answer = sender.send_request(request).await.map_err(|_| Broken)?;
    Ok(answer.map(BodyExt::boxed_unsync))
}

/// What S3 says in the place of SSM's words.
fn refusal(fault: Fault) -> Response<Body> {
    let (status, code, message) = match fault {
        Fault::Throttled => (503, "SlowDown", "Please reduce your request rate."),
        Fault::ExpiredToken => (400, "ExpiredToken", "The provided token has expired."),
        Fault::AccessDenied => (403, "AccessDenied", "Access Denied"),
        Fault::Unavailable => (503, "ServiceUnavailable", "Service is unable to handle request."),
        Fault::DropBefore | Fault::DropAfter | Fault::InternalError => {
            (500, "InternalError", "We encountered an internal error. Please try again.")
        }
    };
    let xml = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let mut response =
        Response::new(Full::new(Bytes::from(xml)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named() {
        let check = |uri: &str, expected: &str| {
            let request = Request::get(uri).body(()).unwrap();
            assert_eq!(operation(&request), expected);
        };
        check("/bucket/key?x-id=GetObject", "GetObject");
        check("/bucket/?list-type=2", "GET /bucket/");
    }
}
