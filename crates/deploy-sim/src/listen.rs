//! The API server on a port: HTTP/1.1 in plain text, the same service as in process.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::server::Server;

/// Connections at a time; more wait until one ends.
const MAX_CONNECTIONS: usize = 1_000;
/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Until the system is asked again that had no file descriptor left.
const BREATH: Duration = Duration::from_millis(100);

/// Serves connections until it is dropped; then they end, too.
pub(crate) async fn accept(listener: TcpListener, server: Server) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Watches tell small things at once.
                let _ = stream.set_nodelay(true);
                let server = server.clone();
                connections.spawn(async move {
                    serve(stream, server).await;
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
