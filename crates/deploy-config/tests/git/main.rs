//! The stores in Git, against real repositories: over files, over HTTP and SSH served by real git.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

mod ancestry;
mod contract;
mod http;
mod killed;
mod notes;
mod races;
mod refused;
mod sets;
mod ssh;
mod support;
mod work_tree;
