//! Streams to the ports of pods, through the API server and the kubelet.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use deploy_core::error::{Error, ErrorKind, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use kube::client::UpgradeConnectionError;
use tokio::io::DuplexStream;

use super::Cluster;

/// A stream to a port of a pod; dropped, it closes.
pub(crate) struct Forward {
    /// The bytes, both ways.
    pub(crate) stream: DuplexStream,
    /// What the node says when the port cannot be used, and nothing if the stream just ends.
    pub(crate) refused: Pin<Box<dyn Future<Output = Option<String>> + Send>>,
    task: Portforwarder,
}

impl Drop for Forward {
    fn drop(&mut self) {
        // kube lets its task go on, else.
        self.task.abort();
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forward")
    }
}

impl Cluster {
    /// Opens a stream to a port of a pod. That something listens there is known only when it answers.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such pod, [`Forbidden`](ErrorKind::Forbidden) without the right to it.
    pub(crate) async fn forward(&self, namespace: &str, pod: &str, port: u16) -> Result<Forward> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let ports = [port];
        let opened = {
            // The semaphore is never closed. A stream that is open takes no place: it may be so for long.
            let _permit = self.in_flight.acquire().await;
            self.shared.requests.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                opened = pods.portforward(pod, &ports) => opened.map_err(|error| refusal(&error)),
                () = self.clock.sleep(self.request_timeout) => {
                    let seconds = self.request_timeout.as_secs_f32();
                    Err(Error::new(ErrorKind::Timeout, format!("no answer within {seconds} s")))
                }
            }
        };
        let broken = || Error::new(ErrorKind::Internal, "the client gave no stream");
        let forward = opened.and_then(|mut task| {
            let stream = task.take_stream(port).ok_or_else(broken)?;
            let refused = Box::pin(task.take_error(port).ok_or_else(broken)?);
            Ok(Forward { stream, refused, task })
        });
        forward.map_err(|error| error.during("forward a port to").on(format!("Pod {namespace}/{pod}")))
    }
}

fn refusal(error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => match status.code {
            401 => Error::new(ErrorKind::Unauthorized, "the API server does not accept the credentials")
                .help("they may have expired: renew them"),
            403 => Error::new(ErrorKind::Forbidden, status.message.clone())
                .help("have a Role bound that allows \"get\" and \"create\" on \"pods/portforward\""),
            404 => Error::new(ErrorKind::NotFound, status.message.clone()),
            code => Error::new(
                ErrorKind::Unavailable,
                format!("the API server refused ({code}): {}", status.message),
            ),
        },
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => Error::new(
            ErrorKind::Unavailable,
            format!("the API server does not switch to a WebSocket (it answered {})", code.as_u16()),
        )
        .help("a proxy on the way may not let WebSockets through"),
        // Its words quote the credential plugin's arguments and output.
        kube::Error::Auth(_) => {
            Error::new(ErrorKind::Unauthorized, "the context's credentials cannot be renewed")
        }
        other => Error::new(ErrorKind::Unavailable, format!("the API server cannot be reached: {other}")),
    }
}
