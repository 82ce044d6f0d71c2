//! The API server on a port: HTTP/1.1, plain or over TLS, the same service as in process.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
#[cfg(feature = "tls")]
use tokio::time::timeout;

use crate::server::Server;

/// Connections at a time; more wait until one ends.
const MAX_CONNECTIONS: usize = 1_000;
/// How long a client may take for the head of a request, and for the beginning of TLS.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Until the system is asked again that had no file descriptor left.
const BREATH: Duration = Duration::from_millis(100);

/// How a connection carries its bytes.
#[derive(Clone)]
pub(crate) enum Carrier {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

impl Carrier {
    fn serve(self, stream: TcpStream, server: Server) -> BoxFuture<'static, ()> {
        match self {
            Self::Plain => serve(stream, server).boxed(),
            #[cfg(feature = "tls")]
            Self::Tls(acceptor) => async move {
                // Who does not trust the certificate leaves: that is told to them.
                if let Ok(Ok(stream)) = timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
                    serve(stream, server).await;
                }
            }
            .boxed(),
        }
    }
}

/// Serves connections until it is dropped; then they end, too.
pub(crate) async fn accept(listener: TcpListener, server: Server, carrier: Carrier) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Watches tell small things at once.
                let _ = stream.set_nodelay(true);
                let (server, carrier) = (server.clone(), carrier.clone());
                connections.spawn(async move {
                    carrier.serve(stream, server).await;
                    drop(place);
                });
            }
            Err(_) => sleep(BREATH).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, over whatever carries its bytes.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, server: Server) {
    // Whoever breaks it off is nobody's business but the client's.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(server))
        .with_upgrades()
        .await;
}
