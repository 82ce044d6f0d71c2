//! The judge that runs on the node, against the judge in Rust.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod node;
mod recordings;
mod twin;
