//! What the scenarios share: a namespace of their own on a cluster, ways to deploy into it, and an independent look at it.
//!
//! The look goes through kube's own typed API, not through the requests under test.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "a scenario ends by panicking, and says why"
)]

mod app;
mod env;
mod look;
mod port;
mod registry;
mod scenario;
mod served;
mod sim;
mod table;
mod tools;

pub use app::{deployment, job, workload};
pub use env::{Env, embedded, live, served};
pub use look::{assert_order, managers, reasons};
pub use port::Port;
pub use registry::Registry;
pub use sim::in_real_time;
pub use table::scenario_table;
pub use tools::{Chart, Helm, set};
