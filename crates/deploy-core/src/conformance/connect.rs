//! What every [`Connect`] keeps to.

use std::future::Future;

use super::{refused, run_all};
use crate::connect::Connect;
use crate::error::ErrorKind;
use crate::manifest::ObjectId;

/// A way into a cluster, and what can be reached there.
pub trait Fixture: Send + Sync {
    /// The way.
    fn connect(&self) -> &dyn Connect;

    /// An object and a port of it that something listens on.
    fn reachable(&self) -> (ObjectId, u16);

    /// An object that is not there.
    fn missing(&self) -> ObjectId;
}

/// Makes a test of each clause: `connect_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! connect_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { connect [
            a_tunnel_has_a_local_address
            a_second_tunnel_lives_beside_the_first
            what_is_not_there_is_not_found
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(connect_conformance!(list), factory).await;
}

/// The address is this machine's own, with a port.
pub async fn a_tunnel_has_a_local_address(fixture: impl Fixture) {
    let (object, port) = fixture.reachable();
    let tunnel = fixture.connect().connect(&object, port).await.expect("something listens there");
    assert!(tunnel.address().ip().is_loopback(), "{}", tunnel.address());
    assert_ne!(tunnel.address().port(), 0);
}

/// Two ways to the same port do not disturb each other.
pub async fn a_second_tunnel_lives_beside_the_first(fixture: impl Fixture) {
    let (object, port) = fixture.reachable();
    let first = fixture.connect().connect(&object, port).await.expect("something listens there");
    let address = first.address();
    drop(fixture.connect().connect(&object, port).await.expect("something listens there"));
    assert_eq!(first.address(), address);
}

/// An object that is not there is an error that names it.
pub async fn what_is_not_there_is_not_found(fixture: impl Fixture) {
    let (_, port) = fixture.reachable();
    let missing = fixture.missing();
    let error = refused(
        fixture.connect().connect(&missing, port).await,
        ErrorKind::NotFound,
        "an object that is not there",
    );
    assert!(error.to_string().contains(&missing.name), "{error}");
}
