//! What every [`Inventory`] keeps to.

use std::future::Future;

use super::run_all;
use crate::inventory::Inventory;

/// An inventory, and what it must find.
pub trait Fixture: Send + Sync {
    /// The inventory.
    fn inventory(&self) -> &dyn Inventory;

    /// A namespace that runs at least two containers.
    fn namespace(&self) -> &str;

    /// Each of them as workload's name, container and image, sorted.
    fn expected(&self) -> Vec<(String, String, String)>;

    /// The images that a way back there would need, sorted.
    fn kept(&self) -> Vec<String>;

    /// A namespace that runs nothing.
    fn empty_namespace(&self) -> &str;
}

/// Makes a test of each clause: `inventory_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! inventory_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { inventory [
            all_that_runs_is_listed_in_order
            nothing_runs_where_nothing_was_deployed
            what_a_way_back_needs_is_listed_once
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(inventory_conformance!(list), factory).await;
}

/// Every container is there once, by workload and name, and of the namespace asked for.
pub async fn all_that_runs_is_listed_in_order(fixture: impl Fixture) {
    let running = fixture.inventory().running(fixture.namespace()).await.expect("it can be listed");
    assert!(running.iter().all(|image| image.workload.namespace.as_deref() == Some(fixture.namespace())));
    let found: Vec<_> =
        running.into_iter().map(|image| (image.workload.name, image.container, image.image)).collect();
    assert_eq!(found, fixture.expected());
}

/// A namespace without workloads is an empty list, not an error.
pub async fn nothing_runs_where_nothing_was_deployed(fixture: impl Fixture) {
    let running = fixture.inventory().running(fixture.empty_namespace()).await.expect("it can be listed");
    assert!(running.is_empty(), "{running:?}");
}

/// The images of recorded revisions are listed, each once, of the namespace asked for.
pub async fn what_a_way_back_needs_is_listed_once(fixture: impl Fixture) {
    let inventory = fixture.inventory();
    assert_eq!(inventory.kept(fixture.namespace()).await.expect("they can be listed"), fixture.kept());
    let none = inventory.kept(fixture.empty_namespace()).await.expect("they can be listed");
    assert!(none.is_empty(), "{none:?}");
}
