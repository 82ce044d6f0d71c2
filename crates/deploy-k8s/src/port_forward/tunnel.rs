//! A local address, and what is carried from there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::connect::Tunnel;
use deploy_core::error::{Error, ErrorKind, Result};
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::Way;
use crate::api::Forward;

/// Connections of one tunnel at a time; more wait until one ends.
const MAX_CONNECTIONS: usize = 64;
/// Until the system is asked again that had no file descriptor left.
const BREATH: Duration = Duration::from_millis(100);
/// How long the stream that was opened with the tunnel is good for the first connection: servers end connections that say nothing.
const FRESH: Duration = Duration::from_secs(2);
/// How long the rest of an answer is carried to a client that says no more.
const LINGER: Duration = Duration::from_secs(10);

/// A local address that leads somewhere until it is dropped.
pub(super) struct LocalTunnel {
    address: SocketAddr,
    /// Accepts, and holds the connections: they end with it.
    task: JoinHandle<()>,
}

impl LocalTunnel {
    pub(super) fn open(listener: TcpListener, way: Arc<Way>, first: Forward) -> Result<Self> {
        let address = listener.local_addr().map_err(|error| {
            Error::new(ErrorKind::Internal, "the local port has no address").source(error)
        })?;
        Ok(Self { address, task: tokio::spawn(accept(listener, way, first)) })
    }
}

impl Drop for LocalTunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel for LocalTunnel {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, way: Arc<Way>, first: Forward) {
    let clock = way.cluster.clock().clone();
    let stale = clock.now() + FRESH;
    let mut first = Some(first);
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = clock.sleep_until(stale), if first.is_some() => {
                first = None;
                continue;
            }
        };
        match accepted {
            Ok((local, _)) => {
                let (way, first) = (Arc::clone(&way), first.take());
                connections.spawn(async move {
                    carry(&way, local, first).await;
                    drop(place);
                });
            }
            Err(_) => clock.sleep(BREATH).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection. Its client sees what went wrong as an end.
async fn carry(way: &Way, local: TcpStream, first: Option<Forward>) {
    let opened = match first {
        Some(first) => Ok(first),
        None => way.open().await,
    };
    let mut forward = match opened {
        Ok(forward) => forward,
        Err(error) => {
            tracing::warn!(object = %way.object, %error, "a connection could not be forwarded");
            return;
        }
    };
    // Whoever speaks in turns must not wait for the other's acknowledgement.
    let _ = local.set_nodelay(true);
    let (mut from_client, mut to_client) = local.into_split();
    let (mut from_pod, mut to_pod) = tokio::io::split(&mut forward.stream);
    let refused = async {
        match forward.refused.as_mut().await {
            Some(why) => why,
            // The stream ended: what came before is still to be read.
            None => std::future::pending().await,
        }
    };
    let answer = async {
        // Whichever side breaks it off is nobody's business but the client's.
        let _ = copy(&mut from_pod, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    let question = async {
        let _ = copy(&mut from_client, &mut to_pod).await;
        way.cluster.clock().sleep(LINGER).await;
    };
    tokio::select! {
        () = answer => {}
        () = question => {}
        why = refused => {
            let why = why.trim();
            tracing::warn!(object = %way.object, port = way.port, why, "the pod refused a connection");
        }
    }
}
