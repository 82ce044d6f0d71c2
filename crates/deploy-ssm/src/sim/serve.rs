//! The port: connections, and the way of one call through faults and effect to its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::account::{Account, Call};
use super::fault::{Fault, Moment};
use super::wire::{Answer, Refusal, response};
use super::{inventory, read, send};

/// Bytes of one request that are read.
const MAX_REQUEST: usize = 1 << 20;

/// The connection is to break.
#[derive(Debug)]
pub(super) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the emulator breaks the connection")
    }
}

impl std::error::Error for Broken {}

/// Serves SSM's connections until it is dropped; then they end, too.
pub(super) async fn accept(listener: TcpListener, account: Arc<Account>) {
    let answer = move |request| {
        let account = Arc::clone(&account);
        async move { answer(&account, request).await }
    };
    connections(listener, answer).await;
}

/// Answers what comes over all connections.
pub(super) async fn connections<A, F, B>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, Broken>> + Send + 'static,
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    let mut connections = JoinSet::new();
    // A listener of loopback fails only for want of file descriptors.
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        connections.spawn(async move {
            // Whoever breaks it off is nobody's business but the client's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(account: &Arc<Account>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let operation = header("x-amz-target").and_then(|target| target.strip_prefix("AmazonSSM."));
    let operation = operation.unwrap_or_default().to_owned();
    let region = header("authorization").map(|value| signed_for(value).to_owned());
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect().await.map_err(|_| Broken)?.to_bytes();

    let (number, fault) = arrived(account, &operation).await;
    let refusal = fault.and_then(|fault| fault.refusal(&operation, &account.options.region));
    let answer = match (fault, refusal) {
        (Some(Fault::DropBefore), _) => Err(Refusal::new("dropped", "")),
        (_, Some(refusal)) => Err(refusal),
        _ => match region {
            Some(region) => effect(account, &operation, &body, region == account.options.region),
            None => Err(Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token")),
        },
    };
    hold(account, number, Moment::After).await;
    let is_lost = matches!(fault, Some(Fault::DropBefore | Fault::DropAfter));
    let refused = answer.as_ref().err().map(|refusal| refusal.kind.clone());
    left(account, number, if is_lost { Some("dropped".into()) } else { refused });
    if is_lost { Err(Broken) } else { Ok(response(&answer)) }
}

/// Numbers a call that has come, and says what goes wrong with it.
pub(super) async fn arrived(account: &Account, operation: &str) -> (usize, Option<Fault>) {
    let (number, fault, latency) = {
        let mut state = account.state();
        state.calls.push(Call { operation: operation.to_owned(), refused: None });
        let number = state.calls.len();
        (number, state.faults.of(number, operation), state.faults.latency)
    };
    tokio::time::sleep(latency).await;
    hold(account, number, Moment::Before).await;
    (number, fault)
}

/// Notes how a call ended.
pub(super) fn left(account: &Account, number: usize, refused: Option<String>) {
    account.state().calls[number - 1].refused = refused;
}

/// Waits for ever where the call is to be held.
pub(super) async fn hold(account: &Account, number: usize, moment: Moment) {
    let is_held = account.state().faults.holds(number, moment);
    if is_held {
        std::future::pending::<()>().await;
    }
}

/// What the call does. In another region than the nodes' there are none.
fn effect(account: &Arc<Account>, operation: &str, body: &[u8], is_here: bool) -> Answer {
    let Ok(input) = serde_json::from_slice::<Value>(body) else {
        return Err(Refusal::new("SerializationException", "the body is not JSON"));
    };
    match operation {
        "SendCommand" => send::send_command(account, &input, is_here),
        "CancelCommand" => send::cancel_command(account, &input, is_here),
        "GetCommandInvocation" => read::get_command_invocation(account, &input, is_here),
        "ListCommands" => read::list_commands(account, &input, is_here),
        "ListCommandInvocations" => read::list_command_invocations(account, &input, is_here),
        "DescribeInstanceInformation" => inventory::describe(account, &input, is_here),
        other => {
            let now = account.clock.now().as_millis() / 1000;
            let mut state = account.state();
            state.parameters.tell_time(now);
            let answer = state.parameters.answer(other, &input);
            answer.map_err(|(kind, message)| Refusal::new(kind, message))
        }
    }
}

/// The region of a signature: `Credential=KEY/DATE/REGION/ssm/aws4_request`.
fn signed_for(authorization: &str) -> &str {
    let scope = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    scope.split(',').next().unwrap_or_default().split('/').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_from_the_signature() {
        let check = |text, expected| assert_eq!(signed_for(text), expected);
        check(
            "AWS4-HMAC-SHA256 Credential=A/20261122/eu-central-1/ssm/aws4_request, SignedHeaders=x",
            "eu-central-1",
        );
        check("Bearer x", "");
        check("", "");
    }
}
