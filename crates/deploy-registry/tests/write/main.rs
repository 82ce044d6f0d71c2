//! Writing to a registry that misbehaves in known ways, and (`live`) to a real one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what it does not expect has failed")]

#[path = "../double/mod.rs"]
mod double;
#[allow(dead_code, unreachable_pub, reason = "a part of it is used here")]
#[path = "../registry/live/server.rs"]
mod server;

mod artifact;
mod build;
mod live;
mod promote;
mod push;
mod sample;
mod tags;

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_registry::{OciRegistry, OciRegistryBuilder};

/// The machine's clock, whose waits take no time.
struct Hasty(SystemClock);

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, _: std::time::Duration) {
        tokio::task::yield_now().await;
    }
}

fn hasty() -> OciRegistryBuilder {
    OciRegistry::builder().clock(Arc::new(Hasty(SystemClock::new())))
}

fn client() -> OciRegistry {
    hasty().build().unwrap()
}
