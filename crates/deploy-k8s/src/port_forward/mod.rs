//! [`PortForward`]: local addresses that lead into the cluster, as `kubectl port-forward` opens them.
//!
//! ```no_run
//! use deploy_core::{connect::Connect, manifest::ObjectId};
//! use deploy_k8s::{Cluster, PortForward};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let forward = PortForward::new(Cluster::builder().build().await?);
//! let tunnel = forward.connect(&ObjectId::new("", "Service", Some("shop"), "api"), 80).await?;
//! println!("curl http://{}/healthz", tunnel.address());
//! # Ok(())
//! # }
//! ```

mod behind;
mod endpoints;
mod tunnel;

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::connect::{Connect, Tunnel};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::ObjectId;
use tokio::net::TcpListener;

use self::endpoints::Endpoint;
use self::tunnel::LocalTunnel;
use crate::api::{Cluster, Forward};

/// Pods that are tried for one connection, at most.
const MAX_TRIED: usize = 5;

/// Forwards local ports to pods, through the API server.
///
/// | object | leads to |
/// | --- | --- |
/// | Pod | its `port` |
/// | Service | a ready pod that it selects, at the target of its `port`: a number, or a name that each pod resolves for itself |
/// | Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job | a ready pod of its own, at `port`; of its newest revision if one is ready, of several the youngest |
///
/// Every connection to the local address asks anew which pods there are, so that one after a rollout, or after a pod died, leads to
/// a pod that is ready then. It ends with its pod. Connections to the address are accepted on loopback only, and never by other
/// machines; but every user of this machine can connect while the tunnel is open.
///
/// TCP only. A client that closes its half of a connection still gets the rest of the answer for 10 s: Kubernetes' protocol cannot pass on
/// the half. Rights are in the [crate's documentation](crate).
#[derive(Clone, Debug)]
pub struct PortForward {
    cluster: Cluster,
}

impl PortForward {
    /// Ways into this cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

#[async_trait]
impl Connect for PortForward {
    /// Opens the first stream at once, so that a missing right or pod is an error here; the first connection takes it. Cancel safe.
    ///
    /// # Errors
    /// As the trait's; [`NotFound`](ErrorKind::NotFound) for a port that the Service does not have, too.
    /// [`Unsupported`](ErrorKind::Unsupported) for a Service without a selector, for a port that is not TCP, for a kind without pods.
    async fn connect(&self, object: &ObjectId, port: u16) -> Result<Box<dyn Tunnel>> {
        let open = async {
            let mut object = object.clone();
            let default = || self.cluster.default_namespace().to_owned();
            let namespace = object.namespace.get_or_insert_with(default).clone();
            let way = Way { cluster: self.cluster.clone(), object, namespace, port };
            let first = way.open().await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(|error| {
                Error::new(ErrorKind::Unavailable, "no local port can be opened").source(error)
            })?;
            LocalTunnel::open(listener, Arc::new(way), first)
        };
        let tunnel: Result<LocalTunnel> = open.await;
        match tunnel {
            Ok(tunnel) => Ok(Box::new(tunnel)),
            Err(error) => Err(error.during("forward a port to").on(object)),
        }
    }
}

/// From here to a port of an object.
#[derive(Debug)]
struct Way {
    cluster: Cluster,
    object: ObjectId,
    namespace: String,
    port: u16,
}

impl Way {
    /// A stream to the first endpoint that takes one, as things are now.
    async fn open(&self) -> Result<Forward> {
        let mut failed = None;
        let endpoints = behind::endpoints(&self.cluster, &self.namespace, &self.object, self.port).await?;
        for Endpoint { pod, port } in endpoints.into_iter().take(MAX_TRIED) {
            match self.cluster.forward(&self.namespace, &pod, port).await {
                Ok(forward) => return Ok(forward),
                // The right is missing for all of them.
                Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthorized) => {
                    return Err(error);
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed
            .unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no pod of it is ready").on(&self.object)))
    }
}
