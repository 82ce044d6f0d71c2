//! The contract of every trait as named clauses, for adapters to run over themselves (feature `conformance`).
//!
//! Each suite is a module here and a macro that makes a test of each of its clauses. Each clause gets an instance of its own from a
//! factory, and never one behind a retry layer, which would hide what it looks for. What an implementation says of itself
//! (its capabilities) decides what a clause asks of it: what it cannot do it must refuse.
//!
//! ```
//! # // The macro makes tests, which run under `cargo test` only.
//! #[cfg(test)]
//! mod conformance {
//!     use deploy_core::memory::MemoryJournal;
//!
//!     deploy_core::journal_conformance! { #[tokio::test] || async { MemoryJournal::new() } }
//! }
//! ```
//!
//! Or all clauses in one go, which names those that do not hold:
//!
//! ```
//! # use deploy_core::memory::MemoryJournal;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! deploy_core::conformance::journal::run(|| async { MemoryJournal::new() }).await;
//! # })
//! ```
//!
//! | trait | suite | tests |
//! | --- | --- | --- |
//! | [`RolloutTarget`](crate::target::RolloutTarget) | [`rollout_target`] | `rollout_target_conformance!` |
//! | [`Source`](crate::source::Source) | [`source`] | `source_conformance!` |
//! | [`Registry`](crate::registry::Registry) | [`registry`] | `registry_conformance!` |
//! | [`ConfigStore`](crate::config::ConfigStore) | [`config_store`] | `config_store_conformance!` |
//! | [`Lock`](crate::lock::Lock) | [`lock`] | `lock_conformance!` |
//! | [`Journal`](crate::journal::Journal) | [`journal`] | `journal_conformance!` |
//! | [`Gate`](crate::guard::Gate) | [`gate`] | `gate_conformance!` |
//! | [`Check`](crate::guard::Check) | [`check`] | `check_conformance!` |
//! | [`SecretSource`](crate::secret::SecretSource) | [`secret_source`] | `secret_source_conformance!` |
//! | [`AuditSink`](crate::audit::AuditSink) | [`audit_sink`] | `audit_sink_conformance!` |
//! | [`Observer`](crate::event::Observer) | [`observer`] | `observer_conformance!` |
//! | [`Ancestry`](crate::ancestry::Ancestry) | [`ancestry`] | `ancestry_conformance!` |
//! | [`Connect`](crate::connect::Connect) | [`connect`] | `connect_conformance!` |
//! | [`Inventory`](crate::inventory::Inventory) | [`inventory`] | `inventory_conformance!` |
//! | [`Clock`](crate::clock::Clock) | [`clock`] | `clock_conformance!` |

#![allow(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    reason = "a clause that does not hold panics"
)]

pub mod ancestry;
pub mod audit_sink;
pub mod check;
pub mod clock;
pub mod config_store;
pub mod connect;
pub mod gate;
pub mod inventory;
pub mod journal;
pub mod lock;
pub mod observer;
pub mod registry;
pub mod rollout_target;
pub mod secret_source;
pub mod source;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind, Result};

/// A clause with its name.
type Clause<S> = (&'static str, fn(S) -> BoxFuture<'static, ()>);

/// Runs all clauses, and panics with the names of those that do not hold.
async fn run_all<S, F>(clauses: &[Clause<S>], factory: impl Fn() -> F)
where
    F: Future<Output = S>,
{
    let mut broken = Vec::new();
    for (name, clause) in clauses {
        let subject = factory().await;
        if AssertUnwindSafe(clause(subject)).catch_unwind().await.is_err() {
            broken.push(*name);
        }
    }
    assert!(
        broken.is_empty(),
        "{} of {} clauses do not hold: {}",
        broken.len(),
        clauses.len(),
        broken.join(", ")
    );
}

/// The error that a call must have come to.
fn refused<T>(result: Result<T>, kind: ErrorKind, what: &str) -> Error {
    match result {
        Ok(_) => panic!("{what} must be refused with {kind:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{what} must be refused with {kind:?}: {error}");
            error
        }
    }
}

/// What a suite's macro makes of its clauses: a list, or a test of each.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_clauses {
    ($suite:ident [$($clause:ident)+] list) => {
        &[$((stringify!($clause), |subject| ::std::boxed::Box::pin($clause(subject)))),+]
    };
    ($suite:ident [] {$($attribute:tt)+} $factory:expr) => {};
    ($suite:ident [$clause:ident $($more:ident)*] {$($attribute:tt)+} $factory:expr) => {
        $($attribute)+
        async fn $clause() {
            $crate::conformance::$suite::$clause(($factory)().await).await;
        }
        $crate::conformance_clauses! { $suite [$($more)*] {$($attribute)+} $factory }
    };
    ($suite:ident [$($clause:ident)+] $(#[$attribute:meta])+ $factory:expr) => {
        $crate::conformance_clauses! { $suite [$($clause)+] {$(#[$attribute])+} $factory }
    };
}
