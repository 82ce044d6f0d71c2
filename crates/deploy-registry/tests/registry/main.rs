//! The client against a registry that misbehaves in every known way, and (`live`) against a real one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that meets what it does not expect has failed"
)]

#[path = "../double/mod.rs"]
mod double;

mod auth;
mod cache;
mod clock;
mod conformance;
mod listing;
mod live;
mod patience;
mod reading;
mod referrers;

use std::sync::Arc;

use deploy_registry::{OciRegistry, OciRegistryBuilder};

use clock::Hasty;

/// A client whose waits take no time, and the clock that counts them.
fn client(options: impl FnOnce(OciRegistryBuilder) -> OciRegistryBuilder) -> (OciRegistry, Arc<Hasty>) {
    let clock = Arc::new(Hasty::default());
    let builder = OciRegistry::builder().clock(Arc::clone(&clock) as Arc<_>);
    (options(builder).build().unwrap(), clock)
}

fn plain() -> OciRegistry {
    client(|builder| builder).0
}
