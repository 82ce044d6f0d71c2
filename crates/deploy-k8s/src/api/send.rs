//! Sends one request, again where that is allowed, within its time.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use deploy_core::error::{Error, ErrorKind, Result, Retry};
use futures_util::StreamExt;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Collected, Limited};
use kube::client::Body;
use serde_json::Value;

use super::Cluster;
use super::answer::Refusal;
use super::retry::{Repeat, Setback, wait};

/// An answer that is kept whole is one object at most, and refused if it is larger than this.
const MAX_ANSWER: usize = 16 << 20;
/// Of a refusal no more than this is read.
const MAX_REFUSAL: usize = 1 << 20;

/// A request, before it is sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) repeat: Repeat,
    /// What is done, for errors: `apply`.
    pub(crate) verb: &'static str,
    /// To what, for errors: `Deployment shop/api`.
    pub(crate) object: String,
}

/// How a call failed: refused by the server, or not answered at all.
pub(crate) enum Failed {
    Refused(Refusal),
    Unanswered(Error),
}

impl Failed {
    pub(crate) fn into_error(self, verb: &str, object: &str) -> Error {
        match self {
            Self::Refused(refusal) => refusal.into_error(verb, object),
            Self::Unanswered(error) => error.during(verb).on(object),
        }
    }
}

/// Takes in the body of one answer as it comes. When the answer breaks off it is dropped, and the next try starts with a new one.
pub(super) trait Receive {
    /// What the body comes to.
    type Out;

    /// Takes in the next bytes; after `Break` the rest is not read.
    ///
    /// # Errors
    /// What no other try would make better.
    fn chunk(&mut self, bytes: &[u8]) -> Result<ControlFlow<()>>;

    /// What all of it came to, or what came until the `Break`.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    fn end(self) -> Result<Self::Out>;
}

/// Keeps an answer whole.
#[derive(Default)]
struct Whole(Vec<u8>);

impl Receive for Whole {
    type Out = Vec<u8>;

    fn chunk(&mut self, bytes: &[u8]) -> Result<ControlFlow<()>> {
        if self.0.len() + bytes.len() > MAX_ANSWER {
            return Err(Error::new(ErrorKind::Internal, "the API server's answer is larger than 16 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(ControlFlow::Continue(()))
    }

    fn end(self) -> Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Why one try came to nothing.
enum Miss {
    Refused(Refusal),
    Unanswered(Unanswered),
    /// It was answered with something that cannot be right.
    Unusable(Error),
}

struct Unanswered {
    setback: Setback,
    why: String,
}

impl Cluster {
    /// Sends `call` until it is answered or may not be repeated any more.
    pub(crate) async fn call(&self, call: &Call) -> Result<Vec<u8>, Failed> {
        self.receive(call, Whole::default).await
    }

    /// The same for an answer that is taken in as it comes: by one of `receiver` for every try.
    pub(super) async fn receive<R: Receive>(
        &self,
        call: &Call,
        receiver: impl Fn() -> R,
    ) -> Result<R::Out, Failed> {
        let started = self.clock().now();
        let mut tries = 0;
        loop {
            let outcome = {
                // The semaphore is never closed.
                let _permit = self.in_flight.acquire().await;
                self.once(call, receiver()).await
            };
            let (setback, failed) = match outcome {
                Ok(out) => return Ok(out),
                Err(Miss::Unusable(error)) => return Err(Failed::Unanswered(error)),
                Err(Miss::Refused(refusal)) => match refusal.setback() {
                    // A write that failed midway may have had its effect.
                    Some(setback @ Setback::ServerFailed { .. }) if call.repeat == Repeat::IfUnsent => {
                        let why =
                            format!("the API server failed ({}): {}", refusal.code.as_u16(), refusal.message);
                        (setback, Failed::Unanswered(Error::new(ErrorKind::OutcomeUnknown, why)))
                    }
                    Some(setback) => (setback, Failed::Refused(refusal)),
                    None => return Err(Failed::Refused(refusal)),
                },
                Err(Miss::Unanswered(Unanswered { setback, why })) => {
                    (setback, Failed::Unanswered(self.unanswered(setback, call.repeat, &why)))
                }
            };
            let reached = self.shared.reached.load(Ordering::Relaxed);
            let spent = self.clock().now().since(started);
            let Some(pause) = wait(call.repeat, setback, tries, spent, reached, fastrand::f64()) else {
                return Err(failed);
            };
            tracing::debug!(
                verb = call.verb,
                object = call.object,
                ?setback,
                ?pause,
                "request will be sent again"
            );
            tries += 1;
            self.clock().sleep(pause).await;
        }
    }

    /// Sends `call` and reads the answer as JSON.
    pub(crate) async fn call_json(&self, call: &Call) -> Result<Value, Failed> {
        let body = self.call(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Failed::Unanswered(
                Error::new(ErrorKind::Internal, "the API server's answer is not JSON").source(error),
            )
        })
    }

    async fn once<R: Receive>(&self, call: &Call, mut receiver: R) -> Result<R::Out, Miss> {
        let lost = |why| Miss::Unanswered(Unanswered { setback: Setback::AnswerLost, why });
        let exchange = async {
            let response = self.send(call).await.map_err(Miss::Unanswered)?;
            if !response.status().is_success() {
                return Err(Miss::Refused(refusal(response).await));
            }
            let mut body = response.into_body().into_data_stream();
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|error| lost(format!("the answer broke off: {error}")))?;
                if receiver.chunk(&bytes).map_err(Miss::Unusable)?.is_break() {
                    break;
                }
            }
            receiver.end().map_err(Miss::Unusable)
        };
        tokio::select! {
            answered = exchange => answered,
            () = self.clock().sleep(self.request_timeout) => {
                Err(lost(format!("no answer within {} s", self.request_timeout.as_secs_f32())))
            }
        }
    }

    /// Sends `call` once; the answer's body is still to be read.
    async fn send(&self, call: &Call) -> Result<Response<Body>, Unanswered> {
        let request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(http::header::ACCEPT, call.accept)
            .header(http::header::CONTENT_TYPE, call.content_type)
            .body(Body::from(call.body.clone()))
            .map_err(|error| Unanswered {
                setback: Setback::Unsendable,
                why: format!("cannot be asked for: {error}"),
            })?;
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let response = self.client.send(request).await.map_err(|error| broken(&error))?;
        self.shared.reached.store(true, Ordering::Relaxed);
        Ok(response)
    }

    /// Opens a stream of bytes; the caller reads it for as long as it likes.
    pub(crate) async fn open(&self, call: &Call) -> Result<Body, Failed> {
        let opened = tokio::select! {
            opened = self.send(call) => opened,
            () = self.clock().sleep(self.request_timeout) => {
                Err(Unanswered { setback: Setback::AnswerLost, why: "no answer in time".to_owned() })
            }
        };
        let response = opened
            .map_err(|lost| Failed::Unanswered(self.unanswered(lost.setback, call.repeat, &lost.why)))?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        Err(Failed::Refused(refusal(response).await))
    }

    fn unanswered(&self, setback: Setback, repeat: Repeat, why: &str) -> Error {
        if setback == Setback::AnswerLost && repeat == Repeat::IfUnsent {
            return Error::new(ErrorKind::OutcomeUnknown, format!("the answer was lost: {why}"));
        }
        if setback == Setback::Unsendable {
            return Error::invalid(why);
        }
        let kind = if setback == Setback::AnswerLost { ErrorKind::Timeout } else { ErrorKind::Unavailable };
        let help = if why.contains("certificate") {
            "the kubeconfig's certificate authority must be the one that signed the server's certificate"
        } else {
            "check the address, the network and that the cluster is up"
        };
        Error::new(kind, format!("the API server of {} cannot be reached: {why}", self.describe))
            .with_retry(Retry::Exhausted)
            .help(help)
    }
}

/// A refusal with what can be read of its words: the code alone says enough.
async fn refusal(response: Response<Body>) -> Refusal {
    let (head, body) = response.into_parts();
    let bytes = Limited::new(body, MAX_REFUSAL).collect().await.map(Collected::to_bytes).unwrap_or_default();
    Refusal::read(head.status, &head.headers, &bytes)
}

/// Whether a broken request was sent, as far as the client can tell; in doubt it was.
fn broken(error: &kube::Error) -> Unanswered {
    if matches!(error, kube::Error::Auth(_)) {
        // Its words quote the credential plugin's arguments and output.
        return Unanswered {
            setback: Setback::NotSent,
            why: "the context's credentials cannot be renewed".to_owned(),
        };
    }
    let mut why = error.to_string();
    let mut not_sent = false;
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            not_sent |= io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        not_sent |= error.to_string() == "client error (Connect)";
        why = error.to_string();
        next = error.source();
    }
    let setback = if not_sent { Setback::NotSent } else { Setback::AnswerLost };
    Unanswered { setback, why }
}
