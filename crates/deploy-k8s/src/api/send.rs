//! Sends one request, again where that is allowed, within its time.

use std::sync::atomic::Ordering;

use deploy_core::error::{Error, ErrorKind, Result, Retry};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Collected, Limited};
use kube::client::Body;
use serde_json::Value;

use super::Cluster;
use super::answer::Refusal;
use super::retry::{Repeat, Setback, wait};

/// Answers larger than this are refused: a page of a list of 500 large objects fits.
const MAX_ANSWER: usize = 256 << 20;

/// A request, before it is sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
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

/// Why one try came to nothing.
struct Unanswered {
    setback: Setback,
    why: String,
}

impl Cluster {
    /// Sends `call` until it is answered or may not be repeated any more.
    pub(crate) async fn call(&self, call: &Call) -> Result<Vec<u8>, Failed> {
        let started = self.clock().now();
        let mut tries = 0;
        loop {
            let outcome = {
                // The semaphore is never closed.
                let _permit = self.in_flight.acquire().await;
                self.once(call).await
            };
            let (setback, failed) = match outcome {
                Ok(Ok(body)) => return Ok(body),
                Ok(Err(refusal)) => match refusal.setback() {
                    // A write that failed midway may have had its effect.
                    Some(setback @ Setback::ServerFailed { .. }) if call.repeat == Repeat::IfUnsent => {
                        let why =
                            format!("the API server failed ({}): {}", refusal.code.as_u16(), refusal.message);
                        (setback, Failed::Unanswered(Error::new(ErrorKind::OutcomeUnknown, why)))
                    }
                    Some(setback) => (setback, Failed::Refused(refusal)),
                    None => return Err(Failed::Refused(refusal)),
                },
                Err(Unanswered { setback, why }) => {
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

    async fn once(&self, call: &Call) -> Result<Result<Vec<u8>, Refusal>, Unanswered> {
        let exchange = async {
            let response = self.send(call).await?;
            let (head, body) = response.into_parts();
            let bytes = Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(|error| Unanswered {
                    setback: Setback::AnswerLost,
                    why: format!("the answer broke off: {error}"),
                })?
                .to_bytes();
            Ok(if head.status.is_success() {
                Ok(bytes.to_vec())
            } else {
                Err(Refusal::read(head.status, &head.headers, &bytes))
            })
        };
        tokio::select! {
            answered = exchange => answered,
            () = self.clock().sleep(self.request_timeout) => Err(Unanswered {
                setback: Setback::AnswerLost,
                why: format!("no answer within {} s", self.request_timeout.as_secs_f32()),
            }),
        }
    }

    /// Sends `call` once; the answer's body is still to be read.
    async fn send(&self, call: &Call) -> Result<Response<Body>, Unanswered> {
        let request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(http::header::ACCEPT, "application/json")
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
        let (head, body) = response.into_parts();
        let bytes = Limited::new(body, 1 << 20).collect().await.map(Collected::to_bytes).unwrap_or_default();
        Err(Failed::Refused(Refusal::read(head.status, &head.headers, &bytes)))
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
