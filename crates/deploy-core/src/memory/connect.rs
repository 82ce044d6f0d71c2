//! Ports of objects at addresses that are known beforehand.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use async_trait::async_trait;

use crate::connect::{Connect, Tunnel};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::ObjectId;

/// Ports of objects, at addresses that are known beforehand.
#[derive(Clone, Debug, Default)]
pub struct MemoryConnect(BTreeMap<(ObjectId, u16), SocketAddr>);

impl MemoryConnect {
    /// These ports of these objects, at these addresses.
    pub fn new(ports: impl IntoIterator<Item = (ObjectId, u16, SocketAddr)>) -> Self {
        Self(ports.into_iter().map(|(object, port, address)| ((object, port), address)).collect())
    }
}

#[async_trait]
impl Connect for MemoryConnect {
    async fn connect(&self, object: &ObjectId, port: u16) -> Result<Box<dyn Tunnel>> {
        match self.0.get(&(object.clone(), port)) {
            Some(address) => Ok(Box::new(Fixed(*address))),
            None => Err(Error::new(ErrorKind::NotFound, format!("nothing listens on port {port}"))
                .during("connect to")
                .on(object)),
        }
    }
}

struct Fixed(SocketAddr);

impl Tunnel for Fixed {
    fn address(&self) -> SocketAddr {
        self.0
    }
}
