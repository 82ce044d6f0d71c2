//! A way to a port inside the cluster, for checks that look at what was deployed.
//!
//! ```
//! use deploy_core::{connect::Connect, manifest::ObjectId, memory::MemoryConnect};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let service = ObjectId::new("", "Service", Some("shop"), "api");
//! let connect = MemoryConnect::new([(service.clone(), 80, "127.0.0.1:8080".parse().unwrap())]);
//! assert_eq!(connect.connect(&service, 80).await?.address().port(), 8080);
//! assert!(connect.connect(&service, 81).await.is_err());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::error::Result;
use crate::manifest::ObjectId;

/// A way to a port inside the cluster.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens a local address that leads to `port` of `object` (a Pod, a Service, a workload) while the returned tunnel lives.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) if there is no such object or no ready pod behind it.
    async fn connect(&self, object: &ObjectId, port: u16) -> Result<Box<dyn Tunnel>>;
}

/// An open way into the cluster; dropped, it closes.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Tunnel: Send + Sync {
    /// The local address.
    fn address(&self) -> SocketAddr;
}
